import Diagnostics

/// What a study's results say, in each language.
struct StudyWords {
    let language: PageLanguage

    init(_ language: PageLanguage) { self.language = language }

    private func say(_ english: String, _ japanese: String, _ values: [String: String] = [:]) -> String { language.say(english, japanese, values) }

    var title: String { say("What people noticed", "人が気づいた変化") }
    var method: String { say("method", "手法") }
    var right: String { say("right", "正答率") }
    var interval: String { say("95 % interval", "95 % 区間") }
    var seconds: String { say("median time", "中央時間") }
    var differences: String { say("Difference of the shares that were right, at the same radius", "同じ半径での正答率の差") }
    var difference: String { say("difference", "差") }
    var people: String { say("Per person", "担当者ごと") }
    var person: String { say("person", "担当者") }
    var answered: String { say("answered", "回答数") }
    var catches: String { say("catch trials right", "確認課題の正答") }
    var left: String { say("chose left", "左を選択") }
    var rounding: String { say("What 8 bits did to the pictures", "8 ビット化の影響") }
    var largest: String { say("largest change, attack → shown", "最大変化（攻撃→表示）") }
    var changed: String { say("values changed, attack → shown", "変化した値（攻撃→表示）") }
    var wrong: String { say("model wrong: clean, attack → shown", "モデルの誤り（元、攻撃→表示）") }
    var chart: String { say("Share right by radius; 50 % is guessing", "半径ごとの正答率（50 % は当て推量）") }
    var guessing: String { say("guessing", "当て推量") }
    var everybody: String { say("Everybody, those who failed catch trials too", "確認課題に失敗した人も含む全員") }
    var provenance: String { say("Where it comes from", "出所") }
    var nobody: String { say("Nobody answered anything yet.", "まだ回答がありません。") }

    /// Of a plan, which is written in English; what is said in no other words stays as it is.
    func note(_ text: String) -> String {
        guard language == .japanese else { return "note: " + text }
        if let found = text.wholeMatch(of: /(\d+) pairs are no multiple of (\d+) methods and radii: some come once more than others/) {
            return "注：\(found.output.1) 組は手法と半径の組み合わせ \(found.output.2) 通りの倍数ではないため、1 回多く現れるものがあります"
        }
        if let found = text.wholeMatch(of: /(\d+) catch trials say little of whether somebody looks/) {
            return "注：確認課題 \(found.output.1) 件では、注意して見ているかどうかはほとんどわかりません"
        }
        return "注：" + text
    }

    func counts(_ results: StudyResults) -> String {
        say(
            "{data}: {answers} answers by {people} people, of {trials} pairs each", "{data}：{people} 人、{answers} 件の回答（1 人 {trials} 組）",
            ["data": results.data, "answers": "\(results.answers)", "people": "\(results.people.count)", "trials": "\(results.trials)"])
    }

    /// What a reader must know.
    func cautions(_ results: StudyResults) -> [String] {
        let pass = percentage(results.catchPass)
        var lines: [String] = []
        if !results.failed.isEmpty {
            lines.append(
                say(
                    "Failed the catch trials (fewer than {pass} right), left out of the pooled figures: {names}", "確認課題の正答が {pass} 未満のため集計から除外：{names}",
                    ["pass": pass, "names": results.failed.joined(separator: ", ")]))
        }
        lines.append(
            say(
                "50 % right is guessing. d′ = √2·z(share right), with half an answer put on the other side where all or none are right. Pooled figures take answers as independent: they speak for these people; for people at large their intervals are too narrow when few took part.",
                "正答率 50 % は当て推量。d′ = √2·z(正答率)、全問正解・全問不正解のときは半回答を補正。集計は回答を独立とみなすので、この人々についての値であり、人数が少ないとき一般の人々に対する区間としては狭すぎます。"))
        return lines
    }

    func share(_ proportion: Proportion) -> String { proportion.share.map { "\(percentage($0)) (\(proportion.hits)/\(proportion.trials))" } ?? "–" }
    func range(_ interval: Interval?) -> String { interval.map { say("{a} to {b}", "{a}～{b}", ["a": percentage($0.low), "b": percentage($0.high)]) } ?? "–" }
    private func plain(_ interval: Interval?) -> String { interval.map { say("{a} to {b}", "{a}～{b}", ["a": decimal($0.low, 2), "b": decimal($0.high, 2)]) } ?? "–" }
    private func time(_ seconds: Double?) -> String { seconds.map { decimal($0, 1) + " s" } ?? "–" }

    func row(_ cell: StudyResults.Cell) -> [String] {
        [
            cell.method, radiusText(cell.epsilon), share(cell.right), range(cell.share), cell.dPrime.map { decimal($0.estimate, 2) } ?? "–", plain(cell.dPrime),
            time(cell.medianSeconds),
        ]
    }

    func row(_ difference: StudyResults.Difference) -> [String] {
        func points(_ value: Double) -> String { (value > 0 ? "+" : "") + decimal(100 * value, 1) }
        let (low, high) = (points(difference.share.low), points(difference.share.high))
        return [
            radiusText(difference.epsilon), "\(difference.first) − \(difference.second)", points(difference.share.estimate) + say(" points", " ポイント"),
            say("{a} to {b}", "{a}～{b}", ["a": low, "b": high]),
        ]
    }

    func row(_ person: StudyResults.Person) -> [String] {
        var all = Proportion()
        for cell in person.cells { (all.hits, all.trials) = (all.hits + cell.right.hits, all.trials + cell.right.trials) }
        return [
            person.name, "\(person.answered)", share(person.catches) + (person.failed ? say(" FAILED", " 失敗") : ""), share(person.left), time(person.medianSeconds),
            share(all),
        ]
    }

    func row(_ condition: StudyPlan.Condition) -> [String] {
        let rounding = condition.rounding
        return [
            condition.method, radiusText(condition.epsilon), "\(decimal(Double(rounding.exactLargest) * 255, 2))/255 → \(rounding.shownLargest)/255",
            "\(percentage(rounding.exactChanged)) → \(percentage(rounding.shownChanged))",
            "\(rounding.cleanWrong), \(rounding.exactWrong) → \(rounding.shownWrong) / \(rounding.pictures)",
        ]
    }
}
