import Foundation

/// A share with an interval around it.
package struct Interval: Codable, Hashable, Sendable {
    package var estimate: Double
    package var low: Double
    package var high: Double

    package init(estimate: Double, low: Double, high: Double) {
        self.estimate = estimate
        self.low = low
        self.high = high
    }

    package func contains(_ value: Double) -> Bool { low <= value && value <= high }
}

/// `hits` of `trials`.
package struct Proportion: Codable, Hashable, Sendable {
    package var hits: Int
    package var trials: Int

    package init(hits: Int = 0, trials: Int = 0) {
        self.hits = hits
        self.trials = trials
    }

    package mutating func add(_ isHit: Bool) {
        hits += isHit ? 1 : 0
        trials += 1
    }

    /// Nil where there was no trial.
    package var share: Double? { trials > 0 ? Double(hits) / Double(trials) : nil }

    /// The score interval of E. B. Wilson (1927).
    ///
    /// - Parameter z: the normal deviate; 1.96 for 95 %.
    package func wilson(z: Double = normalDeviate95) -> Interval? {
        guard let p = share else { return nil }
        let n = Double(trials)
        let (centre, spread) = (p + z * z / (2 * n), z * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot())
        let scale = 1 / (1 + z * z / n)
        return Interval(estimate: p, low: max(0, (centre - spread) * scale), high: min(1, (centre + spread) * scale))
    }

    /// The exact interval of C. J. Clopper and E. S. Pearson (1934): it contains the truth at least as often as it says.
    ///
    /// - Parameter alpha: how often it may miss, both sides together.
    package func clopperPearson(alpha: Double = 0.05) -> Interval? {
        guard let p = share else { return nil }
        let (k, n) = (hits, trials)
        let low = k == 0 ? 0 : bisect { binomialTail(atMost: k - 1, of: n, p: $0) > 1 - alpha / 2 }
        let high = k == n ? 1 : bisect { binomialTail(atMost: k, of: n, p: $0) > alpha / 2 }
        return Interval(estimate: p, low: low, high: high)
    }
}

/// The 97.5th percentile of the normal distribution.
package let normalDeviate95 = 1.959963984540054

/// P(X ≤ k) for X binomial(n, p).
func binomialTail(atMost k: Int, of n: Int, p: Double) -> Double {
    if p <= 0 { return 1 }
    if p >= 1 { return k >= n ? 1 : 0 }
    var sum = 0.0
    for x in 0...k { sum += exp(logChoose(n, x) + Double(x) * log(p) + Double(n - x) * log1p(-p)) }
    return min(1, sum)
}

/// The logarithm of the number of ways to choose `k` of `n`.
func logChoose(_ n: Int, _ k: Int) -> Double {
    func logFactorial(_ n: Int) -> Double { lgamma(Double(n + 1)) }
    return logFactorial(n) - logFactorial(k) - logFactorial(n - k)
}

/// The last place in [0, 1] at which what holds at 0 still does.
private func bisect(_ holds: (Double) -> Bool) -> Double {
    var (low, high) = (0.0, 1.0)
    for _ in 0..<60 {
        let middle = (low + high) / 2
        if holds(middle) { low = middle } else { high = middle }
    }
    return (low + high) / 2
}
