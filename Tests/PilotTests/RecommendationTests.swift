import Evaluation
import Kernels
import Pilot
import Testing

/// Planted truths: what each method gets right is drawn with known chances, and the recommendation must say what was planted.
@Suite struct RecommendationTests {
    /// Clean and robust accuracies by method; images have a difficulty that all methods share.
    private func outcomes(
        _ accuracies: [PilotMethod: (clean: Double, robust: Double)], images: Int = 1000, seeds: Int = 3, classes: Int = 4,
        byClass: [PilotMethod: [Int: Double]] = [:]
    ) -> PilotOutcomes {
        let labels = (0..<images).map { $0 % classes }
        var flags: [PilotMethod: [PilotOutcomes.Flags]] = [:]
        for (method, accuracy) in accuracies {
            flags[method] = (0..<seeds).map { seed in
                let key = PilotMethod.allCases.firstIndex(of: method)! * 100 + seed
                let noise = Philox(seed: 5, purpose: .test, epoch: key)
                let shared = Philox(seed: 6, purpose: .test)
                func draw(_ image: Int, _ place: Int) -> Double {
                    // Three parts of the image's own difficulty, one of this model's luck.
                    let own = Double(shared.uniform(image, below: 1_000_000)) / 1e6
                    let luck = Double(noise.uniform(2 * image + place, below: 1_000_000)) / 1e6
                    return luck < 0.25 ? Double(noise.uniform(1_000_000 + image, below: 1_000_000)) / 1e6 : own
                }
                let robust = (0..<images).map { draw($0, 1) < (byClass[method]?[labels[$0]] ?? accuracy.robust) }
                return [(0..<images).map { draw($0, 0) < accuracy.clean }, robust]
            }
        }
        return PilotOutcomes(radii: [0, 4], seeds: Array(0..<seeds), classNames: (0..<classes).map { "class \($0)" }, labels: labels, flags: flags)
    }

    private func recommendation(_ outcomes: PilotOutcomes, invalid: [String] = [], unchecked: [String] = [], _ change: (inout PilotPlan.Acceptance) -> Void = { _ in })
        -> PilotRecommendation
    {
        var acceptance = PilotPlan.Acceptance()
        change(&acceptance)
        return PilotRecommendation(outcomes, acceptance: acceptance, decision: 4, invalid: invalid, unchecked: unchecked)
    }

    private let right: [PilotMethod: (clean: Double, robust: Double)] = [
        .natural: (0.95, 0.05), .at: (0.6, 0.45), .atHalf: (0.8, 0.5), .sipAT: (0.88, 0.6), .shuffled: (0.75, 0.45), .centrePrior: (0.8, 0.5), .inverted: (0.5, 0.3),
    ]

    @Test func mapsThatAreRight() {
        let found = recommendation(outcomes(right))
        #expect(found.outcome == .adopt && found.rival == "at-half", "\(found)")
        #expect(found.reasons.map(\.code) == [.beatsRival, .beatsShuffled, .criteriaMet], "\(found)")
    }

    @Test func mapsThatAreRandom() {
        var planted = right
        planted[.shuffled] = planted[.sipAT]
        let found = recommendation(outcomes(planted))
        // The win over the rival stands, and is not the maps'.
        #expect(found.outcome == .mapsBoughtNothing && found.reasons.map(\.code) == [.controlAsGood, .beatsRival], "\(found)")
        #expect(found.rival == "at-half" && PilotWords(.english).outcome(found) == "The maps bought nothing that shows: do not adopt SIP-AT for their sake.")
        // Without that win, and with maps that are equal to the bit.
        var same = outcomes(planted, images: 4000)
        same.flags[.shuffled] = same.flags[.sipAT]
        same.flags[.atHalf] = same.flags[.sipAT]
        let nothing = recommendation(same)
        #expect(nothing.outcome == .noDifference && nothing.reasons.map(\.code) == [.controlAsGood, .sameAsRival], "\(nothing)")
    }

