import Diagnostics
import Foundation
import Review
import Testing

@Suite struct LogTests {
    let folder: TemporaryFolder
    private var review: String { folder.file("review") }
    private var log: String { review + "/log.jsonl" }

    init() throws {
        folder = try TemporaryFolder()
        _ = try Small.plan(40, in: folder)
    }

    private func write(_ count: Int) throws {
        let opened = try Review(review)
        let log = try ReviewLog(opened.folder.log, end: opened.end)
        for item in opened.state.done..<opened.state.done + count {
            var line = decision(opened.queue, item, "alice", .accept, changed: false)
            line.policy = opened.plan.policyHash
            _ = try log.append(&line)
        }
    }

    private func lines() throws -> [Substring] { try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n") }
    private func store(_ lines: [Substring]) throws { try (lines.joined(separator: "\n") + "\n").write(toFile: log, atomically: true, encoding: .utf8) }

    @Test func decisionsAreThereAfterwards() throws {
        try write(3)
        try write(2)
        let opened = try Review(review)
        #expect(opened.state.done == 5 && opened.people == ["alice"] && opened.end.lines == 5 && opened.end.torn == 0)
        #expect(try opened.verify(head: nil).hasPrefix("5 lines, each follows from the one before; 5 decisions hold, 0 were taken back"))
        #expect(try opened.log.line(at: opened.state.line(of: 3).offset).item == 3)
    }

    @Test func anUnfinishedLineIsPassedOverAndRemoved() throws {
        try write(3)
        let handle = try #require(FileHandle(forWritingAtPath: log))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data("{\"action\":\"accept\",\"activeMil".utf8))
        try handle.close()
        let opened = try Review(review)
        #expect(opened.state.done == 3 && opened.end.torn == 29)
        try write(1)
        #expect(try Review(review).state.done == 4 && lines().count == 4)
    }

    @Test func changedAndMissingLinesAreFound() throws {
        try write(6)
        let good = try lines()
        let head = try Review(review).end.head
        for (changed, line) in [
            (good.enumerated().map { $0 == 2 ? Substring($1.replacingOccurrences(of: "\"accept\"", with: "\"unsure\"")) : $1 }, 4),
            (Array(good[..<3] + good[4...]), 4), (Array(good[1...]), 1), (good.enumerated().map { $0 == 1 ? "{}" : $1 }, 2),
            (Array(good[..<2] + [good[3], good[2]] + good[4...]), 3), (good + [good[5]], 7),
        ] {
            try store(changed)
            let found = failure { _ = try Review(review) }
            #expect(found?.kind == .badData && found?.message.hasPrefix("\(log):\(line):") == true, "\(String(describing: found))")
            // The line just above may be the changed one.
            #expect(found?.remedy?.contains("what is above line \(line - 1) is") == (line > 2), "\(String(describing: found))")
        }
        // What is cut off at the end, only who knows the head can see.
        try store(good)
        _ = try Review(review).verify(head: head)
        try store(Array(good[..<4]))
        let short = try Review(review)
        _ = try short.verify(head: nil)
        #expect(failure { _ = try short.verify(head: head) }?.message.contains("cut off at the end") == true)
        // Nor does the log follow from another plan.
        try store(good)
        let plan = try String(contentsOfFile: review + "/plan.json", encoding: .utf8)
        try plan.replacingOccurrences(of: "\"createdBy\" : \"tests\"", with: "\"createdBy\" : \"others\"").write(toFile: review + "/plan.json", atomically: true, encoding: .utf8)
        #expect(failure { _ = try Review(review) }?.message.contains("does not follow from plan.json") == true)
    }

    /// The last line is proved by no other: what it says must at least agree with itself.
    @Test func aLineThatContradictsItselfIsFound() throws {
        try write(3)
        let good = try lines()
        let changes: [(String, String)] = [
            ("\"accept\"", "\"wrong\""), ("\"accept\"", "\"corrected\""), ("\"changed\":false", "\"changed\":true"), ("\"action\":\"accept\",", ""),
        ]
        for (from, to) in changes {
            let last: String = good[2].replacingOccurrences(of: from, with: to)
            try store([good[0], good[1], Substring(last)])
            let found = failure { _ = try Review(review).verify(head: nil) }
            #expect(found?.kind == .badData && found?.message.hasPrefix("\(log):3:") == true, "\(to): \(String(describing: found))")
        }
        try store(good)
        let opened = try Review(review)
        let log = try ReviewLog(opened.folder.log, end: opened.end)
        var line = decision(opened.queue, 1, "bob", .accept, changed: false)
        line.policy = opened.plan.policyHash
        _ = try log.append(&line)
        #expect(failure { _ = try Review(review).verify(head: nil) }?.message.contains(":4: decides an image again") == true)
    }

    @Test func oneServerAtATime() throws {
        let opened = try Review(review)
        let log = try ReviewLog(opened.folder.log, end: opened.end)
        #expect(failure { _ = try ReviewLog(opened.folder.log, end: opened.end) }?.kind == .usage)
        _ = log
    }

    /// A server that starts while another ends has read the log before that one's last line.
    @Test func whatWasAddedSinceTheReadingIsNotWrittenOver() throws {
        let opened = try Review(review)
        try write(1)
        #expect(failure { _ = try ReviewLog(opened.folder.log, end: opened.end) }?.message.contains("changed while it was read") == true)
        _ = try ReviewLog(opened.folder.log, end: Review(review).end)
        #expect(try Review(review).end.lines == 1)
    }

    @Test func tokensAreForTheirOwner() throws {
        var people = ReviewPeople([])
        try people.add(["alice", "bob"])
        try people.add(["bob", "carol"])
        #expect(people.people.map(\.name) == ["alice", "bob", "carol"] && Set(people.people.map(\.token)).count == 3)
        for (number, person) in people.people.enumerated() { #expect(people.person(token: person.token) == number && person.token.count == 32) }
        #expect(people.person(token: "") == nil && people.person(token: people.people[0].token + "0") == nil && people.person(token: String(people.people[0].token.dropLast())) == nil)
        let path = folder.file("people.json")
        try people.write(to: path)
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
        #expect(try ReviewPeople.read(path).people == people.people)
        // An empty token would open the page to everybody, one that is there twice decides in another's name.
        let token = String(repeating: "a", count: 32)
        let other = String(repeating: "b", count: 32)
        func person(_ name: String, _ token: String) -> ReviewPeople.Person { .init(name: name, token: token) }
        let cases: [[ReviewPeople.Person]] = [
            [person("a", "")], [person("a", "abc")], [person("a", token.uppercased())], [person("a", token), person("b", token)], [person("a", token), person("a", other)],
        ]
        for bad in cases {
            try ReviewPeople(bad).write(to: path)
            #expect(failure { _ = try ReviewPeople.read(path) }?.kind == .badData, "\(bad)")
        }
        #expect(failure { try people.add(["a\nb"]) }?.kind == .usage && failure { try people.add([""]) }?.kind == .usage)
    }
}
