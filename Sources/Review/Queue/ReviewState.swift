/// Which items are decided, by whom, and who gets which next. Some 30 bytes per item; not safe to share between threads.
package struct ReviewState {
    private struct Decided {
        var person: Int16 = -1
        var line: Int32 = -1
        /// Where the line begins in the log.
        var offset = 0
        var id = 0
    }

    /// An item in somebody's hands.
    package struct Lease: Hashable, Sendable {
        package var person: Int
        /// Seconds of the wall clock.
        package var until: Double
    }

    private let queue: ReviewQueue
    private var decided: [Decided]
    /// Each person's decisions that hold, oldest first.
    private var stacks: [[Int32]]
    private var leases: [Int: Lease] = [:]
    /// All items in their turn before this one are decided.
    private var cursor = 0
    /// Items that show an image again, undecided.
    private var repeats: [Int]
    /// Undone items before the cursor.
    private var reopened: Set<Int> = []
    package private(set) var done = 0
    /// By person: what they took back last, and the number that the page gave that message.
    package private(set) var lastUndo: [Int: (id: String, item: Int)] = [:]
    /// By item: those who took a decision on it back, so that they have seen its map.
    private var undone: [Int: Set<Int>] = [:]

    /// How many of a person's own decisions lie between an image and its return.
    static let distance = 20

    package init(_ queue: ReviewQueue, people: Int) {
        self.queue = queue
        decided = [Decided](repeating: Decided(), count: queue.count)
        stacks = [[Int32]](repeating: [], count: people)
        repeats = queue.entries.indices.filter { queue.entries[$0].first >= 0 }
    }

    /// Gives one more person a number.
    package mutating func addPerson() { stacks.append([]) }

    package func isDecided(_ item: Int) -> Bool { decided[item].person >= 0 }
    package func person(of item: Int) -> Int? { isDecided(item) ? Int(decided[item].person) : nil }
    package func isSame(_ item: Int, id: String) -> Bool { decided[item].id == id.hashValue }
    package func line(of item: Int) -> (line: Int, offset: Int) { (Int(decided[item].line), decided[item].offset) }
    package func doneBy(_ person: Int) -> Int { stacks[person].count }
    package func lastItem(of person: Int) -> Int? { stacks[person].last.map { Int($0) } }
    package func hasUndone(_ item: Int, _ person: Int) -> Bool { undone[item]?.contains(person) ?? false }

    /// Whether somebody else is to decide an item: it is a second opinion on this person's own decision.
    package func isOwnSecond(_ item: Int, _ person: Int) -> Bool {
        let entry = queue.entries[item]
        return entry.kind == .second && entry.first >= 0 && self.person(of: Int(entry.first)) == person
    }

    package var openLeases: [Int: Lease] { leases }

    /// Takes in a line of the log.
    package mutating func apply(_ line: LogLine, offset: Int, person: Int) {
        switch line.kind {
        case .decision:
            guard !isDecided(line.item) else { return }
            decided[line.item] = Decided(person: Int16(person), line: Int32(line.line), offset: offset, id: line.id.hashValue)
            stacks[person].append(Int32(line.item))
            leases[line.item] = nil
            reopened.remove(line.item)
            done += 1
        case .undo:
            guard isDecided(line.item) else { return }
            decided[line.item] = Decided()
            lastUndo[person] = (line.id, line.item)
            undone[line.item, default: []].insert(person)
            if let place = stacks[person].lastIndex(of: Int32(line.item)) { stacks[person].remove(at: place) }
            done -= 1
            if queue.entries[line.item].first >= 0 {
                if !repeats.contains(line.item) { repeats.append(line.item) }
            } else if line.item < cursor {
                reopened.insert(line.item)
            }
        }
    }

    package mutating func lease(_ item: Int, to person: Int, until: Double) {
        leases[item] = Lease(person: person, until: until)
    }

    /// Whether an item is nobody else's.
    package func isFree(_ item: Int, for person: Int, now: Double) -> Bool {
        guard !isDecided(item) else { return false }
        return leases[item].map { $0.person == person || $0.until < now } ?? true
    }

    /// Whether somebody has it in hand or has decided it.
    package func mayRead(_ item: Int, _ person: Int) -> Bool {
        queue.entries.indices.contains(item) && (leases[item]?.person == person || self.person(of: item) == person)
    }

    /// Gives a person items: first those already in their hands, then others, up to `count` in all.
    package mutating func next(_ count: Int, for person: Int, now: Double, lasting seconds: Double) -> [Int] {
        var chosen = leases.filter { $0.value.person == person && !isDecided($0.key) && !isOwnSecond($0.key, person) }.map(\.key).sorted()
        chosen = Array(chosen.prefix(count))
        for item in reopened.sorted() where chosen.count < count {
            if !chosen.contains(item), isFree(item, for: person, now: now) { chosen.append(item) }
        }
        repeats.removeAll(where: isDecided)
        while cursor < queue.count, isDecided(cursor) || queue.entries[cursor].first >= 0 { cursor += 1 }
        var place = cursor
        while chosen.count < count {
            while place < queue.count, queue.entries[place].first >= 0 || chosen.contains(place) || !isFree(place, for: person, now: now) { place += 1 }
            // Images that come again are due once the queue has come to them; at the end, any that may be shown.
            let isEnd = place >= queue.count
            if let due = dueRepeat(before: isEnd ? queue.count : place, except: chosen, for: person, now: now, isEnd: isEnd) {
                chosen.append(due)
            } else if isEnd {
                break
            } else {
                chosen.append(place)
            }
        }
        for item in chosen { lease(item, to: person, until: now + seconds) }
        return chosen
    }

    private func dueRepeat(before place: Int, except chosen: [Int], for person: Int, now: Double, isEnd: Bool) -> Int? {
        repeats.first { $0 < place && !chosen.contains($0) && isDue($0, for: person, now: now, isEnd: isEnd) }
    }

    private func isDue(_ item: Int, for person: Int, now: Double, isEnd: Bool) -> Bool {
        let entry = queue.entries[item]
        let first = Int(entry.first)
        guard isFree(item, for: person, now: now), isDecided(first) else { return false }
        guard entry.kind == .again else { return self.person(of: first) != person }
        guard self.person(of: first) == person else { return false }
        guard !isEnd else { return true }
        return stacks[person].count - (stacks[person].lastIndex(of: Int32(first)) ?? 0) > ReviewState.distance
    }

    /// Items that can still be given to somebody among `people`.
    package func total(people: Int) -> Int {
        people > 1 ? queue.count : queue.entries.reduce(0) { $0 + ($1.kind == .second ? 0 : 1) }
    }
}