    /// Image by image: so many that only SIP-AT gets right, so many that only the other does, clean and at the radius.
    private func counted(_ pairs: [PilotMethod: (clean: (Int, Int), robust: (Int, Int))], images: Int = 600) -> PilotOutcomes {
        let seeds = 3
        // SIP-AT is right on the first half; others are wrong on some of those, and right on some of the rest.
        let sip = (0..<images).map { $0 < images / 2 }
        var flags: [PilotMethod: [PilotOutcomes.Flags]] = [.sipAT: Array(repeating: [sip, sip], count: seeds)]
        for (method, pair) in pairs {
            func answers(_ only: (Int, Int)) -> [Bool] { sip.indices.map { sip[$0] ? $0 >= only.0 : $0 - images / 2 < only.1 } }
            flags[method] = Array(repeating: [answers(pair.clean), answers(pair.robust)], count: seeds)
        }
        return PilotOutcomes(radii: [0, 4], seeds: [0, 1, 2], classNames: ["a", "b"], labels: (0..<images).map { $0 % 2 }, flags: flags)
    }

    /// A loss is never called "no difference", and "nothing is certain" only where nothing is.
    @Test func aLossThatIsCertain() {
        // Clean −6 points beside the rival, at the radius nothing is certain.
        let worse = recommendation(counted([.atHalf: ((4, 40), (40, 40)), .shuffled: ((40, 40), (40, 40))]))
        #expect(worse.outcome == .notYet && worse.reasons.map(\.code) == [.worse, .controlAsGood], "\(worse)")
        #expect(worse.reasons[0].names == ["at-half", "worse", "unclear"], "\(worse)")
        // Also where the shuffled maps are beaten.
        let beaten = recommendation(counted([.atHalf: ((4, 40), (40, 40)), .shuffled: ((60, 0), (60, 0))]))
        #expect(beaten.outcome == .notYet && beaten.reasons.map(\.code) == [.worse], "\(beaten)")
        // Nothing is certain of either.
        let unclear = recommendation(counted([.atHalf: ((40, 40), (40, 40)), .shuffled: ((40, 40), (40, 40))]))
        #expect(unclear.outcome == .cannotTell && unclear.reasons.map(\.code) == [.controlAsGood, .unclear], "\(unclear)")
        // The same clean, unclear at the radius.
        let partly = recommendation(counted([.atHalf: ((0, 0), (40, 40)), .shuffled: ((60, 0), (60, 0))]))
        #expect(partly.outcome == .cannotTell && partly.reasons.map(\.code) == [.partly] && partly.reasons[0].names == ["at-half", "same", "unclear"], "\(partly)")
        for language in PilotLanguage.allCases {
            let words = PilotWords(language)
            for found in [worse, partly] { #expect(!words.reason(found.reasons[0], PilotPlan()).contains("{"), "\(found)") }
        }
    }

    @Test func mapsThatAreWrong() {
        var planted = right
        (planted[.sipAT], planted[.inverted]) = (planted[.inverted], planted[.sipAT])
        planted[.at] = (0.3, 0.2)
        planted[.atHalf] = (0.45, 0.28)
        planted[.shuffled] = (0.5, 0.3)
        let found = recommendation(outcomes(planted))
        #expect(found.outcome == .notYet && found.reasons.contains { $0.code == .controlBetter && $0.names == ["sip-inverted"] }, "\(found)")
    }

    @Test func aRivalThatIsBetter() {
        var planted = right
        planted[.atHalf] = (0.9, 0.68)
        let found = recommendation(outcomes(planted))
        #expect(found.outcome == .notYet && found.reasons.first?.code == .rivalBetter && found.reasons.first?.names == ["at-half"], "\(found)")
    }

    /// At a radius so small that nothing needs to be done against it, nothing is adopted.
    @Test func naturalTrainingThatIsBetter() {
        var planted = right
        planted[.natural] = (0.97, 0.7)
        let found = recommendation(outcomes(planted))
        #expect(found.outcome == .notYet && found.reasons.first?.code == .rivalBetter && found.reasons.first?.names == ["natural"], "\(found)")
    }

    @Test func aRivalThatIsTheSame() {
        // Equal to the bit: the interval of no difference on 4,000 images is within two points.
        var found = outcomes(right, images: 4000)
        found.flags[.atHalf] = found.flags[.sipAT]
        #expect(recommendation(found).outcome == .noDifference)
        #expect(recommendation(found).reasons.first?.code == .sameAsRival)
    }

    @Test func criteriaThatAreMissed() {
        let found = recommendation(outcomes(right)) { $0.cleanAtLeast = 95 }
        #expect(found.outcome == .notYet && found.reasons.last?.code == .criteriaMissed && found.reasons.last?.names == ["clean"], "\(found)")
        let lossy = recommendation(outcomes(right)) { $0.cleanLossAtMost = 3 }
        #expect(lossy.outcome == .notYet && lossy.reasons.last?.names == ["clean-loss"], "\(lossy)")
    }

    /// A bound that is just reached is met, whatever the quotient's last digit is.
    @Test func criteriaThatAreJustMet() {
        func flags(_ right: Int) -> [PilotOutcomes.Flags] { Array(repeating: Array(repeating: (0..<100).map { $0 < right }, count: 2), count: 3) }
        func met(_ natural: Int, _ sip: Int, _ change: (inout PilotPlan.Acceptance) -> Void) -> [Bool] {
            let outcomes = PilotOutcomes(
                radii: [0, 4], seeds: [0, 1, 2], classNames: ["a", "b"], labels: (0..<100).map { $0 % 2 }, flags: [.natural: flags(natural), .sipAT: flags(sip)])
            return recommendation(outcomes, change).criteria.map(\.isMet)
        }
        for share in [7, 14, 28, 29, 55, 56, 57, 58, 75] {
            #expect(met(90, share) { ($0.cleanAtLeast, $0.robustAtLeast, $0.cleanLossAtMost) = (Double(share), Double(share), Double(90 - share)) } == [true, true, true], "\(share)")
            #expect(
                met(90, share) { ($0.cleanAtLeast, $0.robustAtLeast, $0.cleanLossAtMost) = (Double(share) + 0.1, Double(share) + 0.1, Double(90 - share) - 0.1) }
                    == [false, false, false], "\(share)")
        }
    }

