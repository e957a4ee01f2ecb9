import Diagnostics
import Foundation

extension ReviewStatus {
    /// The largest share of the rest that may be wrong: as people judge it, and as it is seen what people miss. Nil where nothing can
    /// be said yet.
    private static func bound(_ rest: RestEstimate, corrected: Interval?) -> Double? { rest.share.map { max($0.high, corrected?.high ?? 0) } }

    /// Whether nothing is left, or no more of it than asked for can be wrong.
    package static func isGoodEnough(_ rest: RestEstimate, corrected: Interval?, goodEnough: Double) -> Bool {
        rest.rest == 0 || bound(rest, corrected: corrected).map { $0 <= goodEnough } ?? false
    }

    /// The share of the rest that is wrong, seen what people miss; nil where they have judged too few honeypots to tell.
    static func correctedRest(_ rest: RestEstimate, caught: Proportion, passed: Proportion) -> Interval? {
        guard min(caught.trials, passed.trials) >= leastHoneypots, rest.rest > 0 else { return nil }
        return correctedShare(objected: Proportion(hits: rest.errors, trials: rest.sample), caught: caught, passed: passed)
    }

    /// Fills in `words`.
    mutating func describe() {
        let (caught, passed) = (caught, passed)
        for language in PageLanguage.allCases {
            words[language.rawValue] = Words(
                verdict: ReviewStatus.verdict(rest, corrected: corrected, goodEnough: goodEnough, language, randomLeft: randomLeft) {
                    ReviewStatus.correctedRest($0, caught: caught, passed: passed)
                },
                remarks: StatusWords(status: self, language: language).remarks)
        }
    }

    /// Whether the rest may be left alone, in words.
    ///
    /// - Parameters:
    ///   - randomLeft: images that may still be drawn at random; nil: all that are left.
    ///   - correcting: `corrected` if more were drawn; nil: it stays as it is.
    package static func verdict(
        _ rest: RestEstimate, corrected: Interval?, goodEnough: Double, _ language: PageLanguage = .english, randomLeft: Int? = nil,
        correcting: ((RestEstimate) -> Interval?)? = nil
    ) -> String {
        guard rest.rest > 0 else {
            return language.say("Every image has been looked at: nothing is left to estimate.", "すべての画像を確認しました。推定すべきものは残っていません。")
        }
        guard let bound = Self.bound(rest, corrected: corrected) else {
            return language.say(
                "Nothing can be said yet of the {rest} images that nobody looked at: none of them was drawn at random so far.",
                "誰も見ていない {rest} 枚については、無作為に選ばれたものがまだなく、何も言えません。", ["rest": "\(rest.rest)"])
        }
        let values = [
            "rest": "\(rest.rest)", "sample": "\(rest.sample)", "errors": "\(rest.errors)", "bound": percentage(bound), "asked": percentage(goodEnough),
            "left": "\(randomLeft ?? rest.rest)",
        ]
        let found = language.say(
            "Of {sample} images drawn at random among those not reached in turn, {errors} were changed.", "順番がまだ来ていない画像から無作為に選んだ {sample} 枚のうち、{errors} 枚が変更されました。", values)
        if isGoodEnough(rest, corrected: corrected, goodEnough: goodEnough) {
            return found
                + language.say(
                    " Good enough: with 95 % confidence at most {bound} of the {rest} images that nobody looked at are wrong (asked for: {asked}). You may stop, or lower the random share (--audit) next time.",
                    "十分です：誰も見ていない {rest} 枚のうち誤りは多くても {bound}（信頼度 95 %、目標 {asked}）。終えるか、次回は無作為の割合（--audit）を下げてかまいません。", values)
        }
        let more: String
        func draws(atMost limit: Int, isCorrected: Bool = true) -> Int? {
            rest.furtherDraws(atMost: limit) { further in
                var share = isCorrected ? corrected : nil
                if isCorrected, let correcting { share = correcting(further) }
                return isGoodEnough(further, corrected: share, goodEnough: goodEnough)
            }
        }
        if let draws = draws(atMost: randomLeft ?? rest.rest) {
            more = language.say(" {draws} more random images without a change would do.", "変更なしの無作為の画像があと {draws} 枚あれば足ります。", ["draws": "\(draws)"])
        } else if isGoodEnough(rest, corrected: nil, goodEnough: goodEnough) || draws(atMost: randomLeft ?? rest.rest, isCorrected: false) != nil {
            more = language.say(
                " The bound that takes people's own mistakes into account is what is missing: more honeypots narrow it.", "足りないのは人の見落としを考慮した上限です。仕込み画像を増やすと狭まります。")
        } else if draws(atMost: rest.rest) != nil {
            more = language.say(
                " The {left} random images that the queue still holds will not do: go on in turn, and plan the next review with a larger --audit.",
                "キューに残る無作為の画像 {left} 枚では足りません。順番に続け、次回は --audit を増やしてください。", values)
        } else {
            more = language.say(" No random sample will do that any more: go on in turn.", "無作為の標本ではもう届きません。順番に続けてください。")
        }
        return found
            + language.say(
                " Not yet good enough: up to {bound} of the {rest} images that nobody looked at may be wrong (asked for: at most {asked}).",
                "まだ十分ではありません：誰も見ていない {rest} 枚のうち最大 {bound} が誤りかもしれません（目標 {asked} 以下）。", values) + more
    }

