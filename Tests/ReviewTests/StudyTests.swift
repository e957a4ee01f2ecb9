import Diagnostics
import Digests
import Foundation
import Images
import Review
import Salience
import Testing

/// A study of small random pictures, without models: what is added stands for an attack.
struct SmallStudy {
    static let size = PixelSize(width: 8, height: 6)

    static let conditions: [(method: String, epsilon: Float)] = [("at", 2.0 / 255), ("at", 8.0 / 255), ("sip-at", 2.0 / 255), ("sip-at", 8.0 / 255)]

    static func draft(trials: Int = 30) -> StudyPlan {
        var settings = StudySettings()
        (settings.trials, settings.catchShare) = (trials, 0.2)
        return StudyPlan(
            when: logTime(), createdBy: "tests", arguments: ["study", "plan", "these words"], dataset: .init(name: "small", split: "test", count: 200), salienceFingerprint: nil,
            methods: [.init(name: "at", weights: "w", sha256: "0", network: "cnn", region: "all", threshold: 0.5, coverage: nil)],
            conditions: conditions.map { .init(method: $0.method, epsilon: $0.epsilon, rounding: .init()) }, settings: settings, width: size.width,
            height: size.height, channels: 3, notes: [])
    }

    /// Makes the pictures of an image.
    static func add(_ place: Int, to writer: inout StudyWriter, tests: Int) throws {
        let pixels = (0..<size.pixels * 3).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ place &* 91) }
        let original = StudyWriter.Original(index: 100 + place, name: "\(place).png", label: "a", pixels: pixels)
        guard place < tests else { return try writer.addCatch(place, original) }
        let perturbed = conditions.map { _, epsilon -> [UInt8] in
            let steps = UInt8((epsilon * 255).rounded())
            return pixels.map { $0 < 128 ? $0 + steps : $0 - steps }
        }
        let roundings = conditions.indices.map { condition in
            var rounding = StudyPlan.Rounding()
            (rounding.pictures, rounding.exactWrong, rounding.shownChanged) = (1, place % 2, Double(condition) / 10)
            return rounding
        }
        try writer.add(place, original, perturbed: perturbed, roundings: roundings)
    }

    static func plan(in folder: TemporaryFolder, name: String = "study") throws -> String {
        let (path, draft) = (folder.file(name), draft())
        var writer = try StudyWriter(StudyFolder(path), plan: draft)
        for place in 0..<draft.settings.trials { try add(place, to: &writer, tests: draft.settings.tests) }
        _ = try writer.finish(instructions: nil)
        return path
    }
}

@Suite struct StudyTests {
    let folder: TemporaryFolder
    let path: String
    private let people = ["alice", "bob", "carol"]

    init() throws {
        folder = try TemporaryFolder()
        path = try SmallStudy.plan(in: folder)
    }

    private func service() throws -> StudyService { try StudyService(Study(path, people: people), people: people) }

    private func choice(_ trial: Int, _ id: String, _ answer: StudyTrial.Side) -> StudyService.Messages.Choice {
        .init(trial: trial, id: id, answer: answer, activeMilliseconds: 2000)
    }

    /// Answers all of a person's pairs; `isRight` says which are answered rightly.
    private func answer(_ person: Int, _ service: StudyService, _ isRight: (StudyTrial) -> Bool) async throws {
        let study = try Study(path, people: people)
        for trial in study.trials(of: study.participants[people[person]]!) {
            let right = isRight(trial) == (trial.changed == .left) ? StudyTrial.Side.left : .right
            _ = try await service.take(choice(trial.number, "message-\(person)-\(trial.number)", right), person)
        }
    }

    private func refusal(_ body: () async throws -> Void) async -> Int? {
        do {
            try await body()
            return nil
        } catch { return (error as? Refusal)?.status }
    }

