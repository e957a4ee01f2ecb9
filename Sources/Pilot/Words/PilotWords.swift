import Diagnostics
import Evaluation
import Foundation

/// A language's words, numbers and dates.
package struct PilotWords: Sendable {
    package let language: PilotLanguage

    package init(_ language: PilotLanguage) { self.language = language }

    /// A text with `{0}`, `{1}` … filled in.
    package func callAsFunction(_ phrase: Phrase, _ values: String...) -> String {
        let text = language == .english ? phrase.english : phrase.japanese
        guard !values.isEmpty else { return text }
        // In one pass, so that a value that looks like a place stays as it is.
        var result = ""
        var rest = Substring(text)
        while let open = rest.firstIndex(of: "{") {
            result += rest[..<open]
            rest = rest[open...]
            guard let close = rest.firstIndex(of: "}"), let place = Int(rest[rest.index(after: open)..<close]), values.indices.contains(place) else {
                result.append(rest.removeFirst())
                continue
            }
            result += values[place]
            rest = rest[rest.index(after: close)...]
        }
        return result + rest
    }

    // MARK: Numbers and dates

    /// With a separator between thousands.
    package func count(_ value: Int) -> String {
        let digits = Array("\(abs(value))")
        var text = ""
        for (place, digit) in digits.enumerated() {
            if place > 0, (digits.count - place) % 3 == 0 { text += "," }
            text.append(digit)
        }
        return value < 0 ? "−\(text)" : text
    }

    /// A share as a percentage: 95.8 %, in Japanese 95.8%.
    package func percent(_ share: Double, _ digits: Int = 1) -> String { "\(plain(share, digits))\(language == .english ? " %" : "%")" }

    /// A percentage without its sign.
    func plain(_ share: Double, _ digits: Int = 1) -> String { number(share * 100, digits) }

    package func number(_ value: Double, _ digits: Int) -> String {
        let text = decimal(abs(value), digits)
        let parts = text.split(separator: ".", maxSplits: 1)
        let whole = Int(parts[0]).map(count) ?? String(parts[0])
        let isZero = text.allSatisfy { "0.".contains($0) }
        return (value < 0 && !isZero ? "−" : "") + whole + (parts.count > 1 ? ".\(parts[1])" : "")
    }

    /// Hours with three figures or so.
    func hours(_ value: Double) -> String { number(value, value >= 100 ? 0 : value >= 1 ? 2 : value >= 0.01 ? 4 : 6) }

    /// A difference of shares in points, with its sign.
    func points(_ difference: Double) -> String { self(.points, signed(difference)) }

    package func signed(_ difference: Double) -> String { (decimal(difference * 100, 1) == "0.0" || difference <= 0 ? "" : "+") + number(difference * 100, 1) }

    /// Grey levels.
    func radius(_ epsilon: Double) -> String { PlanSchema.text(epsilon) }

    /// Of what is shown under an attack, beside names that have the radius of training.
    func attacked(_ epsilon: Double) -> String { epsilon == 0 ? self(.colClean) : self(.attackedAt, radius(epsilon)) }

    func epsilon(_ epsilon: Double) -> String { epsilon == 0 ? self(.colClean) : self(.colRadius, radius(epsilon)) }

    /// From `2026-11-29`.
    package func date(_ text: String) -> String {
        let parts = text.split(separator: "-").compactMap { Int($0) }
        guard parts.count == 3, (1...12).contains(parts[1]) else { return text }
        let months = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"]
        return language == .english ? "\(parts[2]) \(months[parts[1] - 1]) \(parts[0])" : "\(parts[0])年\(parts[1])月\(parts[2])日"
    }

    /// The ends of an interval of shares, as percentages without their sign.
    func range(_ low: Double, _ high: Double) -> String { self(.range, plain(low), plain(high)) }

    /// The interval of a difference of shares, in points.
    func range(_ difference: PilotDifference) -> String { self(.rangeSigned, signed(difference.low), signed(difference.high)) }

    func list(_ texts: [String]) -> String { texts.joined(separator: self(.listSeparator)) }

    /// A p-value: 0.032, or < 0.001.
    func probability(_ value: Double) -> String { value < 0.001 ? "< 0.001" : decimal(value, 3) }

    // MARK: Names

    /// - Parameter epsilon: the plan's radius.
    func method(_ name: String, _ epsilon: Double) -> String {
        guard let method = PilotMethod(rawValue: name) else { return name }
        let radius = radius(epsilon * (method.relativeRadius ?? 1))
        switch method {
        case .natural: return self(.methodNatural)
        case .at, .atHalf, .atQuarter: return self(.methodAT, radius)
        case .sipAT: return self(.methodSIP, radius)
        case .shuffled: return self(.methodShuffled)
        case .centrePrior: return self(.methodCentre)
        case .inverted: return self(.methodInverted)
        }
    }

    func verdict(_ verdict: PilotVerdict) -> String {
        switch verdict {
        case .better: self(.verdictBetter)
        case .worse: self(.verdictWorse)
        case .same: self(.verdictSame)
        case .unclear: self(.verdictUnclear)
        }
    }

    func verdict(_ verdict: SelfChecks.Verdict) -> String {
        switch verdict {
        case .trusted: self(.trusted)
        case .doubtful: self(.doubtful)
        case .invalid: self(.invalid)
        }
    }

    func status(_ status: SelfCheck.Status) -> String {
        switch status {
        case .passed: self(.passed)
        case .doubtful: self(.doubtful)
        case .failed: self(.failed)
        case .skipped: self(.skipped)
        }
    }

    package func check(_ check: SelfCheck) -> String { language == .english ? check.title : japaneseChecks[check.name] ?? check.title }

    func kind(_ kind: String) -> String {
        switch kind {
        case "person": self(.kindPerson)
        case "import": self(.kindImport)
        case "review": self(.kindReview)
        case "estimator": self(.kindEstimator)
        case "rule": self(.kindRule)
        default: self(.kindOwn)
        }
    }

    /// On whose word an example's map is.
    func word(_ example: PilotMaterial.Example) -> String {
        guard example.kind != "own" else { return kind(example.kind) }
        let named = self(.wordNamed, kind(example.kind), example.word)
        guard let decision = example.decision else { return named }
        return list([named, self(decision == "corrected" ? .wordCorrected : .wordConfirmed)])
    }

    /// A source of maps in a line, from `SalienceOrigin.summary`, without its kind.
    package func source(_ summary: String, kind: String) -> String {
        var text = summary.hasPrefix(kind + " ") ? String(summary.dropFirst(kind.count + 1)) : summary
        text = text.replacing(#/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z/#) { date(String($0.output.prefix(10))) }
        text = text.replacing(", by ", with: self(.listSeparator)).replacing(", from ", with: self(.sourceFrom))
        return language == .english ? text : text.replacing(", ", with: self(.listSeparator))
    }

    /// A name and what belongs to it.
    func named(_ name: String, _ text: String) -> String { self(.wordNamed, name, text) }

    func region(_ name: String) -> String {
        switch name {
        case "salient": self(.regionSalient)
        case "background": self(.regionBackground)
        case "random": self(.regionRandom)
        default: self(.regionAll)
        }
    }

    func fault(_ corruption: Corruption) -> String {
        let strength = corruption.strength
        switch corruption.kind {
        case .noise: return self(.faultNoise, PlanSchema.text(strength))
        case .blur: return self(.faultBlur, PlanSchema.text(strength))
        case .jpeg: return self(.faultJPEG, PlanSchema.text(strength))
        case .brightness: return self(.faultBrightness, (strength > 0 ? "+" : "−") + PlanSchema.text(abs(strength)))
        }
    }

    func criterion(_ name: String, _ decision: Double) -> String {
        switch name {
        case "clean": self(.criterionClean)
        case "robust": self(.criterionRobust, radius(decision))
        default: self(.criterionCleanLoss)
        }
    }

    /// A criterion's bound, or what was found, with its unit.
    func bound(_ value: Double, of name: String) -> String { name == "clean-loss" ? self(.points, number(value, 1)) : percent(value / 100) }

    // MARK: The recommendation

    package func outcome(_ recommendation: PilotRecommendation) -> String {
        switch recommendation.outcome {
        case .adopt: self(.outcomeAdopt)
        case .adoptForClasses: self(.outcomeAdoptForClasses, list(recommendation.classes))
        case .notYet: self(.outcomeNotYet)
        case .mapsBoughtNothing: self(.outcomeMapsBoughtNothing)
        case .noDifference: self(.outcomeNoDifference)
        case .cannotTell: self(.outcomeCannotTell)
        }
    }

    package func reason(_ reason: PilotRecommendation.Reason, _ plan: PilotPlan) -> String {
        let name = reason.names.first.map { method($0, plan.epsilon) } ?? ""
        let clean = reason.numbers.first.map(points) ?? ""
        let robust = reason.numbers.last.map(points) ?? ""
        func counts(_ phrase: Phrase) -> String { self(phrase, count(Int(reason.numbers[0])), count(Int(reason.numbers[1]))) }
        switch reason.code {
        case .tooFewSeeds: return counts(.reasonTooFewSeeds)
        case .tooFewImages: return counts(.reasonTooFewImages)
        case .tooFewGroups: return counts(.reasonTooFewGroups)
        case .noHalf: return self(.reasonNoHalf)
        case .noShuffled: return self(.reasonNoShuffled)
        case .invalidChecks: return self(.reasonInvalidChecks, list(reason.names.map { method($0, plan.epsilon) }))
        case .noChecks: return self(.reasonNoChecks, list(reason.names.map { method($0, plan.epsilon) }))
        case .rivalBetter: return self(.reasonRivalBetter, name, clean, robust)
        case .controlBetter: return self(.reasonControlBetter, name, clean, robust)
        case .controlAsGood: return self(.reasonControlAsGood, name, clean, robust)
        case .centreAsGood: return self(.reasonCentreAsGood, name, clean, robust)
        case .beatsRival: return self(.reasonBeatsRival, name, clean, robust)
        case .beatsShuffled: return self(.reasonBeatsShuffled, name, clean, robust)
        case .sameAsRival: return self(.reasonSameAsRival, name, clean, robust)
        case .betterOnClasses: return self(.reasonBetterOnClasses, name, list(Array(reason.names.dropFirst())))
        case .trade: return self(.reasonTrade, name, clean, robust)
        case .worse, .partly:
            let verdicts = reason.names.dropFirst().compactMap(PilotVerdict.init(rawValue:)).map { verdict($0) }
            return self(reason.code == .worse ? .reasonWorse : .reasonPartly, name, clean, robust, verdicts.first ?? "", verdicts.last ?? "")
        case .unclear: return self(.reasonUnclear, name, clean, robust)
        case .criteriaMet: return self(plan.acceptance.isOpen ? .reasonCriteriaOpen : .reasonCriteriaMet)
        case .criteriaMissed: return self(.reasonCriteriaMissed, list(reason.names.map { criterion($0, plan.evaluation.decision) }))
        }
    }

    /// The recommendation with its reasons, for a terminal.
    package func summary(_ report: PilotReport) -> String {
        ([outcome(report.recommendation)] + report.recommendation.reasons.map { "  " + reason($0, report.plan) }).joined(separator: "\n")
    }
}
