import Foundation

/// Two models on the same images under the same attacks: what differs, and whether chance would explain it.
package struct PairedComparison: Sendable, Hashable, Codable {
    /// Images that both were tried on.
    package var count: Int
    /// Images that only the first withstands, and that only the second does.
    package var onlyFirst: Int
    package var onlySecond: Int
    package var both: Int

    package init(count: Int, both: Int, onlyFirst: Int, onlySecond: Int) {
        self.count = count
        self.both = both
        self.onlyFirst = onlyFirst
        self.onlySecond = onlySecond
    }

    /// - Parameter second: as long as `first`, in the same order.
    package init(_ first: [Bool], _ second: [Bool]) {
        precondition(first.count == second.count, "other images")
        let pairs = zip(first, second)
        self.init(
            count: first.count, both: pairs.count { $0 && $1 }, onlyFirst: pairs.count { $0 && !$1 },
            onlySecond: pairs.count { !$0 && $1 })
    }

    /// Accuracy of the second less accuracy of the first.
    package var difference: Double { count == 0 ? 0 : Double(onlySecond - onlyFirst) / Double(count) }

    /// Interval of `difference`: Wald's with a pair added to each kind of disagreement (Bonett and Price, Psychological Methods
    /// 2012).
    package func interval(level: Double = 0.95) -> BinomialInterval {
        let n = Double(count) + 2
        let (first, second) = ((Double(onlyFirst) + 1) / n, (Double(onlySecond) + 1) / n)
        let difference = second - first
        let half = normalQuantile(level: level) * (max(0, first + second - difference * difference) / n).squareRoot()
        return BinomialInterval(low: max(-1, difference - half), high: min(1, difference + half))
    }

    /// McNemar's exact test (Psychometrika 1947): the chance of a disagreement at least as lopsided if neither were better.
    /// Two-sided. Images on which the two agree say nothing and do not enter.
    package var pValue: Double {
        let (least, n) = (min(onlyFirst, onlySecond), onlyFirst + onlySecond)
        guard n > 0, onlyFirst != onlySecond else { return 1 }
        // Twice the lower tail of a binomial with n tries at one half: I_½(n − k, k + 1).
        return min(1, 2 * IncompleteBeta.value(0.5, Double(n - least), Double(least + 1)))
    }
}
