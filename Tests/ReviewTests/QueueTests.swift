import Diagnostics
import Foundation
import Review
import Testing

@Suite struct QueueTests {
    private func measures(_ count: Int) -> [Doubt.Measure] {
        (0..<count).map { .init(nearThreshold: Double($0 * 37 % 101) / 101, coverage: 0.3 + Double($0 % 5) / 100, label: $0 % 3) }
    }

    private func build(_ count: Int, _ change: (inout ReviewSettings) -> Void = { _ in }) -> QueueBuilder.Result {
        var settings = ReviewSettings()
        change(&settings)
        let builder = QueueBuilder(settings)
        let baits = (0..<builder.honeypotCount(count)).map {
            QueueBuilder.Bait(image: $0, honeypot: .init(item: 0, kind: $0 % 2 == 0 ? .right : .emptied, trusted: false))
        }
        return builder.build(Doubt(measures(count)), baits: baits, name: { "n\($0)" }, label: { "c\($0 % 3)" })
    }

    @Test func everyImageComesOnceAndTheRestFollows() {
        let result = build(1000)
        let honeypots = Set(result.honeypots.map(\.item))
        let firsts = result.items.filter { $0.of == nil && !honeypots.contains($0.item) }
        #expect(firsts.map(\.image).sorted() == Array(0..<1000) && result.items.map(\.item) == Array(result.items.indices))
        // Within five standard deviations of what was asked for.
        func isAbout(_ count: Int, _ share: Double) -> Bool { abs(Double(count) - share * 1000) < 5 * (share * 1000).squareRoot() }
        #expect(isAbout(firsts.count { $0.kind == .audit }, 0.1) && isAbout(firsts.count { $0.blind }, 0.05))
        #expect(isAbout(result.items.count { $0.kind == .second }, 0.1) && isAbout(result.items.count { $0.kind == .again }, 0.03))
        #expect(honeypots.count == 40 && result.items.filter { honeypots.contains($0.item) }.allSatisfy { $0.kind == .audit && $0.reason == .random })
        for item in result.items { if let first = item.of { #expect(first < item.item && result.items[first].image == item.image) } }
        // In order of doubt, where it is in order.
        let ranks = firsts.filter { $0.kind == .doubtful }.map(\.rank)
        #expect(ranks == ranks.sorted())
        // The audit draws uniformly from those that are left.
        var (left, places) = (Array(0..<1000), [Double]())
        for item in firsts {
            let place = left.firstIndex(of: item.rank)!
            if item.kind == .audit, left.count > 50 { places.append((Double(place) + 0.5) / Double(left.count)) }
            left.remove(at: place)
        }
        let mean = places.reduce(0, +) / Double(places.count)
        #expect(abs(mean - 0.5) < 5 * 0.289 / Double(places.count).squareRoot(), "\(mean)")
    }

    @Test func theOrderIsAFunctionOfTheSeed() {
        #expect(build(200).items == build(200).items && build(200).items != build(200) { $0.seed = 1 }.items)
    }

    @Test func oneClassAfterTheOther() {
        let items = build(300) { ($0.byClass, $0.audit) = (true, 0) }.items.filter { $0.kind == .doubtful }
        let changes = zip(items, items.dropFirst()).count { $0.label != $1.label }
        #expect(changes == 2)
    }

    @Test func doubtHasReasons() {
        var measures = measures(100)
        measures[7].coverage = 0.9
        measures[8].isUnseen = true
        measures[9].isMistaken = true
        (measures[10].isAttacked, measures[10].nearThreshold, measures[10].coverage) = (true, 0, 0.32)
        let doubt = Doubt(measures)
        #expect(doubt.order[0] == 8 && doubt.reasons[8] == .unseen)
        #expect(doubt.reasons[7] == .coverage && doubt.order.prefix(3).contains(7))
        #expect(doubt.reasons[9] == .mistaken && doubt.scores[9] >= 0.9 && doubt.reasons[10] == .attacked)
        for index in measures.indices { measures[index].disagreement = index == 5 ? 0.8 : 0 }
        let other = Doubt(measures)
        #expect(other.reasons[5] == .disagreement && other.scores[5] == 0.99)
        #expect(
            Doubt.Measure(map: [0, 120, 140, 255], others: [[0, 0, 140, 255], [255, 0, 0, 0]], level: 128, label: 0, isUnseen: false)
                == Doubt.Measure(disagreement: 1, nearThreshold: 2.0 / 3, coverage: 0.5, label: 0))
    }

    @Test func theForecastAddsUpWhatStudiesReport() {
        // 1,800 images of which 15 % are corrected: 1.4 to 2.8 hours.
        let (least, most) = ReviewForecast.seconds(1800, corrected: 0.15)
        #expect(abs(least - 1800 * 2.75) < 1e-6 && abs(most - 1800 * 5.65) < 1e-6)
        let (none, all) = (ReviewForecast.seconds(10, corrected: 0), ReviewForecast.seconds(10, corrected: 1))
        #expect(none.least == 20 && none.most == 40 && all.least == 70 && all.most == 150)
    }

    /// The stop that is promised is the first of the places looked at where a status without an error would say so.
    @Test func theForecastPromisesNoStopThatTheStatusWouldNotGrant() throws {
        func forecast(_ count: Int, _ change: (inout ReviewSettings) -> Void) -> ReviewForecast {
            let result = build(count, change)
            var settings = ReviewSettings()
            change(&settings)
            return ReviewForecast(result.items, honeypots: result.honeypots, images: count, goodEnough: settings.goodEnough)
        }
        let plain = forecast(12_000) { ($0.honeypots, $0.goodEnough) = (0, 0.02) }
        let stop = try #require(plain.earliestStop)
        // Some 180 random images without an error, among those not reached in turn, bound the rest to 2 %.
        #expect((180...330).contains(stop.random) && stop.items < 4000, "\(stop)")
        #expect(plain.text(goodEnough: 0.02).contains("after \(stop.items) images"))
        let loose = forecast(12_000) { ($0.honeypots, $0.goodEnough) = (0, 0.04) }
        #expect(try #require(loose.earliestStop).items < stop.items)
        // Sixty right and sixty wrong honeypots cannot tell people who are never mistaken from people who are in 2 %.
        let few = forecast(12_000) { ($0.honeypots, $0.goodEnough) = (0.01, 0.02) }
        #expect(few.earliestStop == nil && few.lacksHoneypots && few.text(goodEnough: 0.02).contains("--honeypots"))
        // A tenth of 2,000 is too few, and so is nothing.
        for (count, audit) in [(2000, 0.1), (400, 0)] {
            let short = forecast(count) { ($0.audit, $0.honeypots, $0.goodEnough) = (audit, 0, 0.02) }
            #expect(short.earliestStop == nil && !short.lacksHoneypots && short.text(goodEnough: 0.02).contains("random images are too few"))
        }
    }

    private func state(_ count: Int, people: Int = 2, _ change: (inout ReviewSettings) -> Void = { _ in }) throws -> (TemporaryFolder, ReviewQueue, ReviewState) {
        let folder = try TemporaryFolder()
        _ = try Small.plan(count, in: folder, change)
        let review = ReviewFolder(folder.file("review"))
        let queue = try ReviewQueue(review, plan: review.readPlan().plan)
        return (folder, queue, ReviewState(queue, people: people))
    }

    /// Two people who take turns at random see every item once, each image's second showing by the other one, its repetition by the same.
    @Test func twoPeopleNeverGetOneItem() throws {
        var (folder, queue, state) = try state(200) { ($0.double, $0.again) = (0.3, 0.2) }
        var decided: [Int: Int] = [:]
        var (line, seed) = (0, UInt64(7))
        var hands: [[Int]] = [[], []]
        while true {
            hands[0] = state.next(6, for: 0, now: 0, lasting: 600)
            hands[1] = state.next(6, for: 1, now: 0, lasting: 600)
            #expect(Set(hands[0]).isDisjoint(with: hands[1]))
            guard !hands[0].isEmpty || !hands[1].isEmpty else { break }
            seed = seed &* 6_364_136_223_846_793_005 &+ 1
            let person = hands[1].isEmpty || (!hands[0].isEmpty && seed >> 63 == 0) ? 0 : 1
            let item = hands[person][0]
            #expect(decided[item] == nil)
            decided[item] = person
            let first = Int(queue.entries[item].first)
            if first >= 0 { #expect((decided[first] == person) == (queue.entries[item].kind == .again)) }
            var entry = decision(queue, item, "\(person)", .accept, changed: false)
            entry.line = line
            line += 1
            state.apply(entry, offset: 0, person: person)
        }
        // Only repetitions of a person's last images may remain: those whose first showing came late.
        #expect(decided.count == queue.count && state.done == queue.count)
        _ = folder
    }

    @Test func aLeaseEndsAndAnUndoReopens() throws {
        var (folder, queue, state) = try state(60, people: 2)
        let mine = state.next(6, for: 0, now: 0, lasting: 600)
        #expect(state.next(6, for: 0, now: 10, lasting: 600) == mine, "a second session goes on where the first stopped")
        #expect(!state.isFree(mine[0], for: 1, now: 500) && state.isFree(mine[0], for: 1, now: 700))
        #expect(state.mayRead(mine[0], 0) && !state.mayRead(mine[0], 1) && !state.mayRead(-1, 0) && !state.mayRead(1_000_000, 0))
        #expect(state.next(6, for: 1, now: 700, lasting: 600) == mine, "after ten minutes they are another's")
        state.apply(decision(queue, mine[0], "b", .accept, changed: false), offset: 0, person: 1)
        #expect(state.isDecided(mine[0]) && state.lastItem(of: 1) == mine[0] && state.doneBy(1) == 1)
        var undo = decision(queue, mine[0], "b", .accept, changed: false)
        (undo.kind, undo.undoes) = (.undo, 0)
        state.apply(undo, offset: 0, person: 1)
        #expect(!state.isDecided(mine[0]) && state.lastItem(of: 1) == nil && state.done == 0)
        #expect(state.next(1, for: 0, now: 2000, lasting: 600) == [mine[0]])
        _ = folder
    }

    @Test func honeypotsAreSealedAndWrongOnesDiffer() throws {
        let folder = try TemporaryFolder()
        let material = try Small.plan(300, in: folder, trusted: true)
        let review = ReviewFolder(folder.file("review"))
        let plan = try review.readPlan().plan
        let queue = try ReviewQueue(review, plan: plan)
        #expect(queue.honeypots.count >= 30 && queue.honeypots.values.count { $0.isRight } >= 15)
        let mode = try FileManager.default.attributesOfItem(atPath: review.honeypots)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let text = try String(contentsOfFile: review.queue, encoding: .utf8)
        #expect(!text.contains("honeypot") && !text.contains("swapped"))
        for (item, honeypot) in queue.honeypots {
            let image = Int(queue.entries[item].image)
            let right = RunMask(size: material.size, map: try material.map(image) { $0.trusted }, threshold: 128)
            let shown = RunMask(size: material.size, map: try queue.map(item, in: material), threshold: 128)
            #expect(honeypot.isRight ? shown == right : shown.intersectionOverUnion(right) < 0.4, "\(honeypot)")
        }
        // Nor are other maps than those that were known to be right.
        try material.check(plan)
        var other = plan
        other.parts[0].trusted = "another"
        #expect(failure { try material.check(other) }?.message.contains("the maps known to be right are others") == true)
        other.parts[0].trusted = nil
        try material.check(other)
        // Another queue than the planned one is not taken.
        try text.replacingOccurrences(of: "\"rank\":0", with: "\"rank\":1").write(toFile: review.queue, atomically: true, encoding: .utf8)
        #expect(failure { try review.checkFiles(plan) }?.kind == .badData)
    }

    /// What the quick reader makes of a line is what a decoder does; what it does not know it leaves to that.
    @Test func linesAreReadAsADecoderReadsThem() throws {
        func scanned(_ text: String) -> QueueScanner? { Array(text.utf8).withUnsafeBufferPointer { QueueScanner($0) } }
        for name in ["a/b.png", "quote \" and \\ slash, }{", "画像 1", "\u{7}", "x\\\"", ""] {
            for (kind, of) in [(ReviewItem.Kind.doubtful, nil), (.again, 4)] as [(ReviewItem.Kind, Int?)] {
                let item = ReviewItem(item: 7, image: 123_456, name: name, label: "}\",", kind: kind, reason: .random, score: 0.125, rank: 99, of: of, blind: of != nil)
                let line = String(decoding: try jsonBytes(item, .line).dropLast(), as: UTF8.self)
                #expect(scanned(line) == QueueScanner(item), "\(line)")
                for cut in [1, 5, line.count / 2] { #expect(scanned(String(line.dropLast(cut))) == nil) }
                for other in [line + " ", " " + line, line.replacing("\"item\":7", with: "\"item\":-7"), line.replacing("\"item\":7", with: "\"item\":12345678901"), line.replacing("\"rank\":99", with: "\"rank\":9.5")] {
                    #expect(scanned(other) == nil, "\(other)")
                }
            }
        }
        #expect(scanned("") == nil && scanned("{}") == nil && scanned("{\"") == nil && scanned("[]") == nil)
    }
}