    @Test func aLatinSquareDealsTheConditionsOut() throws {
        var settings = StudySettings()
        (settings.trials, settings.catchShare, settings.seed) = (50, 0.2, 7)
        let order = StudyOrder(settings, conditions: 4)
        var seen: [Int: Set<Int>] = [:]
        for participant in 0..<4 {
            let trials = order.trials(of: participant)
            #expect(trials == order.trials(of: participant) && trials.map(\.number) == Array(0..<50) && Set(trials.map(\.image)).count == 50)
            #expect(trials.count { $0.condition == nil } == 10 && trials.allSatisfy { ($0.condition == nil) == ($0.image >= 40) })
            for condition in 0..<4 { #expect(trials.count { $0.condition == condition } == 10) }
            // As often left as right, for each condition.
            for condition in [nil, 0, 1, 2, 3] as [Int?] { #expect(trials.count { $0.condition == condition && $0.changed == .left } == 5) }
            for trial in trials { if let condition = trial.condition { seen[trial.image, default: []].insert(condition) } }
        }
        #expect(seen.count == 40 && seen.values.allSatisfy { $0.count == 4 })
        #expect(order.trials(of: 0).map(\.image) != order.trials(of: 1).map(\.image))
        settings.seed = 8
        #expect(StudyOrder(settings, conditions: 4).trials(of: 0).map(\.image) != order.trials(of: 0).map(\.image))
    }

    /// Every picture is what was added to its image, in the file's own values.
    @Test func picturesAreExact() throws {
        let study = try Study(path)
        for trial in study.trials(of: 0) {
            let (changed, clean) = (trial.changed, trial.changed == .left ? StudyTrial.Side.right : .left)
            let images = try [clean, changed].map { side in
                try study.bytes(of: study.picture(trial, side)).withUnsafeBytes { try Image.decode($0, name: "picture", options: .init(channels: .colour)).image }
            }
            let moves = Set(zip(images[0].pixels, images[1].pixels).map { abs(Int($0) - Int($1)) })
            let expected = trial.condition.map { Int((study.plan.conditions[$0].epsilon * 255).rounded()) } ?? 64
            #expect(moves == [expected], "trial \(trial)")
            #expect(study.picture(trial, changed).largest == expected && study.picture(trial, clean).largest == 0)
        }
    }

    /// A plan that was killed goes on: what is whole stays, the rest is made again, and the study is the one that it would have been.
    @Test func aKilledPlanGoesOn() throws {
        let (other, draft) = (StudyFolder(folder.file("other")), SmallStudy.draft())
        let tests = draft.settings.tests
        var writer: StudyWriter? = try StudyWriter(other, plan: draft)
        for place in [0, 1, 2, 5, 6] { try SmallStudy.add(place, to: &writer!, tests: tests) }
        #expect(failure { _ = try StudyWriter(other, plan: draft) }?.message.contains("another sipat study plan") == true)
        writer = nil
        // A picture and a line that were cut short, and a file that was being written.
        let damaged = other.pictures + "/00005-at-8_255.png"
        try Data(contentsOf: URL(fileURLWithPath: damaged)).dropLast(3).write(to: URL(fileURLWithPath: damaged))
        let handle = try #require(FileHandle(forWritingAtPath: other.path + "/unfinished.jsonl"))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data("{\"image\":7,".utf8))
        try handle.close()
        try Data("x".utf8).write(to: URL(fileURLWithPath: other.pictures + "/.incomplete-00007-clean.png-1"))
        var later = draft
        (later.when, later.arguments, later.notes) = ("later", ["other words"], ["a note"])
        writer = try StudyWriter(other, plan: later)
        #expect(writer?.done == [0, 1, 2])
        for place in 0..<draft.settings.trials where !writer!.done.contains(place) { try SmallStudy.add(place, to: &writer!, tests: tests) }
        let plan = try writer!.finish(instructions: nil)
        let whole = try Study(path).plan
        #expect(plan.picturesHash == whole.picturesHash && plan.conditions == whole.conditions && plan.conditions[3].rounding.pictures == tests)
        #expect(plan.conditions[1].rounding.exactWrong == tests / 2 && abs(plan.conditions[3].rounding.shownChanged - 0.3) < 1e-9)
        writer = nil
        #expect(try Set(FileManager.default.contentsOfDirectory(atPath: other.path)) == ["plan.json", "pictures", "pictures.jsonl"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: other.pictures).count == tests * 5 + (draft.settings.trials - tests) * 2)
        _ = try Study(other.path).verify(head: nil)
        #expect(failure { _ = try StudyWriter(other, plan: draft) }?.message.contains("is there and is not empty") == true)
    }

    @Test func anUnfinishedStudyIsNotMixedWithAnother() throws {
        let other = StudyFolder(folder.file("other"))
        var writer: StudyWriter? = try StudyWriter(other, plan: SmallStudy.draft())
        try SmallStudy.add(0, to: &writer!, tests: 24)
        writer = nil
        let changes: [(inout StudyPlan) -> Void] = [{ $0.settings.seed = 7 }, { $0.methods[0].sha256 = "1" }, { $0.dataset.fingerprint = "other" }]
        for change in changes {
            var draft = SmallStudy.draft()
            change(&draft)
            let found = failure { _ = try StudyWriter(other, plan: draft) }
            #expect(found?.kind == .usage && found?.message.contains("sipat study plan these words") == true, "\(String(describing: found))")
        }
        #expect(try StudyWriter(other, plan: SmallStudy.draft()).done == [0])
        let full = folder.file("full")
        try FileManager.default.createDirectory(atPath: full, withIntermediateDirectories: true)
        try Data("mine".utf8).write(to: URL(fileURLWithPath: full + "/letter.txt"))
        #expect(failure { _ = try StudyWriter(StudyFolder(full), plan: SmallStudy.draft()) }?.kind == .usage)
        #expect(try FileManager.default.contentsOfDirectory(atPath: full) == ["letter.txt"])
    }

    @Test func answersAreTakenInTheirOrderAndOnce() async throws {
        let service = try service()
        #expect(await service.next(0).trials == [0, 1, 2])
        let first = try await service.take(choice(0, "message-0", .left), 0)
        #expect(first.line == 0 && first.progress.done == 1 && first.progress.total == 30)
        // The answer to the first message was lost: it is not taken twice, nor changed.
        #expect(try await service.take(choice(0, "message-0", .left), 0).progress.done == 1)
        #expect(await refusal { _ = try await service.take(choice(0, "message-1", .right), 0) } == 409)
        #expect(await refusal { _ = try await service.take(choice(2, "message-2", .right), 0) } == 409)
        #expect(await refusal { _ = try await service.take(choice(30, "message-3", .right), 0) } == 400)
        #expect(await refusal { _ = try await service.take(choice(1, "short", .right), 0) } == 400)
        // Pictures are given out for pairs that are due, to whom they are due.
        #expect(try await service.picture("1", "left", 0).prefix(4) == [0x89, 0x50, 0x4E, 0x47])
        for (number, side) in [("0", "left"), ("4", "left"), ("1", "up"), ("x", "left"), ("-1", "right"), ("../plan", "left")] {
            #expect(await refusal { _ = try await service.picture(Substring(number), Substring(side), 0) } == 404, "\(number)/\(side)")
        }
        #expect(await service.next(1).trials == [0, 1, 2])
    }

    @Test func aServerThatComesBackGoesOn() async throws {
        var service: StudyService? = try service()
        for number in 0..<5 { _ = try await service!.take(choice(number, "message-\(number)", .left), 0) }
        // Carol answers before bob does: numbers stay.
        _ = try await service!.take(choice(0, "message-c", .left), 2)
        service = nil
        let again = try Study(path, people: people)
        #expect(again.participants == ["alice": 0, "bob": 1, "carol": 2] && again.end.lines == 6)
        #expect(try Study(path).participants == ["alice": 0, "carol": 2])
        #expect(try await self.service().next(0).trials == [5, 6, 7])
        #expect(try again.verify(head: again.end.head).hasPrefix("6 answers of 2 people"))
    }

    /// One who sees large radii always and small ones never, one who answers by chance, one who clicks without looking.
    @Test func resultsCountWhatWasAnswered() async throws {
        var service: StudyService? = try service()
        try await answer(0, service!) { $0.condition.map { $0 % 2 == 1 } ?? true }
        try await answer(1, service!) { trial in trial.condition == nil || trial.image % 2 == 0 }
        try await answer(2, service!) { _ in false }
        service = nil
        let results = try StudyResults(Study(path))
        #expect(results.answers == 90 && results.people.map(\.name) == people && results.failed == ["carol"])
        #expect(results.people[0].catches == Proportion(hits: 6, trials: 6) && results.people[2].catches == Proportion(hits: 0, trials: 6))
        for cell in results.people[0].cells { #expect(cell.right == Proportion(hits: cell.epsilon > 4.0 / 255 ? 6 : 0, trials: 6)) }
        for (place, cell) in results.pooled.enumerated() {
            let own = [0, 1].map { results.people[$0].cells[place].right }
            #expect(cell.right == Proportion(hits: own[0].hits + own[1].hits, trials: 12) && cell.share?.low == cell.right.wilson()?.low)
            #expect(results.everybody[place].right.trials == 18 && results.everybody[place].right.hits == cell.right.hits)
        }
        // Two methods at two radii.
        #expect(results.differences.count == 2 && results.differences.allSatisfy { $0.first == "at" && $0.second == "sip-at" })
        let (english, japanese) = (results.text(.english), results.text(.japanese))
        #expect(english.contains("Failed the catch trials (fewer than 80.0 % right), left out of the pooled figures: carol") && english.contains("0.0 % (0/6) FAILED"), "\(english)")
        #expect(japanese.contains("集計から除外：carol") && japanese.contains("正答率"), "\(japanese)")
        var noted = results
        noted.notes = ["3 catch trials say little of whether somebody looks", "36 pairs are no multiple of 5 methods and radii: some come once more than others"]
        #expect(noted.text(.english).contains("note: 3 catch trials say little of whether somebody looks"))
        #expect(noted.text(.japanese).contains("注：確認課題 3 件では") && noted.text(.japanese).contains("注：36 組は手法と半径の組み合わせ 5 通り"), "\(noted.text(.japanese))")
        let page = results.page(.english)
        #expect(page.contains("<svg") && page.contains("carol") && !page.contains("<script") && results.page(.japanese).contains("lang=\"ja\""))
        #expect(try decodedJSON(StudyResults.self, from: jsonBytes(results)).pooled[0].right == results.pooled[0].right)
    }

    @Test func namesAreTextOnThePage() async throws {
        let name = "<b>eve</b> & \"co\""
        var service: StudyService? = try StudyService(Study(path, people: [name]), people: [name])
        _ = try await service!.take(choice(0, "message-0", .left), 0)
        service = nil
        let page = try StudyResults(Study(path)).page(.english)
        #expect(page.contains("&lt;b&gt;eve&lt;/b&gt; &amp; ") && !page.contains("<b>eve"))
    }

    @Test func whatWasChangedIsFound() async throws {
        var service: StudyService? = try service()
        try await answer(0, service!) { _ in true }
        service = nil
        let log = path + "/log.jsonl"
        let good = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
        func found(_ lines: [Substring]) throws -> Failure? {
            try (lines.joined(separator: "\n") + "\n").write(toFile: log, atomically: true, encoding: .utf8)
            return failure { _ = try Study(path) }
        }
        let swapped = good[3].contains("\"answer\":\"left\"") ? good[3].replacing("\"answer\":\"left\"", with: "\"answer\":\"right\"") : good[3].replacing("\"answer\":\"right\"", with: "\"answer\":\"left\"")
        #expect(try found(Array(good[..<3]) + [Substring(swapped)] + Array(good[4...]))?.message.hasPrefix("\(log):5:") == true)
        #expect(try found(Array(good[..<3] + good[4...]))?.message.hasPrefix("\(log):4:") == true)
        // A line that follows, but is of a pair that was not due.
        let last = try decodedJSON(StudyLine.self, from: Array(good[29].utf8))
        var other = last
        (other.line, other.previous, other.trial) = (1, SHA256.hex(of: Array(good[0].utf8)), 7)
        #expect(try found([good[0], Substring(String(decoding: jsonBytes(other, .line).dropLast(), as: UTF8.self))])?.message.contains("another pair than the one that was due") == true)
        _ = try found(good)
        let study = try Study(path)
        #expect(failure { _ = try study.verify(head: String(repeating: "0", count: 64)) }?.message.contains("cut off at the end") == true)
        let picture = path + "/pictures/00003-at-8_255.png"
        try Data(try Data(contentsOf: URL(fileURLWithPath: picture)) + [0]).write(to: URL(fileURLWithPath: picture))
        #expect(failure { _ = try study.verify(head: nil) }?.message.hasPrefix(picture) == true)
    }
}
