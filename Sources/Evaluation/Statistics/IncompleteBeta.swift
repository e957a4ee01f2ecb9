import Foundation

/// The regularised incomplete beta function I_x(a, b), of which binomial tails are values.
enum IncompleteBeta {
    /// Relative error about 10⁻¹³. By its continued fraction (Abramowitz and Stegun 26.5.8), evaluated by Lentz's method.
    ///
    /// - Parameters:
    ///   - x: in [0, 1].
    ///   - a, b: above 0.
    static func value(_ x: Double, _ a: Double, _ b: Double) -> Double {
        guard x > 0 else { return 0 }
        guard x < 1 else { return 1 }
        // The fraction converges fast on one side of the mean, and the function is symmetric.
        guard x <= (a + 1) / (a + b + 2) else { return 1 - value(1 - x, b, a) }
        let logarithm = lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)
        return exp(logarithm) / a / fraction(x, a, b)
    }

    private static func fraction(_ x: Double, _ a: Double, _ b: Double) -> Double {
        func nonzero(_ value: Double) -> Double { abs(value) < 1e-300 ? 1e-300 : value }
        var (value, c, d) = (1.0, 1.0, 0.0)
        for i in 1...10_000 {
            let m = Double(i / 2)
            let numerator =
                i % 2 == 0
                ? m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
                : -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
            d = 1 / nonzero(1 + numerator * d)
            c = nonzero(1 + numerator / c)
            let factor = c * d
            value *= factor
            if abs(factor - 1) < 1e-16 { break }
        }
        return value
    }
}
