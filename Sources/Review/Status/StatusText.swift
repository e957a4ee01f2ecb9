import Diagnostics
import Foundation

extension ReviewStatus {
    /// Whether the rest may be left alone, in words.
    static func verdict(_ rest: RestEstimate, corrected: Interval?, goodEnough: Double) -> String {
        guard rest.rest > 0 else { return "Every image has been looked at: nothing is left to estimate." }
        guard let share = rest.share else {
            return "Nothing can be said yet of the \(rest.rest) images that nobody looked at: none of them was drawn at random so far."
        }
        let bound = max(share.high, corrected?.high ?? 0)
        let found = "Of \(rest.sample) images drawn at random among those not reached in turn, \(rest.errors) were changed."
        if bound <= goodEnough {
            return found
                + " Good enough: with 95 % confidence at most \(percentage(bound)) of the \(rest.rest) images that nobody looked at are wrong (asked for: \(percentage(goodEnough))). You may stop, or lower the random share (--audit) next time."
        }
        let more: String
        switch rest.furtherDraws(for: goodEnough) {
        case let draws? where draws > 0: more = " \(draws) more random images without a change would do."
        case .some: more = " The bound that takes people's own mistakes into account is what is missing: more honeypots narrow it."
        case nil: more = " No random sample will do that any more: go on in turn."
        }
        return found
            + " Not yet good enough: up to \(percentage(bound)) of the \(rest.rest) images that nobody looked at may be wrong (asked for: at most \(percentage(goodEnough)))."
            + more
    }

    /// For a terminal.
    package var text: String {
        var lines = ["\(decided) decided, \(left) left (\(images) images, shown \(items) times)" + (secondsLeft.map { left > 0 ? ", about \(duration($0)) at this pace" : "" } ?? "")]
        let order = ReviewAction.allCases.map(\.rawValue)
        lines.append(order.compactMap { name in actions[name].map { "\(name) \($0)" } }.joined(separator: ", ") + String(format: "; %.2f person-hours", personHours))
        for person in people {
            lines.append(
                "\(person.name): \(person.decisions) decisions, \(person.medianSeconds.map { decimal($0, 1) + " s" } ?? "?") each; planted wrong maps caught \(ReviewStatus.of(person.caught)), right maps left alone \(ReviewStatus.of(person.passed)); alike when shown again \(ReviewStatus.of(person.consistent))"
            )
        }
        for (reason, share) in changedByReason.sorted(by: { $0.key < $1.key }) { lines.append("changed, shown for \(reason): \(ReviewStatus.of(share))") }
        if twoPeople.changed.images > 0 {
            let pairs = twoPeople
            func number(_ value: Double?) -> String { value.map { decimal($0, 3) } ?? "not defined" }
            lines.append(
                "two people on \(pairs.changed.images) images: alike in \(percentage(pairs.changed.raw ?? 0)), AC1 \(number(pairs.changed.ac1)), alpha \(number(pairs.changed.alpha)); regions: IoU \(number(pairs.intersectionOverUnion.mean)) (a tenth below \(number(pairs.intersectionOverUnion.tenth))), Dice \(number(pairs.dice.mean)); \(disputed) disputed"
            )
            lines.append("  " + pairs.caution)
        }
        if blind.images > 0 {
            lines.append(
                "hidden map first, \(blind.images) images: what people had marked has IoU \(decimal(blind.ownWithFinal.mean ?? 0, 3)) with what they left, the map \(decimal(blind.mapWithFinal.mean ?? 0, 3)); changed \(ReviewStatus.of(blind.changedBlind)), with the map shown at once \(ReviewStatus.of(blind.changedShown))"
            )
        }
        lines.append("planted wrong maps caught \(ReviewStatus.of(caught)), right maps left alone \(ReviewStatus.of(passed))")
        if rest.rest > 0, let share = rest.share {
            lines.append("of the \(rest.rest) images nobody looked at, people would change \(ReviewStatus.of(share))")
            if let corrected { lines.append("of them, wrong after all, seen what people miss: \(ReviewStatus.of(corrected))") }
        }
        if inHand > 0 { lines.append("\(inHand) images were given out and are not decided: nothing is said of them") }
        if restUnsure > 0 { lines.append("\(restUnsure) of the random images were beyond people: nothing is said of their like") }
        lines.append(verdict)
        lines += notes.map { "note: \($0)" }
        lines.append("log: \(self.lines) lines, head \(head)")
        return lines.joined(separator: "\n")
    }

    private static func of(_ share: Proportion) -> String {
        guard let interval = share.wilson() else { return "0 of 0" }
        return "\(share.hits) of \(share.trials) (\(of(interval)))"
    }

    private static func of(_ interval: Interval) -> String {
        "\(percentage(interval.estimate)), 95 % interval \(percentage(interval.low)) to \(percentage(interval.high))"
    }
}

private func percentage(_ share: Double) -> String { decimal(100 * share, share > 0 && share < 0.1 ? 2 : 1) + " %" }
