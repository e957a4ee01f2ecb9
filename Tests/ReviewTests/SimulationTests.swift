import Diagnostics
import Digests
import Foundation
import Review
import Testing

/// Pretend people of known error rates decide a part of a review; what the status then says of the rest is compared with the truth.
@Suite struct SimulationTests {
    /// Numbers in [0, 1), the same in every run.
    private struct Draws {
        var state: UInt64

        mutating func next() -> Double {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Double((state ^ (state >> 29)) >> 11 & (1 << 40 - 1)) / Double(1 << 40)
        }
    }

    private struct Outcome {
        var rest: Interval?
        var corrected: Interval?
        /// Of the images nobody looked at: the share that these people would have changed, and the share that is wrong.
        var wouldChange: Double
        var wrong: Double
    }

    /// - Parameters:
    ///   - caught, passed: how often people change a wrong map, and leave a right one.
    ///   - share: of the queue that is decided.
    private func simulate(_ template: Review, material: ReviewMaterial, seed: UInt64, wrongShare: Double, caught: Double, passed: Double, share: Double) throws -> Outcome {
        var draws = Draws(state: seed &* 0x9E37_79B9_7F4A_7C15)
        let (queue, folder) = (template.queue, template.folder)
        // The more doubtful, the likelier wrong: the machine's doubt is worth something.
        let images = material.count
        let first = template.firstItems()
        let isWrong = (0..<images).map { image in draws.next() < wrongShare * 2 * (1 - Double(queue.entries[first[image]].rank) / Double(images)) }
        let wouldChange = isWrong.map { draws.next() < ($0 ? caught : 1 - passed) }
        var (lines, count) = ([UInt8](), 0)
        var head = template.planHash
        var isSeen = [Bool](repeating: false, count: images)
        for item in 0..<Int(Double(queue.count) * share) {
            let entry = queue.entries[item]
            guard entry.first < 0 else { continue }
            let changes: Bool
            if let honeypot = queue.honeypots[item] {
                changes = draws.next() < (honeypot.isRight ? 1 - passed : caught)
            } else {
                changes = wouldChange[Int(entry.image)]
                isSeen[Int(entry.image)] = true
            }
            var line = decision(queue, item, "someone", changes ? .wrong : .accept, changed: changes)
            (line.line, line.previous) = (count, head)
            count += 1
            let bytes = try jsonBytes(line, .line)
            head = SHA256.hex(of: Array(bytes.dropLast()))
            lines += bytes
        }
        try Data(lines).write(to: URL(fileURLWithPath: folder.log))
        let status = try ReviewStatus(Review(folder.path), material: material)
        let rest = (0..<images).filter { !isSeen[$0] }
        func mean(_ values: [Bool]) -> Double { Double(rest.count { values[$0] }) / Double(rest.count) }
        return Outcome(rest: status.rest.share, corrected: status.corrected, wouldChange: mean(wouldChange), wrong: mean(isWrong))
    }

    /// An interval of 95 % may miss in 60 of 60 reviews 8 times only once in 100 such tests; the exact one misses less.
    @Test(arguments: [(0.1, 0.9, 0.97, 0.5), (0.3, 0.8, 0.9, 0.3), (0.02, 0.95, 0.99, 0.7)])
    func theIntervalsContainTheTruthAsOftenAsTheySay(wrongShare: Double, caught: Double, passed: Double, share: Double) throws {
        let folder = try TemporaryFolder()
        let material = try Small.plan(400, in: folder, trusted: true) { ($0.audit, $0.honeypots, $0.double, $0.again, $0.blind) = (0.3, 0.2, 0, 0, 0) }
        let template = try Review(folder.file("review"))
        let reviews = 60
        var (missed, missedCorrected, corrected) = (0, 0, 0)
        for seed in 1...reviews {
            let outcome = try simulate(template, material: material, seed: UInt64(seed), wrongShare: wrongShare, caught: caught, passed: passed, share: share)
            let rest = try #require(outcome.rest)
            missed += rest.contains(outcome.wouldChange) ? 0 : 1
            if let interval = outcome.corrected {
                corrected += 1
                missedCorrected += interval.contains(outcome.wrong) ? 0 : 1
            }
        }
        #expect(missed <= 7, "the share that people would change is outside in \(missed) of \(reviews)")
        #expect(corrected >= reviews - 3 && missedCorrected <= 7, "the share that is wrong is outside in \(missedCorrected) of \(corrected)")
    }

    @Test func theVerdictIsInWords() {
        let good = ReviewStatus.verdict(RestEstimate(population: 1000, sample: 300, errors: 0), corrected: nil, goodEnough: 0.02)
        #expect(good.contains("Good enough: with 95 % confidence at most 1.43 % of the 700 images"), "\(good)")
        let more = ReviewStatus.verdict(RestEstimate(population: 1000, sample: 30, errors: 1), corrected: nil, goodEnough: 0.02)
        #expect(more.contains("Not yet good enough") && more.contains("more random images without a change would do"), "\(more)")
        let misses = ReviewStatus.verdict(RestEstimate(population: 1000, sample: 300, errors: 0), corrected: .init(estimate: 0, low: 0, high: 0.05), goodEnough: 0.02)
        #expect(misses.contains("Not yet good enough: up to 5.00 %") && misses.contains("more honeypots narrow it"), "\(misses)")
        #expect(ReviewStatus.verdict(RestEstimate(population: 0, sample: 0, errors: 0), corrected: nil, goodEnough: 0.02).contains("Every image has been looked at"))
        let japanese = ReviewStatus.verdict(RestEstimate(population: 1000, sample: 300, errors: 0), corrected: nil, goodEnough: 0.02, .japanese)
        #expect(japanese.contains("十分です") && japanese.contains("1.43 %") && !japanese.contains("{"), "\(japanese)")
    }

