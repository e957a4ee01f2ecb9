import Diagnostics
import Digests
import Foundation
import Images

/// A review as it is on the disk: its plan, its queue, and which decisions hold.
package struct Review {
    package let folder: ReviewFolder
    package let plan: ReviewPlan
    package let planHash: String
    package let queue: ReviewQueue
    package let log: LogReader
    package let state: ReviewState
    /// Names by number: those who have decided something, and those given.
    package let people: [String]
    package let end: LogEnd

    /// Reads everything and checks the log's chain.
    ///
    /// - Parameter people: those who come first in the list of people.
    /// - Throws: `Failure` naming what is missing or damaged.
    package init(_ path: String, people known: [String] = []) throws {
        folder = ReviewFolder(path)
        (plan, planHash) = try folder.readPlan()
        try folder.checkFiles(plan)
        queue = try ReviewQueue(folder, plan: plan)
        let log = LogReader(folder.log, root: planHash)
        self.log = log
        var people = known
        var numbers = Dictionary(known.enumerated().map { ($1, $0) }) { first, _ in first }
        var state = ReviewState(queue, people: people.count)
        let (items, images) = (queue.count, queue.entries)
        end = try log.forEach { line, offset in
            guard (0..<items).contains(line.item), Int(images[line.item].image) == line.image else {
                throw Failure.badData("\(log.path):\(line.line + 1): names item \(line.item) and image \(line.image), which do not belong together", remedy: ReviewFolder.again)
            }
            if numbers[line.person] == nil {
                numbers[line.person] = people.count
                people.append(line.person)
                state.addPerson()
            }
            state.apply(line, offset: offset, person: numbers[line.person]!)
        }
        self.people = people
        self.state = state
    }

    package var size: PixelSize { PixelSize(width: plan.width, height: plan.height) }

    /// Calls `body` with each decision that holds, in the order in which they were made.
    package func forEachDecision(_ body: (LogLine) throws -> Void) throws {
        try log.forEach { line, _ in
            if line.kind == .decision, state.isDecided(line.item), state.line(of: line.item).line == line.line { try body(line) }
        }
    }

    /// The items that show each image first: `count` numbers, −1 for an image without one.
    package func firstItems() -> [Int] {
        var items = [Int](repeating: -1, count: plan.parts.reduce(0) { $0 + $1.dataset.count })
        for (number, entry) in queue.entries.enumerated() where entry.first < 0 && !entry.isHoneypot { items[Int(entry.image)] = number }
        return items
    }

    /// Reads the log once more and checks what its chain alone does not: that each line's action agrees with what it says of
    /// the map, that each region has the hash that the line gives, that nothing is decided twice, that undone lines are there and are the
    /// same person's, and that the line expected is there.
    ///
    /// - Parameter head: the hash that the log had before; nil: not known.
    /// - Returns: what was found, in words.
    package func verify(head: String?) throws -> String {
        var search = HeadSearch(head, root: planHash, end: end)
        var decisions: [Int: (person: String, item: Int)] = [:]
        var held: Set<Int> = []
        var undone = 0
        let nothing = SHA256.hex(of: [UInt8](repeating: 0, count: size.pixels))
        try log.forEach { line, _ in
            func problem(_ text: String) -> Failure { .badData("\(log.path):\(line.line + 1): \(text)", remedy: LogEnd.remedy) }
            search.see(previous: line.previous)
            switch line.kind {
            case .decision:
                guard held.insert(line.item).inserted else { throw problem("decides an image again that nobody took back") }
                decisions[line.line] = (line.person, line.item)
                // What was decided, and what became of the map.
                let agrees: Bool
                switch line.action {
                case .accept, .unsure: agrees = line.changed != true && line.after == line.before && line.runs == nil
                case .nothing: agrees = line.after ?? nothing == nothing && line.runs == nil
                case .wrong: agrees = line.changed != false && line.after == nil && line.runs == nil
                case .corrected: agrees = line.runs != nil
                case nil: agrees = false
                }
                guard agrees else { throw problem("says one thing of the map in its action, and another in what became of it") }
                if line.action == .corrected {
                    guard let runs = line.runs, let mask = RunMask(size: size, runs: runs) else { throw problem("has no region that fits the image") }
                    guard mask.hash == line.after else { throw problem("the region is not the one that its hash names") }
                }
                guard line.policy == plan.policyHash else { throw problem("was decided by another policy than the plan's") }
            case .undo:
                guard let target = line.undoes, let known = decisions.removeValue(forKey: target), known == (line.person, line.item) else {
                    throw problem("takes back what is not there or is another person's")
                }
                held.remove(line.item)
                undone += 1
            }
        }
        try search.require(in: log.path)
        return "\(end.lines) lines, each follows from the one before; \(decisions.count) decisions hold, \(undone) were taken back\(end.tornText)\nhead \(end.head)"
    }
}
