import Diagnostics
import Digests
import Foundation
import Pilot
import Review
import TestSupport
import Testing

/// A pilot on maps that people reviewed: what its report says of them is what they decided, and what it shares says nothing of them.
@Suite(.serialized) struct PilotReviewTests {
    private static let settings = ["model.name=cnn", "model.width=4", "data.batch=16", "data.microBatch=8", "epochs=1", "attack.steps=1", "validation.steps=1"]

    /// Decides most items of a review, each kind of decision among them.
    ///
    /// - Returns: images by what was decided of them first.
    private func decide(_ path: String) throws -> [ReviewAction: Int] {
        let review = try Review(path)
        // 17 pixels outside, 60 inside, the rest outside.
        let region = try #require(RunMask(size: review.size, runs: [17, 60, review.size.pixels - 77]))
        var head = review.planHash
        var bytes: [UInt8] = []
        var (count, images) = (0, 0)
        var decided: [ReviewAction: Int] = [:]
        var isDecided = Set<Int>()
        func write(_ item: Int, _ person: String, _ action: ReviewAction) throws {
            var line = LogLine(kind: .decision, person: person, item: item, image: Int(review.queue.entries[item].image), id: "message-\(item)")
            (line.line, line.previous, line.action, line.policy) = (count, head, action, review.plan.policyHash)
            (line.changed, line.activeMilliseconds) = (action != .accept && action != .unsure, 2500)
            if action == .corrected { (line.runs, line.after) = (region.runs, region.hash) }
            let text = try jsonBytes(line, .line)
            head = SHA256.hex(of: Array(text.dropLast()))
            bytes += text
            count += 1
            // Where the first could not tell, a second person's word would count.
            if action != .unsure { isDecided.insert(item) }
        }
        let actions: [ReviewAction?] = [.accept, .nothing, .wrong, .corrected, .accept, .unsure, nil, .corrected, .accept, .accept]
        for (item, entry) in review.queue.entries.enumerated() {
            if let honeypot = review.queue.honeypots[item] {
                try write(item, "alice", honeypot.isRight ? .accept : .wrong)
            } else if entry.first < 0 {
                let action = actions[images % actions.count]
                images += 1
                guard let action else { continue }
                try write(item, "alice", action)
                decided[action, default: 0] += 1
            } else if isDecided.contains(Int(entry.first)) {
                try write(item, entry.kind == .second ? "bob" : "alice", .accept)
            }
        }
        try Data(bytes).write(to: URL(fileURLWithPath: path + "/log.jsonl"))
        return decided
    }

    private func run(_ arguments: [String]) throws {
        let run = try TinyPilot.sipat(arguments)
        try #require(run.status == 0, "\(run)")
    }

