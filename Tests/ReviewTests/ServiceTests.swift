import Diagnostics
import Digests
import Foundation
import Review
import Salience
import Testing

@Suite struct ServiceTests {
    let folder: TemporaryFolder
    let material: ReviewMaterial
    private var path: String { folder.file("review") }

    init() throws {
        folder = try TemporaryFolder()
        material = try Small.plan(60, in: folder) { ($0.blind, $0.honeypots) = (0, 0) }
    }

    private func service() throws -> ReviewService {
        let people = ["alice", "bob"]
        return try ReviewService(Review(path, people: people), material: material, people: people)
    }

    private func message(_ item: Int, _ id: String, _ action: ReviewAction, runs: [Int]? = nil) -> Messages.Decision {
        .init(item: item, id: id, action: action, runs: runs, activeMilliseconds: 1500)
    }

    private func refusal(_ body: () async throws -> Void) async -> Int? {
        do {
            try await body()
            return nil
        } catch { return (error as? Refusal)?.status }
    }

    @Test func aMessageTwiceIsOneDecision() async throws {
        let service = try service()
        let item = try await service.next(0).items[0].item
        let first = try await service.decide(message(item, "message-1", .nothing), 0)
        let second = try await service.decide(message(item, "message-1", .nothing), 0)
        #expect(first.line == second.line && second.progress.done == 1)
        #expect(await refusal { _ = try await service.decide(message(item, "message-2", .wrong), 0) } == 409)
        #expect(await refusal { _ = try await service.decide(message(item, "message-1", .accept), 1) } == 409)
        #expect(await refusal { _ = try await service.decide(message(-1, "message-3", .accept), 0) } == 400)
        let other = try await service.next(0).items[0].item
        #expect(await refusal { _ = try await service.decide(message(other, "message-4", .accept), 1) } == 409, "in another's hands")
        #expect(await refusal { _ = try await service.decide(message(other, "message-5", .corrected, runs: [47]), 0) } == 400)
        #expect(await refusal { _ = try await service.decide(message(other, "short", .accept), 0) } == 400)
    }

    @Test func undoGoesBackOverAllImages() async throws {
        let service = try service()
        var items: [Int] = []
        for number in 0..<5 {
            let item = try await service.next(0).items[0].item
            _ = try await service.decide(message(item, "message-\(number)", .corrected, runs: [number, 48 - number].filter { $0 > 0 || number == 0 }), 0)
            items.append(item)
        }
        for (number, item) in items.enumerated().reversed() {
            let undone = try await service.undo(.init(id: "undo-\(number)-0"), 0)
            #expect(undone.item.item == item && undone.action == .corrected && undone.runs != nil && undone.progress.done == number)
            // The same message again changes nothing.
            #expect(try await service.undo(.init(id: "undo-\(number)-0"), 0).progress.done == number)
        }
        #expect(await refusal { _ = try await service.undo(.init(id: "undo-last"), 0) } == 404)
        #expect(await refusal { _ = try await service.undo(.init(id: "undo-last"), 1) } == 404)
    }

    /// An undo whose answer was lost with the server is not done a second time.
    @Test func anUndoTwiceIsOneAfterARestartToo() async throws {
        var service: ReviewService? = try service()
        for number in 0..<3 {
            let item = try await service!.next(0).items[0].item
            _ = try await service!.decide(message(item, "message-\(number)", .nothing), 0)
        }
        let undone = try await service!.undo(.init(id: "undo-once"), 0)
        service = nil
        let again = try self.service()
        let second = try await again.undo(.init(id: "undo-once"), 0)
        #expect(second.item.item == undone.item.item && second.progress.done == 2)
        #expect(try await again.undo(.init(id: "undo-twice"), 0).progress.done == 1)
    }

    /// Whoever took a decision on a hidden map back has seen it: the log says so, and it is not hidden again.
    @Test func aMapThatWasSeenIsNotHidden() async throws {
        let folder = try TemporaryFolder()
        let material = try Small.plan(20, in: folder) { ($0.blind, $0.honeypots) = (1, 0) }
        let service = try ReviewService(Review(folder.file("review"), people: ["alice"]), material: material, people: ["alice"])
        let item = try await service.next(0).items[0]
        _ = try await service.decide(message(item.item, "message-1", .nothing), 0)
        let undone = try await service.undo(.init(id: "undo-that-one"), 0)
        #expect(item.blind && !undone.item.blind)
        _ = try await service.decide(message(item.item, "message-2", .wrong), 0)
        var shown: [Bool?] = []
        try Review(folder.file("review")).log.forEach { line, _ in if line.kind == .decision { shown.append(line.mapShown) } }
        #expect(shown == [false, true])
    }