    /// The number of random images that is named is enough, people's own mistakes counted and no more asked for than there are.
    @Test(arguments: [(5000, 100, 0, 400), (5000, 180, 0, 400), (1000, 100, 0, 60), (1000, 150, 0, 30), (2000, 250, 2, 2000), (12_000, 170, 0, 900)])
    func whatWouldDoDoes(population: Int, sample: Int, errors: Int, honeypots: Int) throws {
        let rest = RestEstimate(population: population, sample: sample, errors: errors)
        func corrected(_ rest: RestEstimate) -> Interval? {
            let all = Proportion(hits: honeypots, trials: honeypots)
            return correctedShare(objected: .init(hits: rest.errors, trials: rest.sample), caught: all, passed: all)
        }
        try #require(!ReviewStatus.isGoodEnough(rest, corrected: corrected(rest), goodEnough: 0.02))
        for left in [0, 10, 100, 400, population] {
            let verdict = ReviewStatus.verdict(rest, corrected: corrected(rest), goodEnough: 0.02, randomLeft: left, correcting: corrected)
            guard let end = verdict.range(of: " more random images without") else {
                #expect(verdict.contains("more honeypots") || verdict.contains("still holds will not do") || verdict.contains("go on in turn"), "\(verdict)")
                continue
            }
            let more = try #require(Int(verdict[..<end.lowerBound].split(separator: " ").last ?? ""), "\(verdict)")
            let further = RestEstimate(population: population, sample: sample + more, errors: errors)
            #expect(more <= left && ReviewStatus.isGoodEnough(further, corrected: corrected(further), goodEnough: 0.02), "\(verdict)")
        }
    }

    @Test func aQueueThatIsTooShortIsToldOf() {
        let verdict = ReviewStatus.verdict(RestEstimate(population: 1000, sample: 30, errors: 1), corrected: nil, goodEnough: 0.02, randomLeft: 3)
        #expect(verdict.contains("The 3 random images that the queue still holds will not do"), "\(verdict)")
    }

    /// What the page colours is what the words say.
    @Test func theStatusSaysWhetherItIsGoodEnough() throws {
        let few = RestEstimate(population: 1000, sample: 30, errors: 1)
        let many = RestEstimate(population: 1000, sample: 300, errors: 0)
        #expect(!ReviewStatus.isGoodEnough(few, corrected: nil, goodEnough: 0.02) && ReviewStatus.isGoodEnough(many, corrected: nil, goodEnough: 0.02))
        let missed = ReviewStatus.isGoodEnough(many, corrected: .init(estimate: 0, low: 0, high: 0.05), goodEnough: 0.02)
        #expect(!missed)
        #expect(!ReviewStatus.isGoodEnough(RestEstimate(population: 10, sample: 0, errors: 0), corrected: nil, goodEnough: 0.02))
        #expect(ReviewStatus.isGoodEnough(RestEstimate(population: 10, sample: 10, errors: 9), corrected: nil, goodEnough: 0.02), "nothing is left")
        let folder = try TemporaryFolder()
        let material = try Small.plan(60, in: folder)
        let status = try ReviewStatus(Review(folder.file("review")), material: material)
        let (english, japanese) = (try #require(status.words["en"]), try #require(status.words["ja"]))
        #expect(!status.isGoodEnough && english.verdict.hasPrefix("Nothing can be said yet") && japanese.verdict.contains("何も言えません"))
        #expect(japanese.remarks.contains { $0.contains("正しいと確認されたマップ") })
        #expect(english.remarks.contains { $0.contains("--trusted") } && status.text().contains(english.verdict))
        #expect(status.text().contains("\n0.00 person-hours\n"), "\(status.text())")
    }

    /// Whose figures of honeypots changed with each decision would know which image was one.
    @Test func honeypotsAreToldOfTenAtATime() throws {
        let folder = try TemporaryFolder()
        let material = try Small.plan(300, in: folder, trusted: true) { $0.honeypots = 0.2 }
        let review = try Review(folder.file("review"))
        let honeypots = review.queue.honeypots.keys.sorted()
        let log = try ReviewLog(review.folder.log, end: review.end)
        /// Of alice, of all, and in the stretches.
        func told(_ step: Int) throws -> [Int] {
            let status = try ReviewStatus(Review(folder.file("review")), material: material, honeypotStep: step)
            let alice = try #require(status.people.first { $0.name == "alice" })
            let inStretches: Int = status.overTime.reduce(0) { sum, stretch in sum + stretch.caught.trials + stretch.passed.trials }
            return [alice.caught.trials + alice.passed.trials, status.caught.trials + status.passed.trials, inStretches]
        }
        for (number, item) in honeypots.prefix(21).enumerated() {
            var line = decision(review.queue, item, "alice", .nothing, changed: true)
            _ = try log.append(&line)
            guard [8, 9, 18, 20].contains(number) else { continue }
            let decided = number + 1
            #expect(try told(10) == [Int](repeating: decided / 10 * 10, count: 3))
            #expect(try told(1) == [Int](repeating: decided, count: 3))
        }
        let japanese = try ReviewStatus(Review(folder.file("review")), material: material).text(.japanese)
        #expect(japanese.contains("顕著な部分なし 21；"), "\(japanese)")
    }
}