    @Test func aDifferenceJustAsLargeAsMatters() {
        // 1.1 / 100 is more than 11 / 1000.
        let (a, b) = ((0..<1000).map { $0 < 611 }, (0..<1000).map { $0 < 600 })
        let found = PilotDifference(first: "a", second: "b", epsilon: 0, seeds: [0], level: 0.95, [a], [b])
        #expect(found.verdict(smallest: 1.1 / 100) == .better && found.verdict(smallest: 1.2 / 100) != .better)
        let turned = PilotDifference(first: "b", second: "a", epsilon: 0, seeds: [0], level: 0.95, [b], [a])
        #expect(turned.verdict(smallest: 1.1 / 100) == .worse)
    }

    @Test func tooLittleToTell() {
        #expect(recommendation(outcomes(right, seeds: 1)).reasons.map(\.code) == [.tooFewSeeds])
        #expect(recommendation(outcomes(right, images: 60)).reasons.map(\.code) == [.tooFewImages])
        for left in [PilotMethod.atHalf, .shuffled] {
            var planted = right
            planted[left] = nil
            #expect(recommendation(outcomes(planted)).reasons.map(\.code) == [left == .atHalf ? .noHalf : .noShuffled])
        }
        let invalid = recommendation(outcomes(right), invalid: ["sip-at"])
        #expect(invalid.outcome == .cannotTell && invalid.reasons.map(\.code) == [.invalidChecks])
        // Without self-checks nobody knows what the numbers are worth; those of others than SIP-AT and its rival do not matter.
        for names in [["sip-at"], ["at-half"], ["sip-at", "at-half"]] {
            let unchecked = recommendation(outcomes(right), unchecked: names + ["natural", "sip-shuffled"])
            #expect(unchecked.outcome == .cannotTell && unchecked.reasons.map(\.code) == [.noChecks] && unchecked.reasons[0].names == names, "\(unchecked)")
        }
        #expect(recommendation(outcomes(right), unchecked: ["at", "natural"]).outcome == .adopt)
        // Two points on 150 images are within chance.
        var planted = right
        planted[.atHalf] = (0.87, 0.59)
        planted[.shuffled] = (0.5, 0.2)
        let close = recommendation(outcomes(planted, images: 150))
        #expect(close.outcome == .cannotTell && close.reasons.first?.code == .unclear, "\(close)")
    }