    /// There is nothing to confirm where there is no map; older logs that say so are no evidence.
    @Test func noMapIsNotConfirmed() async throws {
        let service = try service()
        let unseen = try #require(service.queue.entries.indices.first { material.state(Int(service.queue.entries[$0].image)) == .unseen })
        #expect(await refusal { _ = try await service.decide(message(unseen, "message-1", .accept), 0) } == 400)
        _ = try await service.decide(message(unseen, "message-2", .unsure), 0)
        let folder = try TemporaryFolder()
        let planned = try Small.plan(20, in: folder) { ($0.audit, $0.honeypots, $0.double, $0.again) = (1, 0, 0, 0) }
        let review = try Review(folder.file("review"))
        let log = try ReviewLog(review.folder.log, end: review.end)
        var seen = 0
        for item in review.queue.entries.indices {
            var line = decision(review.queue, item, "alice", .accept, changed: false)
            _ = try log.append(&line)
            seen += planned.state(line.image) == .unseen ? 0 : 1
        }
        let status = try ReviewStatus(Review(folder.file("review")), material: planned)
        #expect(seen == 18 && status.rest.sample == 18 && status.restUnsure == 2 && status.actions["accept"] == 20)
    }

    /// A second opinion is somebody else's, and counts where the first one could not tell.
    @Test func aSecondOpinionIsAnothersAndCounts() async throws {
        let folder = try TemporaryFolder()
        let material = try Small.plan(60, in: folder) { ($0.audit, $0.blind, $0.honeypots, $0.double, $0.again) = (1, 0, 0, 1, 0) }
        let (people, path) = (["alice", "bob"], folder.file("review"))
        let service = try ReviewService(Review(path, people: people), material: material, people: people)
        let entries = service.queue.entries
        let seconds = entries.indices.filter { entries[$0].first >= 0 && material.state(Int(entries[$0].image)) == .map }
        let (second, other) = (seconds[0], seconds[1])
        _ = try await service.decide(message(Int(entries[second].first), "message-1", .unsure), 0)
        #expect(await refusal { _ = try await service.decide(message(second, "message-2", .corrected, runs: [8, 8, 32]), 0) } == 409)
        _ = try await service.decide(message(second, "message-3", .corrected, runs: [8, 8, 32]), 1)
        // One that was taken back leaves the word to the other person, too.
        _ = try await service.decide(message(Int(entries[other].first), "message-4", .wrong), 0)
        _ = try await service.decide(message(other, "message-5", .nothing), 1)
        _ = try await service.undo(.init(id: "undo-that-one"), 0)
        let review = try Review(path)
        let status = try ReviewStatus(review, material: material)
        #expect(status.rest.sample == 2 && status.rest.errors == 2 && status.restUnsure == 0, "\(status.rest)")
        let output = folder.file("export")
        let counts = try ReviewExport(review, material: material).write(to: output, createdBy: "tests")
        #expect(counts.actions == [.corrected: 1, .nothing: 1] && counts.untouched == 58)
        let store = try SalienceStore(output)
        try store.forEachRecord { image, record in
            guard image == Int(entries[second].image) else { return }
            let origin = record.origin.map { store.header.origins[$0] }
            #expect(origin?.name == "bob" && record.state == .map)
        }
        #expect(try String(contentsOfFile: output + "/review.jsonl", encoding: .utf8).contains("\"alice: unsure, "))
    }

    /// Two decisions of one person, as older logs may hold, are no pair of two people.
    @Test func onePersonIsNoPair() throws {
        let folder = try TemporaryFolder()
        let material = try Small.plan(60, in: folder) { ($0.honeypots, $0.double, $0.again) = (0, 1, 0) }
        let review = try Review(folder.file("review"))
        let log = try ReviewLog(review.folder.log, end: review.end)
        let seconds = review.queue.entries.indices.filter { review.queue.entries[$0].kind == .second }.prefix(2)
        for (second, person) in zip(seconds, ["alice", "bob"]) {
            for (item, person) in [(Int(review.queue.entries[second].first), "alice"), (second, person)] {
                var line = decision(review.queue, item, person, .nothing, changed: true)
                _ = try log.append(&line)
            }
        }
        #expect(try ReviewStatus(Review(folder.file("review")), material: material).twoPeople.changed.images == 1)
    }

    @Test func aServerThatComesBackKnowsWhoHasWhat() async throws {
        var service: ReviewService? = try service()
        let mine = try await service!.next(0).items.map(\.item)
        service = nil
        let again = try self.service()
        let others = try await again.next(1).items.map(\.item)
        let kept = try await again.next(0).items.map(\.item)
        #expect(Set(others).isDisjoint(with: mine) && kept == mine)
    }