    /// For a terminal.
    package func text(_ language: PageLanguage = .english) -> String { StatusWords(status: self, language: language).text }
}

/// A status in words.
private struct StatusWords {
    let status: ReviewStatus
    let language: PageLanguage

    private func say(_ english: String, _ japanese: String, _ values: [String: String] = [:]) -> String { language.say(english, japanese, values) }

    var text: String {
        var lines = [counts, actions]
        lines += status.people.map(person)
        for (reason, share) in status.changedByReason.sorted(by: { $0.key < $1.key }) {
            lines.append(say("changed, shown for {reason}: {share}", "変更（提示の理由：{reason}）：{share}", ["reason": name(reason: reason), "share": of(share)]))
        }
        lines += pairs
        lines.append(
            say("planted wrong maps caught {caught}, right maps left alone {passed}", "仕込んだ誤りの発見 {caught}、正しいマップの維持 {passed}", ["caught": of(status.caught), "passed": of(status.passed)]))
        lines += rest
        if let words = status.words[language.rawValue] { lines.append(words.verdict) }
        lines += remarks
        lines.append(say("log: {lines} lines, head {head}", "記録：{lines} 行、最後のハッシュ {head}", ["lines": "\(status.lines)", "head": status.head]))
        return lines.joined(separator: "\n")
    }

    private var counts: String {
        let values = ["decided": "\(status.decided)", "left": "\(status.left)", "images": "\(status.images)", "items": "\(status.items)"]
        let pace = status.left > 0 ? status.secondsLeft.map { say(", about {time} at this pace", "、この速さで約 {time}", ["time": duration($0)]) } : nil
        return say("{decided} decided, {left} left ({images} images, shown {items} times)", "決定 {decided} 件、残り {left} 件（画像 {images} 枚、提示 {items} 回）", values) + (pace ?? "")
    }

    private var actions: String {
        let counts = ReviewAction.allCases.compactMap { action in status.actions[action.rawValue].map { "\(name(action)) \($0)" } }
        let hours = say("{hours} person-hours", "{hours} 人時", ["hours": decimal(status.personHours, 2)])
        return counts.isEmpty ? hours : counts.joined(separator: say(", ", "、")) + say("; ", "；") + hours
    }

    /// In Japanese as the page calls it (words.js).
    private func name(_ action: ReviewAction) -> String {
        guard language == .japanese else { return action.rawValue }
        switch action {
        case .accept: return "このまま正しい"
        case .nothing: return "顕著な部分なし"
        case .wrong: return "誤り"
        case .corrected: return "修正"
        case .unsure: return "判断できない"
        }
    }

    private func name(reason: String) -> String {
        guard language == .japanese, let known = ReviewItem.Reason(rawValue: reason) else { return reason }
        switch known {
        case .disagreement: return "推定器どうしが不一致"
        case .threshold: return "しきい値付近の画素が多い"
        case .coverage: return "同じクラスの他の画像と範囲が大きく異なる"
        case .mistaken: return "モデルが誤る画像"
        case .attacked: return "攻撃でモデルが誤る画像"
        case .unseen: return "マップがまだない"
        case .random: return "無作為の確認"
        }
    }

    private func person(_ person: ReviewStatus.Person) -> String {
        say(
            "{name}: {decisions} decisions, {seconds} each; planted wrong maps caught {caught}, right maps left alone {passed}; alike when shown again {again}",
            "{name}：決定 {decisions} 件、1 件 {seconds}；仕込んだ誤りの発見 {caught}、正しいマップの維持 {passed}；再提示での一致 {again}",
            [
                "name": person.name, "decisions": "\(person.decisions)", "seconds": person.medianSeconds.map { decimal($0, 1) + " s" } ?? "?",
                "caught": of(person.caught), "passed": of(person.passed), "again": of(person.consistent),
            ])
    }