    @Test func theReportSaysWhatPeopleDecided() throws {
        let folder = try TemporaryFolder()
        func file(_ name: String) -> String { folder.path + "/" + name }
        try TinyImages.write(file("acme"), ["train": ["rust-acme": 45, "dent-acme": 45], "test": ["rust-acme": 15, "dent-acme": 15]])
        try TinyImages.pack(file("acme"))
        try "Mark the fault & nothing else.\n".write(toFile: file("policy.txt"), atomically: true, encoding: .utf8)
        let data = file("acme.pack")
        try run(["salience", "estimate", "--data", data, "--estimator", "centre-prior", "--output", file("maps")])
        try run(["review", "plan", "--data", data, "--maps", file("maps"), "--policy", file("policy.txt"), "--audit", "0.3", "--output", file("review")])
        let decided = try decide(file("review"))
        try run(["review", "status", file("review"), "--json", file("review.json")])
        try run(["review", "export", file("review"), "--output", file("reviewed")])
        let pilot = file("pilot")
        try run(
            TinyPilot.planArguments(
                pilot, data: data,
                ["--maps", file("reviewed"), "--review", file("review.json"), "--methods", "natural,at-half,sip-at", "--controls", "sip-shuffled", "--seeds", "1", "--radii", "0.001,8", "--decision", "0.001"],
                settings: Self.settings))
        try run(["pilot", "run", pilot])
        try run(["pilot", "report", pilot])

        // Every image is counted once, by what was decided of it.
        let report = try #require(try readJSON(PilotReport.self, pilot + "/report.json"))
        let facts = report.material.salience
        #expect(facts.confirmed == decided[.accept] && facts.corrected == decided[.corrected], "\(facts) \(decided)")
        #expect(facts.confirmedEmpty == decided[.nothing] && facts.states.unseen == decided[.wrong], "\(facts) \(decided)")
        let settled: [ReviewAction] = [.accept, .corrected, .nothing, .wrong]
        #expect(facts.given == 0 && facts.machine == 90 - settled.reduce(0) { $0 + (decided[$1] ?? 0) }, "\(facts)")
        #expect(facts.policy == "Mark the fault & nothing else." && !facts.isByName, "\(facts)")

        // The review's figures are those that its status gives.
        let status = try PilotReport.ReviewFacts.status(file("review.json"))
        let review = try #require(report.review)
        #expect(review.isOfTheseMaps && review.people == 2 && review.decisions == status.decided && review.decisions > decided.values.reduce(0, +))
        #expect(review.caught.count == status.caught.hits && review.caught.total > 0 && review.passed.count == review.passed.total)
        #expect(review.twoPeople == status.twoPeople.changed.images && review.twoPeople > 0 && review.alike == status.twoPeople.changed.raw && review.disputed == status.disputed)
        #expect(abs(review.personHours - Double(status.decided) * 2.5 / 3600) < 1e-9)
        #expect(review.audit.total == status.rest.sample && review.wouldChange?.high == status.rest.share?.high)

        let page = TinyPilot.contents(pilot + "/report.html")
        for text in [
            "Mark the fault &amp; nothing else.", "people, in review: alice, confirmed", "people, in review: alice, corrected", "on the word of: machine: centre-prior",
            "Planted wrong maps caught: \(review.caught.count)/\(review.caught.total)", "\(review.decisions) decisions on the maps of 90 images", "were made by 2 people",
        ] { #expect(page.contains(text), "\(text)") }
        #expect(!page.contains("do not name this review") && !page.contains("Nobody reviewed"))
        try nothingIsGivenAway(pilot, folder.path)
        try imagesThatWithstoodAreShown(pilot, page)
        try theMethodIsThatOfTheRecipe(pilot, report, page)
        try costIsReckoned(pilot, report)
        try anotherReview(pilot, data, folder.path)
    }

    /// At so small a radius nothing breaks; section 3 shows that radius all the same, and says what is missing.
    private func imagesThatWithstoodAreShown(_ pilot: String, _ page: String) throws {
        let pictures = try PilotReportBuilder(pilot).pictures().models.models.flatMap(\.pictures)
        #expect(!pictures.isEmpty && pictures.allSatisfy { $0.epsilon == Float(0.001 / 255) && $0.prediction == $0.label && $0.linf > 0 }, "\(pictures.map(\.epsilon))")
        #expect(page.contains("attacked at ε = 0.001 and still right"))
        try FileManager.default.moveItem(atPath: pilot + "/pictures.json", toPath: pilot + "/away")
        let missing = try TinyPilot.sipat(["pilot", "report", pilot])
        #expect(missing.status == 65 && missing.errors.contains("pictures.json is missing"), "\(missing)")
        try FileManager.default.moveItem(atPath: pilot + "/away", toPath: pilot + "/pictures.json")
    }

    private func nothingIsGivenAway(_ pilot: String, _ folder: String) throws {
        try run(["pilot", "export", pilot, "--share", "--output", folder + "/share.json"])
        let text = TinyPilot.contents(folder + "/share.json")
        for secret in ["acme", "alice", "bob", "Mark the fault", ".png", "data:image", "/", "train"] { #expect(!text.replacing("trained", with: "").contains(secret), "\(secret)") }
        #expect(text.contains("\"review\" : "))
    }

    /// Section 6 says what the recipe and the runs say.
    private func theMethodIsThatOfTheRecipe(_ pilot: String, _ report: PilotReport, _ page: String) throws {
        for text in [
            "acme.pack · 30 test images", "By class, clean: SIP-AT", "By class, attacked at ε = 0.001: SIP-AT", "taken for what: adversarial training at ε = 4, attacked at ε = 0.001",
            "of the first seed (0) alone",
        ] { #expect(page.contains(text), "\(text)") }
        for text in ["PGD, L∞, 1 step<", "pgd (20 steps); L∞; ε in grey levels: 0.001, 8", ">cross-entropy<", "and number of steps: 1 epochs, \(report.stepsPerModel) steps", "best clean accuracy"] {
            #expect(page.contains(text), "\(text)")
        }
        #expect(report.methods.allSatisfy { $0.lengths == [PilotReport.Length(epochs: 1, steps: report.stepsPerModel)] }, "\(report.methods.map(\.lengths))")
        #expect(page.contains(" questions, on 30 images of the first seed") && page.contains("part were not tried: evaluation.regions") == (report.plan.evaluation.regions == ["all"]))
        var other = report
        other.plan.recipe.set += ["objective.name=trades", "objective.beta=3", "attack.steps=7", "validation.metric=robust", "validation.patience=2"]
        other.testAttacks = [PilotReport.TestAttack(name: "apgd-ce", steps: 100, restarts: 5)]
        other.methods[0].lengths = [PilotReport.Length(epochs: 1, steps: report.stepsPerModel - 1)]
        let pictures = try PilotReportBuilder(pilot).pictures()
        func told(_ report: PilotReport, _ language: PilotLanguage) -> String {
            PilotPage(report: report, cost: nil, material: pictures.material, pictures: pictures.models, language: language).document
        }
        let english = told(other, .english)
        for text in [
            "TRADES, β = 3", "PGD, L∞, 7 steps", "apgd-ce (100 steps, 5 starts)", "best accuracy on attacked held-out images (PGD, 1 step)", "after 2 validations",
            "for \(report.stepsPerModel - 1) to \(report.stepsPerModel) steps",
        ] { #expect(english.contains(text), "\(text)") }
        let japanese = told(other, .japanese)
        for text in ["クラス別（ε = 0.001の攻撃）：", "指紋（ハッシュ）、学習"] { #expect(japanese.contains(text), "\(text)") }
        #expect(japanese.contains("apgd-ce（100ステップ、開始点5個）、L∞、半径ε（階調）：0.001、8"))
        // More classes than a matrix holds: the largest confusions.
        other.material.classNames = (0..<25).map { "kind \($0)" }
        for place in other.material.splits.indices { other.material.splits[place].counts = Array(repeating: 4, count: 25) }
        var counts = (0..<25).map { label in (0..<25).map { $0 == label ? 4 : 0 } }
        (counts[3][7], counts[20][1]) = (9, 2)
        for place in other.methods.indices { other.methods[place].confusion = [PilotReport.Confusion(epsilon: 0, counts: counts)] }
        let many = told(other, .english)
        #expect(many.contains("kind 3</td><td class=\"name\">kind 7</td><td>9</td><td>13</td>") && many.contains("the 2 largest confusions, of 2"))
        other.material.heldOut = 0
        #expect(told(other, .english).contains("No images were held out: the last checkpoint"))
    }

    /// A status of a review that these maps do not come from is not taken for theirs.
    private func anotherReview(_ pilot: String, _ data: String, _ folder: String) throws {
        let other = folder + "/other"
        try run(["review", "plan", "--data", data, "--maps", folder + "/maps", "--seed", "7", "--output", other])
        try run(["review", "status", other, "--json", other + ".json"])
        let path = pilot + "/pilot.yaml"
        let text = TinyPilot.contents(path)
        try text.replacing(folder + "/review.json", with: other + ".json").write(toFile: path, atomically: true, encoding: .utf8)
        try run(["pilot", "report", pilot])
        #expect(TinyPilot.contents(pilot + "/report.html").contains("do not name this review as theirs"))
        // And maps of a review without its figures are not called unreviewed.
        try text.replacing(folder + "/review.json", with: "").write(toFile: path, atomically: true, encoding: .utf8)
        try run(["pilot", "report", pilot])
        let page = TinyPilot.contents(pilot + "/report.html")
        #expect(page.contains("its figures were not given") && !page.contains("Nobody reviewed"))
    }

    /// Natural training took 2 core-hours, the others 4 with one step of the attack.
    private func costIsReckoned(_ pilot: String, _ report: PilotReport) throws {
        func part(_ name: String, _ seconds: Int, _ more: String = "") -> String {
            "{\"part\": \"\(name)\", \"seconds\": \(seconds), \"ranks\": 2, \"threads\": 1, \"starts\": 1\(more)}"
        }
        let parts = [
            part("training natural 0", 3600, ", \"joules\": 7200000"), part("training at-half 0", 7200), part("training sip-at 0", 7200), part("training sip-shuffled 0", 7200),
            part("evaluation sip-at 0", 1800),
        ]
        let text = "{\"format\": 1, \"host\": \"h\", \"processor\": \"p\", \"finished\": \"2026-11-29\", \"parts\": [\(parts.joined(separator: ", "))]}"
        let cost = try decodedJSON(PilotCost.self, from: Array(text.utf8))
        #expect(cost.coreHours == 15)
        var report = report
        (report.plan.cost.perCoreHour, report.plan.cost.perKilowattHour) = (2, 1)
        report.plan.cost.fullImages = 10 * report.material.trained
        let pictures = try PilotReportBuilder(pilot).pictures()
        func page(_ language: PilotLanguage) -> String {
            PilotPage(report: report, cost: cost, material: pictures.material, pictures: pictures.models, language: language).document
        }
        let english = page(.english)
        for text in [
            // One step more than natural training; ten; and a second loss. Then on ten times the images, and its price.
            ">4.00<", ">22.00<", ">6.00<", "40.00 (80.00 EUR)", "220 (440.00 EUR)", "60.00 (120.00 EUR)", "of 1 of 5 parts: 2.0000 kWh",
            "computing 30.00, energy 2.00, people not counted (no price, or not measured); together 32.00 EUR", "Finished on 29 November 2026.",
        ] { #expect(english.contains(text), "\(text)") }
        #expect(page(.japanese).contains("計算30.00、電力2.00、人件費対象外（単価なし、または未計測）、合計32.00 EUR"))
        for text in ["完了日：2026年11月29日", "コア時間、合計", "学習（1モデル）：敵対的学習（ε = 4）"] { #expect(page(.japanese).contains(text), "\(text)") }
        // A second model whose time is not known whole is cheaper than it was: it does not count for the full data.
        var killed = cost
        killed.parts.append(try decodedJSON(PilotCost.Entry.self, from: Array(part("training natural 1", 360).replacing("\"starts\": 1", with: "\"starts\": 2").utf8)))
        let document = PilotPage(report: report, cost: killed, material: pictures.material, pictures: pictures.models, language: .english).document
        #expect(document.contains("<td>2</td><td>2.00</td><td>2.20</td>") && document.contains("Some parts were killed"))
        #expect(!english.contains("Some parts were killed"))
    }
}