    /// Each image's map, state, origin and record, by what was decided on it.
    @Test func theExportSaysWhoseWordEachMapIs() async throws {
        let service = try service()
        let actions: [ReviewAction] = [.accept, .nothing, .wrong, .corrected, .unsure]
        var decided: [Int: (ReviewAction, String)] = [:]
        let region = RunMask(size: Small.size, runs: [8, 8, 32])!
        for number in 0..<30 {
            let person = number % 2
            let item = try await service.next(person).items[0]
            let entry = service.queue.entries[item.item]
            let action = actions[number % 5] == .accept && item.state == "unseen" ? .nothing : actions[number % 5]
            _ = try await service.decide(message(item.item, "message-\(number)", action, runs: action == .corrected ? region.runs : nil), person)
            // A later word counts where the first showing had none.
            if entry.first < 0 || decided[Int(entry.image)]?.0 == .unsure && action != .unsure { decided[Int(entry.image)] = (action, person == 0 ? "alice" : "bob") }
        }
        _ = try await service.undo(.init(id: "undo-that-one"), 1)
        let review = try Review(path)
        let last = try review.log.forEach { line, _ in if line.kind == .undo { decided[line.image] = nil } }
        #expect(last.lines == 31)
        let output = folder.file("export")
        let counts = try ReviewExport(review, material: material).write(to: output, createdBy: "tests")
        #expect(counts.actions.values.reduce(0, +) == decided.count && counts.untouched == 60 - decided.count)
        let store = try SalienceStore(output)
        try store.verify()
        let maps = try StoredSalience(store, split: "train")
        let machine = material.parts[0].maps[0]
        try store.forEachRecord { image, record in
            var map = [Float](repeating: -1, count: 48)
            try maps.read(image, into: &map)
            let (action, person) = decided[image].map { ($0.0 as ReviewAction?, $0.1) } ?? (nil, "")
            let origin = record.origin.map { store.header.origins[$0] }
            let before = try material.map(image).map { Float($0) / 255 }
            let wasUnseen = machine.state(of: image) == .unseen
            switch action {
            case nil, .unsure:
                #expect(record.state == machine.state(of: image) && map == before && origin?.kind == (wasUnseen ? nil : .estimator))
                #expect(record.remarks?.isEmpty ?? true || action == .unsure)
            case .accept:
                #expect(map == before && (wasUnseen ? origin == nil : origin?.kind == .review && origin?.name == person))
            case .nothing: #expect(record.state == .empty && origin?.kind == .review && origin?.name == person && !map.contains { $0 != 0 })
            case .wrong: #expect(record.state == .unseen && origin == nil && record.remarks?.first?.contains("wrong by \(person)") == true)
            case .corrected:
                #expect(map == region.map.map { Float($0) / 255 } && origin?.name == person && record.map == region.hash)
                #expect(wasUnseen || record.replaced?.first.map { store.header.origins[$0.origin!].kind } == .estimator)
            }
            if action != nil, let origin, origin.kind == .review {
                #expect(origin.settings?["policy"] == .text(review.plan.policyHash) && origin.settings?["log"] == .text(review.end.head))
            }
        }
        #expect(try SHA256.hex(ofFile: output + "/policy.txt") == review.plan.policyHash)
        #expect(try String(contentsOfFile: output + "/review.jsonl", encoding: .utf8).split(separator: "\n").count == decided.count)
    }

    @Test func wrongTokensAndOtherPagesAreRefused() async throws {
        let people = ReviewPeople([.init(name: "alice", token: "0123456789abcdef0123456789abcdef")])
        let gate = Gate(people, hosts: ["127.0.0.1:8080"])
        #expect(try await gate.person(authorization: "Bearer 0123456789abcdef0123456789abcdef") == 0)
        for wrong in [nil, "", "Bearer ", "Bearer 0123456789abcdef0123456789abcdee", "0123456789abcdef0123456789abcdef"] {
            #expect(await refusal { _ = try await gate.person(authorization: wrong) } == 401)
        }
        func check(_ host: String?, _ origin: String? = nil, _ site: String? = nil) -> Int? {
            do { try gate.check(host: host, origin: origin, site: site) } catch { return (error as? Refusal)?.status }
            return nil
        }
        #expect(check("127.0.0.1:8080") == nil && check("127.0.0.1:8080", "http://127.0.0.1:8080", "same-origin") == nil)
        #expect(check("evil.example:8080") == 421 && check(nil) == 421 && check("127.0.0.1:81") == 421)
        #expect(check("127.0.0.1:8080", "http://evil.example") == 403 && check("127.0.0.1:8080", nil, "cross-site") == 403 && check("127.0.0.1:8080", "null") == 403)
    }

    @Test func keysAreWhatCanBeDone() async throws {
        let cases: [(String, String?)] = [
            ("{\"j\": \"accept\"}", nil), ("{\"j\": \"acept\"}", "the key \"j\" does \"acept\""), ("[1]", "does not list keys"), ("{", "does not list keys"),
        ]
        for (text, expected) in cases {
            try Data(text.utf8).write(to: URL(fileURLWithPath: path + "/keys.json"))
            let found = failure { _ = try service() }
            guard let expected else {
                #expect(found == nil)
                continue
            }
            #expect(found?.kind == .badData && found?.message.contains(expected) == true, "\(String(describing: found))")
        }
        try Data("{\"j\": \"accept\"}".utf8).write(to: URL(fileURLWithPath: path + "/keys.json"))
        let session = try await service().session(0)
        #expect(try session.keys == ["j": "accept"] && session.plan == Review(path).planHash)
    }

    @Test func wrongTokensSlowDown() {
        let delays = (1...40).map(Gate.delay)
        #expect(delays.prefix(3).allSatisfy { $0 == 0 } && delays[3] == 200 && delays[4] == 400)
        #expect(delays == delays.sorted() && delays.last == 5000)
    }
}