    @Test func someClasses() {
        // Equal on average, far better on the first class and a little worse on the others.
        var planted = right
        planted[.atHalf] = (0.88, 0.6)
        planted[.at] = (0.4, 0.4)
        planted[.shuffled] = (0.6, 0.3)
        let found = recommendation(outcomes(planted, byClass: [.sipAT: [0: 0.85, 1: 0.55, 2: 0.55, 3: 0.55]])) { $0.smallestDifference = 8 }
        #expect(found.outcome == .adoptForClasses || found.outcome == .noDifference, "\(found)")
        planted[.sipAT] = (0.92, 0.6)
        let narrow = recommendation(outcomes(planted, images: 400, byClass: [.sipAT: [0: 0.85, 1: 0.5, 2: 0.5, 3: 0.5]]))
        #expect(narrow.outcome == .adoptForClasses && narrow.classes == ["class 0"], "\(narrow)")
        // With criteria missed nothing is adopted, and no class is named as if it were.
        let missed = recommendation(outcomes(planted, images: 400, byClass: [.sipAT: [0: 0.85, 1: 0.5, 2: 0.5, 3: 0.5]])) { $0.cleanAtLeast = 99 }
        #expect(missed.outcome == .notYet && missed.classes.isEmpty && missed.reasons.map(\.code).contains(.criteriaMissed), "\(missed)")
        #expect(missed.reasons.first?.code == .betterOnClasses && missed.reasons.first?.names == ["at-half", "class 0"], "\(missed)")
    }

    @Test func aTrade() {
        var planted = right
        planted[.atHalf] = (0.82, 0.7)
        let found = recommendation(outcomes(planted))
        #expect(found.outcome == .notYet && found.reasons.first?.code == .trade, "\(found)")
    }

    // MARK: Intervals

    @Test func oneSeedIsWilson() {
        for (correct, count) in [(0, 40), (7, 40), (40, 40), (333, 1000)] {
            let share = PilotShare([(0..<count).map { $0 < correct }])
            let wilson = BinomialInterval.wilson(correct, of: count)
            #expect(abs(share.low - wilson.low) < 1e-9 && abs(share.high - wilson.high) < 1e-9 && share.accuracy == Double(correct) / Double(count))
        }
    }

    @Test func oneSeedIsBonettAndPrice() {
        let a = (0..<200).map { $0 % 3 != 0 }
        let b = (0..<200).map { $0 % 5 != 0 }
        let found = PilotDifference(first: "a", second: "b", epsilon: 4, seeds: [0], level: 0.95, [a], [b])
        // There the second's gain counts as positive.
        let pair = PairedComparison(b, a)
        #expect(abs(found.difference - pair.difference) < 1e-12)
        #expect(abs(found.low - pair.interval().low) < 1e-12 && abs(found.high - pair.interval().high) < 1e-12)
        #expect(found.seeds[0].onlyFirst == pair.onlySecond && found.seeds[0].pValue == pair.pValue)
    }

    @Test func twoSeedsByHand() {
        // Four images. Averages over seeds of first less second: 1, ½, 0, −½; with the two that are added: 1, ½, 0, −½, 1, −1.
        let a = [[true, true, false, false], [true, false, true, false]]
        let b = [[false, false, false, true], [false, false, true, false]]
        let found = PilotDifference(first: "a", second: "b", epsilon: 0, seeds: [0, 1], level: 0.95, a, b)
        #expect(abs(found.difference - 0.25) < 1e-12)
        let mean = 1.0 / 6
        let half = 1.959963985 * ((3.5 / 6 - mean * mean) / 6).squareRoot()
        #expect(abs(found.low - (mean - half)) < 1e-8 && abs(found.high - (mean + half)) < 1e-8, "\(found)")
    }

