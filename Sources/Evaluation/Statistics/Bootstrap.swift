import Kernels

/// Intervals for figures that no formula gives one for, such as ratios: the figure is computed again and again on images drawn
/// with replacement from those at hand (Efron 1979), and the middle of what comes out is the interval.
package enum Bootstrap {
    /// The stream of the draws among those of evaluations.
    private static let stream = 14 << 20

    /// - Parameters:
    ///   - count: images.
    ///   - figure: of a list of images, which may name one several times; nil where it has no value.
    ///   - seed: equal seeds give equal intervals.
    /// - Returns: nil if the figure has a value in fewer than nine of ten draws.
    package static func interval(
        count: Int, draws: Int = 2000, level: Double = 0.95, seed: UInt64 = 0, _ figure: ([Int]) -> Double?
    ) -> BinomialInterval? {
        guard count > 0, draws > 0 else { return nil }
        var chosen = [Int](repeating: 0, count: count)
        var values: [Double] = []
        for draw in 0..<draws {
            let random = Philox(seed: seed, purpose: .evaluation, epoch: stream, sample: draw)
            for i in 0..<count { chosen[i] = random.uniform(i, below: count) }
            if let value = figure(chosen), value.isFinite { values.append(value) }
        }
        guard values.count * 10 >= draws * 9 else { return nil }
        values.sort()
        let tail = (1 - level) / 2
        return BinomialInterval(low: quantile(tail, values), high: quantile(1 - tail, values))
    }

    /// Between neighbours in proportion.
    private static func quantile(_ share: Double, _ sorted: [Double]) -> Double {
        let place = share * Double(sorted.count - 1)
        let below = min(Int(place), sorted.count - 1)
        let above = min(below + 1, sorted.count - 1)
        return sorted[below] + (sorted[above] - sorted[below]) * (place - Double(below))
    }
}
