import Foundation
import Review
import Testing

/// Figures marked scipy or irrCAC were computed with those programs.
@Suite struct StatisticsTests {
    private func isNear(_ a: Double?, _ b: Double, _ tolerance: Double = 1e-9) -> Bool { a.map { abs($0 - b) <= tolerance } ?? false }

    @Test(arguments: [
        (0, 300, 0, 0.01222097469429355, 0, 0.012642971224546036), (3, 50, 0.01254858783533406, 0.16548194660377288, 0.020614970348973957, 0.1621709168883817),
        (50, 50, 0.9288782635358024, 1, 0.9286524008666412, 1), (7, 20, 0.15390920478454118, 0.5921885345328282, 0.1811918241010821, 0.5671457233147637),
    ])
    func intervalsOfAShareAreSciPys(hits: Int, trials: Int, exactLow: Double, exactHigh: Double, low: Double, high: Double) throws {
        let share = Proportion(hits: hits, trials: trials)
        let exact = try #require(share.clopperPearson())
        let wilson = try #require(share.wilson())
        #expect(isNear(exact.low, exactLow) && isNear(exact.high, exactHigh), "\(exact)")
        #expect(isNear(wilson.low, low) && isNear(wilson.high, high), "\(wilson)")
        #expect(Proportion().wilson() == nil && Proportion().clopperPearson() == nil)
    }

    /// scipy.stats.hypergeom over every number of errors that there may be.
    @Test(arguments: [
        (1000, 100, 3, 0.0044444444444444444, 0.08777777777777777), (400, 380, 1, 0, 0.05), (100, 30, 0, 0, 0.12857142857142856),
        (5000, 300, 0, 0, 0.012553191489361702), (60, 20, 20, 0.8, 1),
    ])
    func theRestIsBoundedExactly(population: Int, sample: Int, errors: Int, low: Double, high: Double) throws {
        let rest = RestEstimate(population: population, sample: sample, errors: errors)
        let share = try #require(rest.share)
        #expect(rest.rest == population - sample && isNear(share.low, low) && isNear(share.high, high), "\(share)")
    }

    @Test func theRestHasNoEstimateWithoutASampleOrARest() {
        #expect(RestEstimate(population: 10, sample: 0, errors: 0).share == nil)
        #expect(RestEstimate(population: 10, sample: 10, errors: 2).share == nil)
        #expect(RestEstimate(population: 0, sample: 0, errors: 0).share == nil)
    }

    /// The number named is enough, and one fewer is not.
    @Test func furtherDrawsAreAsManyAsNeeded() throws {
        let rest = RestEstimate(population: 2000, sample: 50, errors: 0)
        func isEnough(_ target: Double) -> (RestEstimate) -> Bool { { $0.share.map { $0.high <= target } ?? false } }
        let more = try #require(rest.furtherDraws(atMost: rest.rest, isEnough: isEnough(0.02)))
        #expect(rest.furtherDraws(atMost: more, isEnough: isEnough(0.02)) == more && rest.furtherDraws(atMost: more - 1, isEnough: isEnough(0.02)) == nil)
        #expect(RestEstimate(population: 2000, sample: 50 + more, errors: 0).share!.high <= 0.02)
        #expect(RestEstimate(population: 2000, sample: 50 + more - 1, errors: 0).share!.high > 0.02)
        // The last image nobody has drawn may be wrong.
        #expect(RestEstimate(population: 100, sample: 50, errors: 30).furtherDraws(atMost: 50, isEnough: isEnough(0.001)) == nil)
    }

    /// 97 of 100 pairs alike, nearly all "unchanged": alpha is below 0 all the same.
    @Test func agreementIsIrrCACs() {
        let rare = Agreement([[Int]](repeating: [0, 0], count: 97) + [[0, 1], [0, 1], [1, 0]], categories: 2)
        #expect(isNear(rare.raw, 0.97) && isNear(rare.alpha, -0.010152284263959421))
        let pairs = Agreement([[Int]](repeating: [0, 0], count: 95) + [[0, 1], [0, 1], [1, 0], [1, 1], [1, 1]], categories: 2)
        #expect(isNear(pairs.alpha, 0.5581051073279053) && isNear(pairs.ac1, 0.96783, 5e-6))
        // Three people, four names.
        let three = Agreement([[0, 0, 1], [1, 1, 1], [2, 2, 2], [0, 1, 2], [3, 3, 3], [0, 0, 0]], categories: 4)
        #expect(isNear(three.raw, 0.72222, 5e-6) && isNear(three.alpha, 0.6428571428571428) && isNear(three.ac1, 0.63215, 5e-6), "\(three)")
        // Nobody ever differed: alpha has no meaning, agreement has.
        let same = Agreement([[0, 0], [0, 0], [1]], categories: 2)
        #expect(same.images == 2 && same.raw == 1 && same.alpha == nil && same.ac1 == 1)
    }

    /// By hand from the paper's formulas: sensitivity (26 + 1) / (30 + 2), specificity (29 + 1) / (30 + 2).
    @Test func aShareIsCorrectedForWhatPeopleMiss() throws {
        let found = try #require(
            correctedShare(objected: .init(hits: 12, trials: 150), caught: .init(hits: 26, trials: 30), passed: .init(hits: 29, trials: 30)))
        #expect(found.low == 0 && isNear(found.high, 0.14434457649996343))
        #expect(isNear(found.estimate, (12.0 / 150 + 29.0 / 30 - 1) / (26.0 / 30 + 29.0 / 30 - 1)))
        // People who do no better than chance say nothing.
        #expect(correctedShare(objected: .init(hits: 12, trials: 150), caught: .init(hits: 10, trials: 30), passed: .init(hits: 20, trials: 30)) == nil)
        #expect(correctedShare(objected: .init(), caught: .init(hits: 1, trials: 1), passed: .init(hits: 1, trials: 1)) == nil)
    }
}