    @Test func twoGroupsByHand() {
        // First less second: 1, 1 in one group, 0, −1 in the other; with two groups of two images added, a mean of 1/8 over eight.
        let (a, b) = ([true, true, false, false], [false, false, false, true])
        let found = PilotDifference(first: "a", second: "b", epsilon: 0, seeds: [0], level: 0.95, groups: [5, 5, 9, 9], [a], [b])
        let groups = 2 * (14.0 * 14 + 10 * 10) / 64
        let added = 4 * (7.0 * 7 + 9 * 9) / 64
        let half = 1.959963985 * (groups + added).squareRoot() / 8
        #expect(abs(found.difference - 0.25) < 1e-12 && abs(found.low - (0.125 - half)) < 1e-8 && found.high == 1, "\(found)")
    }

    /// Four photographs of each part tell no more than one if they always agree.
    @Test func imagesOfAGroupCountOnce() throws {
        func repeated<Value>(_ values: [Value], _ times: Int) -> [Value] { values.flatMap { Array(repeating: $0, count: times) } }
        let (a, b) = ((0..<100).map { $0 % 10 < 7 }, (0..<100).map { $0 % 7 < 4 })
        let groups = repeated(Array(0..<100), 4)
        func difference(_ times: Int, _ groups: [Int]?) -> PilotDifference {
            PilotDifference(first: "a", second: "b", epsilon: 0, seeds: [0], level: 0.95, groups: groups, [repeated(a, times)], [repeated(b, times)])
        }
        func width(_ found: PilotDifference) -> Double { found.high - found.low }
        let (once, fourfold, grouped) = (difference(1, nil), difference(4, nil), difference(4, groups))
        #expect(width(fourfold) < 0.55 * width(once) && abs(width(grouped) / width(once) - 1) < 0.05, "\(width(once)) \(width(fourfold)) \(width(grouped))")
        // Groups of one image each change nothing, to the bit.
        #expect(difference(1, Array(0..<100)) == once && PilotShare([a], groups: Array(0..<100)) == PilotShare([a]))
        let (one, many) = (PilotShare([a]), PilotShare([repeated(a, 4)], groups: groups))
        #expect(abs(many.low - one.low) < 0.005 && abs(many.high - one.high) < 0.005 && many.accuracy == one.accuracy, "\(one) \(many)")
        // Nothing follows from one group.
        let single = difference(1, Array(repeating: 3, count: 100))
        #expect(single.low == -1 && single.high == 1)
        let share = PilotShare([a], groups: Array(repeating: 3, count: 100))
        #expect(share.low < 0.2 && share.high > 0.9 && share.low.isFinite && share.high.isFinite)
        // And the criterion counts groups.
        var planted = outcomes(right)
        planted.groups = (0..<1000).map { $0 / 20 }
        let few = recommendation(planted)
        #expect(few.outcome == .cannotTell && few.reasons.map(\.code) == [.tooFewGroups] && few.reasons[0].numbers == [50, 100], "\(few)")
        #expect(recommendation(planted) { $0.imagesAtLeast = 50 }.reasons.first?.code != .tooFewGroups)
        #expect(planted.independent() == 50 && planted.independent(Array(0..<20)) == 1 && outcomes(right).independent() == 1000)
    }

    @Test func seedsThatAgreeAddNothing() {
        // Equal answers of three seeds are as good as one seed's; independent ones narrow the interval.
        let one = (0..<400).map { Philox(seed: 1, purpose: .test).uniform($0, below: 10) < 6 }
        let alike = PilotShare([one, one, one])
        let single = PilotShare([one])
        #expect(abs(alike.low - single.low) < 1e-9 && abs(alike.high - single.high) < 1e-9)
        let others = (1...3).map { seed in (0..<400).map { Philox(seed: UInt64(seed), purpose: .test).uniform($0, below: 10) < 6 } }
        let mixed = PilotShare(others)
        #expect(mixed.high - mixed.low < 0.75 * (single.high - single.low))
    }
}
