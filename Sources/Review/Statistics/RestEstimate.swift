import Foundation

/// What a random sample without replacement says of those that were not drawn.
package struct RestEstimate: Codable, Hashable, Sendable {
    /// Images that the sample was drawn from.
    package var population: Int
    /// Images drawn and decided.
    package var sample: Int
    /// Of them, those in which people changed something.
    package var errors: Int
    /// Images left: `population` − `sample`.
    package var rest: Int
    /// The share of errors among the rest; nil where nothing is left, or nothing was drawn.
    package var share: Interval?

    /// Exact (hypergeometric) bounds: of all numbers of errors that the population may hold, those under which a sample like this
    /// one is not too rare; what the sample held is taken off.
    ///
    /// - Parameter alpha: how often the interval may miss, both sides together.
    package init(population: Int, sample: Int, errors: Int, alpha: Double = 0.05) {
        precondition(sample >= errors && errors >= 0 && population >= sample)
        (self.population, self.sample, self.errors, rest) = (population, sample, errors, population - sample)
        guard rest > 0, sample > 0 else { return }
        let all = errors...(errors + rest)
        func tail(_ k: Int, _ total: Int) -> Double { hypergeometricTail(atMost: k, draws: sample, hits: total, of: population) }
        // The smaller the number of errors, the likelier few of them; and the other way round.
        let high = last(in: all) { tail(errors, $0) > alpha / 2 }
        let low = errors == 0 ? 0 : first(in: all) { 1 - tail(errors - 1, $0) > alpha / 2 }
        share = Interval(
            estimate: Double(errors) / Double(sample), low: Double(max(0, low - errors)) / Double(rest), high: Double(high - errors) / Double(rest))
    }

    /// How many more images drawn, with no further error, would be enough. Bounds on whole numbers go up and down by small steps, so that
    /// places are tried, some 64 of them and then those between two: what is returned is enough, and all but the least.
    ///
    /// - Parameter limit: how many may be drawn.
    /// - Returns: nil if none of the numbers tried is enough.
    /// - Complexity: O(limit / 64 + 64) estimates.
    package func furtherDraws(atMost limit: Int, isEnough: (RestEstimate) -> Bool) -> Int? {
        let most = min(limit, rest - 1)
        func holds(_ more: Int) -> Bool { isEnough(RestEstimate(population: population, sample: sample + more, errors: errors)) }
        let step = max(1, most / 64)
        var tried = 0
        while tried < most {
            let next = min(most, tried + step)
            if holds(next) { return (tried + 1...next).first(where: holds) }
            tried = next
        }
        return nil
    }

    /// The last number for which it holds; it holds for the first ones.
    private func last(in range: ClosedRange<Int>, where holds: (Int) -> Bool) -> Int {
        var (low, high) = (range.lowerBound, range.upperBound)
        while low < high {
            let middle = (low + high + 1) / 2
            if holds(middle) { low = middle } else { high = middle - 1 }
        }
        return low
    }

    /// The first number for which it holds; it holds for the last ones.
    private func first(in range: ClosedRange<Int>, where holds: (Int) -> Bool) -> Int {
        var (low, high) = (range.lowerBound, range.upperBound)
        while low < high {
            let middle = (low + high) / 2
            if holds(middle) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

/// P(X ≤ k), X the hits among `draws` without replacement from `of`, of which `hits` are hits.
func hypergeometricTail(atMost k: Int, draws n: Int, hits K: Int, of N: Int) -> Double {
    let lowest = max(0, n - (N - K))
    let highest = min(k, K, n)
    guard lowest <= highest else { return k < lowest ? 0 : 1 }
    let all = logChoose(N, n)
    return min(1, (lowest...highest).reduce(0.0) { $0 + exp(logChoose(K, $1) + logChoose(N - K, n - $1) - all) })
}
