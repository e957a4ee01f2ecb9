import Foundation

/// How sure one may be of a share that was counted on some images.
///
/// Both intervals are two-sided and look at the images as drawn at random from all that the model will meet; what they do not
/// cover (other data, a stronger attack) is no matter of counting.
package struct BinomialInterval: Sendable, Hashable, Codable {
    package var low: Double
    package var high: Double

    package init(low: Double, high: Double) {
        self.low = low
        self.high = high
    }

    /// Wilson's score interval (JASA 1927): close to the level on average, sensible at 0 % and 100 %. The one that reports show.
    ///
    /// - Parameters:
    ///   - count: of `total`, at least 0 and no more.
    ///   - level: above 0 and below 1.
    package static func wilson(_ count: Int, of total: Int, level: Double = 0.95) -> BinomialInterval {
        guard total > 0 else { return BinomialInterval(low: 0, high: 1) }
        let (n, share, z) = (Double(total), Double(count) / Double(total), normalQuantile(level: level))
        let scale = 1 + z * z / n
        let centre = (share + z * z / (2 * n)) / scale
        let half = z / scale * (share * (1 - share) / n + z * z / (4 * n * n)).squareRoot()
        return BinomialInterval(low: count == 0 ? 0 : max(0, centre - half), high: count == total ? 1 : min(1, centre + half))
    }

    /// The exact interval of Clopper and Pearson (Biometrika 1934): never covers less than the level, so it is wider. The one to
    /// take for a bound on something rare, such as no error in 300.
    package static func clopperPearson(_ count: Int, of total: Int, level: Double = 0.95) -> BinomialInterval {
        guard total > 0 else { return BinomialInterval(low: 0, high: 1) }
        let tail = (1 - level) / 2
        let (k, n) = (Double(count), Double(total))
        // The chance of `count` or more, and of `count` or fewer, is the tail at the two ends.
        let low = count == 0 ? 0 : root { IncompleteBeta.value($0, k, n - k + 1) - tail }
        let high = count == total ? 1 : root { IncompleteBeta.value($0, k + 1, n - k) - (1 - tail) }
        return BinomialInterval(low: low, high: high)
    }

    /// Where a function that rises from below zero at 0 to above zero at 1 crosses zero.
    private static func root(_ function: (Double) -> Double) -> Double {
        var (low, high) = (0.0, 1.0)
        for _ in 0..<200 where high - low > 1e-16 {
            let middle = (low + high) / 2
            if function(middle) < 0 { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }
}

/// z such that a standard normal number lies within ±z with this probability: 1.96 for 0.95.
package func normalQuantile(level: Double) -> Double {
    var (low, high) = (0.0, 40.0)
    for _ in 0..<200 {
        let middle = (low + high) / 2
        if erf(middle / 2.0.squareRoot()) < level { low = middle } else { high = middle }
    }
    return (low + high) / 2
}
