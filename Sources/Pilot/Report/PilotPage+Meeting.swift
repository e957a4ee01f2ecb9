/// What one can say in a meeting: sentences that the numbers fill in, and choose.
extension PilotPage {
    var sentences: [String] {
        guard let sip else { return [] }
        func accuracy(_ method: PilotReport.Method?, _ epsilon: Double) -> String {
            method?.radii.first { $0.epsilon == epsilon }.map { words.percent($0.accuracy.accuracy) } ?? words(.notAvailable)
        }
        func says(_ sentence: String) -> String { words(.quoted, sentence) }
        var result = [says(words(.meetingAnswer, words.outcome(report.recommendation)))]
        if let natural = report.method(.natural) {
            result.append(says(words(.meetingClean, words.count(report.images), accuracy(sip, 0), accuracy(natural, 0))))
            result.append(says(words(.meetingRobust, words.radius(decision), accuracy(sip, decision), accuracy(natural, decision))))
        }
        if let rival, let clean = report.comparison(rival.method, 0)?.difference, let robust = report.comparison(rival.method, decision)?.difference {
            result.append(
                says(
                    words(
                        .meetingRival, name(rival.method), words.points(clean.difference), words.range(clean), words.points(robust.difference), words.range(robust),
                        words.radius(decision))))
        }
        if let shuffled = report.method(.shuffled) {
            // Only what was shown may be said.
            let phrase: Phrase = isBeaten(shuffled) ? .meetingMaps : .meetingNoMaps
            result.append(says(words(phrase, accuracy(shuffled, decision), accuracy(sip, decision), accuracy(shuffled, 0), accuracy(sip, 0))))
        }
        if let checks = sip.checks { result.append(says(words(.meetingChecks, words.count(checks.checks.count), words.verdict(checks.verdict)))) }
        if let cost { result.append(says(words(.meetingCost, words.hours(cost.coreHours), words.number(personHours, 1)))) }
        return result + [says(words(.meetingUnknown))]
    }

    /// Whether SIP-AT beats a control, as the rule of section 1 has it.
    func isBeaten(_ control: PilotReport.Method) -> Bool {
        let smallest = plan.acceptance.smallestDifference / 100
        let pair = [0, decision].compactMap { report.comparison(control.method, $0) }
        return pair.contains { $0.verdict == .better } && pair.allSatisfy { $0.difference.isNotWorse(smallest: smallest) }
    }
}
