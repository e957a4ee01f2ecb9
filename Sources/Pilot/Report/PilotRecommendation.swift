import Evaluation

/// What a pilot recommends, and why. A function of what became of the images and of criteria that were fixed before.
///
/// With *better* and *same* as `PilotVerdict`, SIP-AT **beats** another method if it is better, clean or at the decision's radius,
/// and in the other no loss as large as matters is possible. The **rival** is the adversarial training whose clean accuracy is
/// nearest to SIP-AT's. Then, in this order:
/// 1. too few seeds or images (those of a group count once), no training at half the radius, no shuffled control, an evaluation that its checks call invalid, or none
///    of SIP-AT or of the rival that was put to them: *cannot tell*;
/// 2. natural or an adversarial training beats SIP-AT: *not yet*;
/// 3. a control beats SIP-AT: *not yet*, the maps are wrong;
/// 4. SIP-AT does not beat the shuffled control:
///    - it is worse than the control or than the rival in one, and better in none: *not yet*;
///    - it beats the rival all the same: *the maps bought nothing* that shows;
///    - it is the same as the rival, or the same as the control and neither better nor worse than the rival in one: *no difference*;
///    - else: *cannot tell*;
/// 5. SIP-AT beats the rival: *adopt* if the acceptance criteria are met, else *not yet*;
/// 6. it is the same as the rival, clean and at the radius: *no difference*;
/// 7. on some classes of twenty images or more it is better than the rival (level corrected for their number) and loses less than
///    matters, as measured, in the other: *adopt for these classes* if the acceptance criteria are met, else *not yet*;
/// 8. worse than the rival in one: *not yet*; if better in the other, it is a trade;
/// 9. else: *cannot tell*.
package struct PilotRecommendation: Sendable, Hashable, Codable {
    package enum Outcome: String, Sendable, Hashable, Codable, CaseIterable {
        case adopt
        case adoptForClasses = "adopt-for-classes"
        case notYet = "not-yet"
        case mapsBoughtNothing = "maps-bought-nothing"
        case noDifference = "no-difference"
        case cannotTell = "cannot-tell"
    }

    package enum Code: String, Sendable, Hashable, Codable, CaseIterable {
        case tooFewSeeds = "too-few-seeds"
        case tooFewImages = "too-few-images"
        case tooFewGroups = "too-few-groups"
        case noHalf = "no-at-half"
        case noShuffled = "no-shuffled-control"
        case invalidChecks = "invalid-checks"
        case noChecks = "no-checks"
        case rivalBetter = "rival-better"
        case controlBetter = "control-better"
        case controlAsGood = "control-as-good"
        case centreAsGood = "centre-as-good"
        case beatsRival = "beats-rival"
        case beatsShuffled = "beats-shuffled"
        case sameAsRival = "same-as-rival"
        case betterOnClasses = "better-on-classes"
        case trade
        case worse
        /// Neither the same nor quite uncertain: the verdicts say what.
        case partly
        case unclear
        case criteriaMet = "criteria-met"
        case criteriaMissed = "criteria-missed"
    }

    /// A reason with what it speaks of.
    package struct Reason: Sendable, Hashable, Codable {
        package var code: Code
        /// A method's, or classes'; of `worse` and `partly` then the verdicts, clean and at the radius.
        package var names: [String] = []
        /// Differences clean and at the radius, or counts.
        package var numbers: [Double] = []
    }

    package struct Criterion: Sendable, Hashable, Codable {
        /// `clean`, `robust`, `clean-loss`.
        package var name: String
        package var bound: Double
        package var value: Double
        package var isMet: Bool
    }

    package var outcome: Outcome
    package var reasons: [Reason]
    package var rival: String?
    package var classes: [String] = []
    package var criteria: [Criterion]

    /// - Parameters:
    ///   - invalid: methods of which an evaluation was found invalid.
    ///   - unchecked: methods of which no evaluation was put to the self-checks.
    package init(_ outcomes: PilotOutcomes, acceptance: PilotPlan.Acceptance, decision: Double, invalid: [String] = [], unchecked: [String] = []) {
        let rule = Rule(outcomes: outcomes, smallest: acceptance.smallestDifference / 100, radius: outcomes.place(of: decision))
        criteria = Self.criteria(outcomes, acceptance, rule.radius)
        reasons = []
        let seeds = outcomes.seeds.count
        if seeds < acceptance.seedsAtLeast { reasons.append(Reason(code: .tooFewSeeds, numbers: [Double(seeds), Double(acceptance.seedsAtLeast)])) }
        let images = outcomes.independent()
        if outcomes.count < acceptance.imagesAtLeast {
            reasons.append(Reason(code: .tooFewImages, numbers: [Double(outcomes.count), Double(acceptance.imagesAtLeast)]))
        } else if images < acceptance.imagesAtLeast {
            reasons.append(Reason(code: .tooFewGroups, numbers: [Double(images), Double(acceptance.imagesAtLeast)]))
        }
        if outcomes.flags[.atHalf] == nil { reasons.append(Reason(code: .noHalf)) }
        if outcomes.flags[.shuffled] == nil { reasons.append(Reason(code: .noShuffled)) }
        if !invalid.isEmpty { reasons.append(Reason(code: .invalidChecks, names: invalid)) }
        let judged: [PilotMethod?] = [.sipAT, rule.rival]
        let unseen = judged.compactMap { $0?.rawValue }.filter { unchecked.contains($0) }
        if !unseen.isEmpty { reasons.append(Reason(code: .noChecks, names: unseen)) }
        rival = rule.rival?.rawValue
        guard reasons.isEmpty, let rival = rule.rival else {
            outcome = .cannotTell
            return
        }
        let missed = criteria.filter { !$0.isMet }
        func reason(_ code: Code, _ method: PilotMethod) -> Reason { Reason(code: code, names: [method.rawValue], numbers: rule.numbers(.sipAT, method)) }

        // Beside a method that SIP-AT does not beat, and that does not beat it.
        func beside(_ method: PilotMethod) -> Reason {
            let verdicts = rule.verdicts(.sipAT, method)
            if rule.isSame(.sipAT, method) { return reason(.sameAsRival, method) }
            if verdicts.allSatisfy({ $0 == .unclear }) { return reason(.unclear, method) }
            if verdicts.contains(.better), verdicts.contains(.worse) { return reason(.trade, method) }
            return Reason(code: verdicts.contains(.worse) ? .worse : .partly, names: [method.rawValue] + verdicts.map(\.rawValue), numbers: rule.numbers(.sipAT, method))
        }

        let stronger = PilotMethod.methods.filter { $0 != .sipAT && rule.beats($0, .sipAT) }
        let wrong = PilotMethod.controls.filter { rule.beats($0, .sipAT) }
        if !stronger.isEmpty {
            outcome = .notYet
            reasons += stronger.map { reason(.rivalBetter, $0) }
            reasons += wrong.map { reason(.controlBetter, $0) }
            return
        }
        if !wrong.isEmpty {
            outcome = .notYet
            reasons += wrong.map { reason(.controlBetter, $0) }
            return
        }
        guard rule.beats(.sipAT, .shuffled) else {
            let beatsRival = rule.beats(.sipAT, rival)
            let worse = [.shuffled, rival].filter(rule.isWorse)
            let differs = [.shuffled, rival].contains { rule.verdicts(.sipAT, $0).contains(.better) || rule.verdicts(.sipAT, $0).contains(.worse) }
            if !worse.isEmpty {
                outcome = .notYet
            } else if beatsRival {
                outcome = .mapsBoughtNothing
            } else if rule.isSame(.sipAT, rival) || (rule.isSame(.sipAT, .shuffled) && !differs) {
                outcome = .noDifference
            } else {
                outcome = .cannotTell
            }
            reasons = worse.map(beside)
            if !worse.contains(.shuffled) { reasons.append(reason(.controlAsGood, .shuffled)) }
            if !worse.contains(rival) { reasons.append(beatsRival ? reason(.beatsRival, rival) : beside(rival)) }
            return
        }
        let centre: [Reason] = outcomes.flags[.centrePrior] != nil && rule.isSame(.sipAT, .centrePrior) ? [reason(.centreAsGood, .centrePrior)] : []
        if rule.beats(.sipAT, rival) {
            outcome = missed.isEmpty ? .adopt : .notYet
            reasons = [reason(.beatsRival, rival), reason(.beatsShuffled, .shuffled)]
            reasons.append(missed.isEmpty ? Reason(code: .criteriaMet) : Reason(code: .criteriaMissed, names: missed.map(\.name)))
            reasons += centre
            return
        }
        if rule.isSame(.sipAT, rival) {
            outcome = .noDifference
            reasons = [reason(.sameAsRival, rival)] + centre
            return
        }
        let won = rule.classesWon(rival)
        if !won.isEmpty {
            reasons = [Reason(code: .betterOnClasses, names: [rival.rawValue] + won), beside(rival)]
            if missed.isEmpty {
                outcome = .adoptForClasses
                classes = won
            } else {
                outcome = .notYet
                reasons.append(Reason(code: .criteriaMissed, names: missed.map(\.name)))
            }
            reasons += centre
            return
        }
        outcome = rule.verdicts(.sipAT, rival).contains(.worse) ? .notYet : .cannotTell
        reasons = [beside(rival)] + centre
    }

    private static func criteria(_ outcomes: PilotOutcomes, _ acceptance: PilotPlan.Acceptance, _ radius: Int) -> [Criterion] {
        // Points; for 100 × 0.57 is less than 57.
        let tolerance = 1e-9
        let (clean, robust) = (outcomes.share(.sipAT, 0).accuracy, outcomes.share(.sipAT, radius).accuracy)
        var list = [
            Criterion(name: "clean", bound: acceptance.cleanAtLeast, value: clean * 100, isMet: clean * 100 >= acceptance.cleanAtLeast - tolerance),
            Criterion(name: "robust", bound: acceptance.robustAtLeast, value: robust * 100, isMet: robust * 100 >= acceptance.robustAtLeast - tolerance),
        ]
        if outcomes.flags[.natural] != nil {
            let loss = (outcomes.share(.natural, 0).accuracy - clean) * 100
            list.append(Criterion(name: "clean-loss", bound: acceptance.cleanLossAtMost, value: loss, isMet: loss <= acceptance.cleanLossAtMost + tolerance))
        }
        return list
    }

    /// Comparisons, clean and at the decision's radius.
    private struct Rule {
        let outcomes: PilotOutcomes
        let smallest: Double
        let radius: Int

        private func pair(_ a: PilotMethod, _ b: PilotMethod, _ positions: [Int]? = nil, level: Double = 0.95) -> [PilotDifference] {
            Array(Set([0, radius])).sorted().compactMap { outcomes.difference(a, b, $0, positions, level: level) }
        }

        func numbers(_ a: PilotMethod, _ b: PilotMethod) -> [Double] { pair(a, b).map(\.difference) }

        func verdicts(_ a: PilotMethod, _ b: PilotMethod) -> [PilotVerdict] { pair(a, b).map { $0.verdict(smallest: smallest) } }

        func beats(_ a: PilotMethod, _ b: PilotMethod) -> Bool {
            let pair = pair(a, b)
            return pair.contains { $0.verdict(smallest: smallest) == .better } && pair.allSatisfy { $0.isNotWorse(smallest: smallest) }
        }

        func isSame(_ a: PilotMethod, _ b: PilotMethod) -> Bool {
            let verdicts = verdicts(a, b)
            return !verdicts.isEmpty && verdicts.allSatisfy { $0 == .same }
        }

        /// Whether SIP-AT is worse than another method in one, and better in none.
        func isWorse(_ method: PilotMethod) -> Bool {
            let verdicts = verdicts(.sipAT, method)
            return verdicts.contains(.worse) && !verdicts.contains(.better)
        }

        /// Of equals the one with the smaller radius.
        var rival: PilotMethod? {
            let clean = outcomes.share(.sipAT, 0).accuracy
            func distance(_ method: PilotMethod) -> Double { abs(outcomes.share(method, 0).accuracy - clean) }
            return [PilotMethod.atQuarter, .atHalf, .at].filter { outcomes.flags[$0] != nil }.min { distance($0) < distance($1) }
        }

        func classesWon(_ rival: PilotMethod) -> [String] {
            let level = 1 - 0.05 / Double(max(1, outcomes.classNames.count))
            return outcomes.classNames.enumerated().filter { label, _ in
                let members = outcomes.members(label)
                let pair = pair(.sipAT, rival, members, level: level)
                return outcomes.independent(members) >= 20 && pair.contains { $0.verdict(smallest: smallest) == .better } && pair.allSatisfy { $0.difference > -smallest }
            }.map(\.1)
        }
    }
}