    private var pairs: [String] {
        let pairs = status.twoPeople
        guard pairs.changed.images > 0 else { return [] }
        func number(_ value: Double?) -> String { value.map { decimal($0, 3) } ?? say("not defined", "定義なし") }
        let values = [
            "images": "\(pairs.changed.images)", "raw": percentage(pairs.changed.raw ?? 0), "ac1": number(pairs.changed.ac1), "alpha": number(pairs.changed.alpha),
            "iou": number(pairs.intersectionOverUnion.mean), "tenth": number(pairs.intersectionOverUnion.tenth), "dice": number(pairs.dice.mean),
            "disputed": "\(status.disputed)",
        ]
        return [
            say(
                "two people on {images} images: alike in {raw}, AC1 {ac1}, alpha {alpha}; regions: IoU {iou} (a tenth below {tenth}), Dice {dice}; {disputed} disputed",
                "同じ画像を二人が見た {images} 枚：一致 {raw}、AC1 {ac1}、α {alpha}；領域：IoU {iou}（下位 10 % は {tenth} 未満）、Dice {dice}；不一致 {disputed} 件", values),
            "  "
                + say(
                    pairs.caution, "ほとんどの決定が同じとき、人々が一致していても α は 0 以下になります。一致率と AC1 と並べて読んでください。"),
        ]
    }

    private var blind: [String] {
        guard status.blind.images > 0 else { return [] }
        let values = [
            "images": "\(status.blind.images)", "own": decimal(status.blind.ownWithFinal.mean ?? 0, 3), "map": decimal(status.blind.mapWithFinal.mean ?? 0, 3),
            "hidden": of(status.blind.changedBlind), "shown": of(status.blind.changedShown),
        ]
        return [
            say(
                "hidden map first, {images} images: what people had marked has IoU {own} with what they left, the map {map}; changed {hidden}, with the map shown at once {shown}",
                "先にマップを隠した {images} 枚：人が付けた印と最終結果の IoU {own}、マップとは {map}；変更 {hidden}、最初からマップを見せた場合 {shown}", values)
        ]
    }

    private var rest: [String] {
        var lines: [String] = []
        if status.rest.rest > 0, let share = status.rest.share {
            lines.append(
                say(
                    "of the {rest} images nobody looked at, people would change {share}", "誰も見ていない {rest} 枚のうち、人が変更するはずの割合 {share}",
                    ["rest": "\(status.rest.rest)", "share": of(share)]))
            if let corrected = status.corrected {
                lines.append(say("of them, wrong after all, seen what people miss: {share}", "そのうち見落としを考慮した誤りの割合：{share}", ["share": of(corrected)]))
            }
        }
        return lines
    }

    /// What a reader of the figures must know.
    var remarks: [String] {
        var lines = blind
        if status.inHand > 0 {
            lines.append(say("{n} images were given out and are not decided: nothing is said of them", "配布中で未決定の {n} 枚については何も言えません", ["n": "\(status.inHand)"]))
        }
        if status.restUnsure > 0 {
            lines.append(
                say("{n} of the random images were beyond people: nothing is said of their like", "無作為の画像のうち {n} 枚は判断できず、同類については何も言えません", ["n": "\(status.restUnsure)"]))
        }
        let known = [HoneypotMaker.withoutTrusted, HoneypotMaker.uncheckedTrusted]
        return lines + status.notes.map { note in say("note: ", "注：") + (known.first { $0.english == note }.map { say($0.english, $0.japanese) } ?? note) }
    }

    private func of(_ share: Proportion) -> String {
        guard let interval = share.wilson() else { return say("0 of 0", "0 件") }
        return say(
            "{hits} of {trials} ({share})", "{trials} 件中 {hits} 件（{share}）", ["hits": "\(share.hits)", "trials": "\(share.trials)", "share": of(interval)])
    }

    private func of(_ interval: Interval) -> String {
        say(
            "{estimate}, 95 % interval {low} to {high}", "{estimate}、95 % 区間 {low}～{high}",
            ["estimate": percentage(interval.estimate), "low": percentage(interval.low), "high": percentage(interval.high)])
    }
}
