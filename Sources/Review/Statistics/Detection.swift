import Foundation

/// How well a difference is seen in two-alternative forced choice: one of two is changed, and the person must say which.
package enum Detection {
    /// d′ = √2 · z(share right) (D. M. Green and J. A. Swets, Signal Detection Theory and Psychophysics, 1966): how far apart, in standard
    /// deviations, the two look; 0 where people guess.
    ///
    /// None or all right would be infinite: half an answer is then put on the other side (N. A. Macmillan and H. L. Kaplan, Psychological
    /// Bulletin 98, 1985). Nil where there was no trial.
    ///
    /// - Returns: with the Wilson interval's ends carried over, held at the same distance from 0 and 1.
    package static func dPrime(_ right: Proportion) -> Interval? {
        guard let interval = right.wilson() else { return nil }
        let edge = 1 / (2 * Double(right.trials))
        func of(_ share: Double) -> Double { 2.0.squareRoot() * normalDeviate(min(1 - edge, max(edge, share))) }
        return Interval(estimate: of(interval.estimate), low: of(interval.low), high: of(interval.high))
    }

    /// The difference of two shares counted on different trials: the hybrid score interval of R. G. Newcombe, Statistics in Medicine 17
    /// (1998), method 10. Nil where one was not tried.
    package static func difference(_ a: Proportion, _ b: Proportion) -> Interval? {
        guard let first = a.wilson(), let second = b.wilson() else { return nil }
        let d = first.estimate - second.estimate
        func root(_ x: Double, _ y: Double) -> Double { (x * x + y * y).squareRoot() }
        return Interval(
            estimate: d, low: d - root(first.estimate - first.low, second.high - second.estimate),
            high: d + root(first.high - first.estimate, second.estimate - second.low))
    }
}

/// z such that a standard normal number is below it with this probability, in (0, 1).
package func normalDeviate(_ probability: Double) -> Double {
    var (low, high) = (-40.0, 40.0)
    for _ in 0..<100 {
        let middle = (low + high) / 2
        // The smaller tail is the one that can be computed exactly.
        let isBelow = middle < 0 ? erfc(-middle / 2.0.squareRoot()) / 2 < probability : 1 - erfc(middle / 2.0.squareRoot()) / 2 < probability
        if isBelow { low = middle } else { high = middle }
    }
    return (low + high) / 2
}
