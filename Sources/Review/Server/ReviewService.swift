import Diagnostics
import Digests
import Foundation
import Images
import Salience

/// A review that people are at. One request at a time changes it; pictures are made beside it.
package actor ReviewService {
    /// Without a sign of life for so long, an image goes to somebody else.
    static let leaseSeconds = 600.0
    /// Images that a page may hold: the one shown and the next five.
    static let held = 6
    /// The page tells of honeypots by so many at once for each person; the command line tells all.
    static let honeypotStep = 10
    /// Nobody looks at an image for longer without touching anything.
    static let idleSeconds = 20.0

    nonisolated let plan: ReviewPlan
    nonisolated let planHash: String
    package nonisolated let queue: ReviewQueue
    nonisolated let material: ReviewMaterial
    nonisolated let folder: ReviewFolder
    private let people: [String]
    private let policy: String
    private let keys: [String: String]
    private var state: ReviewState
    private let log: ReviewLog
    private let reader: LogReader
    private let leases: LeaseFile
    private var recent: [Double] = []
    private var hashes: [Int: String] = [:]
    private var status: (lines: Int, text: [UInt8])?

    /// - Parameter people: those with a token, in their order.
    package init(_ review: Review, material: ReviewMaterial, people: [String]) throws {
        (plan, planHash, queue, folder) = (review.plan, review.planHash, review.queue, review.folder)
        self.material = material
        self.people = people
        var state = review.state
        policy = String(decoding: try ReadableFile.contents(of: review.folder.policy), as: UTF8.self)
        keys = try PageKeys.read(review.folder.keys, actions: PageKeys.review, example: "{\"j\": \"accept\"}")
        reader = review.log
        log = try ReviewLog(review.folder.log, end: review.end)
        // Those that held when the server ended hold on.
        let now = Date().timeIntervalSince1970
        var holding: [LeaseFile.Line] = []
        for line in LeaseFile.read(review.folder.leases) where line.until > now && line.until < now + 2 * ReviewService.leaseSeconds {
            guard let person = people.firstIndex(of: line.person) else { continue }
            for item in line.items where queue.entries.indices.contains(item) && state.isFree(item, for: person, now: now) {
                state.lease(item, to: person, until: line.until)
            }
        }
        for (item, lease) in state.openLeases { holding.append(.init(items: [item], person: people[lease.person], until: lease.until)) }
        leases = try LeaseFile(review.folder.leases, keeping: holding)
        self.state = state
    }

    package func session(_ person: Int) -> Messages.Session {
        Messages.Session(
            person: people[person], width: material.size.width, height: material.size.height, threshold: Int(plan.settings.level), policy: policy,
            policyHash: plan.policyHash, plan: planHash, keys: keys, idleSeconds: ReviewService.idleSeconds, progress: progress(person))
    }

    package func next(_ person: Int) throws -> Messages.Next {
        let now = Date().timeIntervalSince1970
        let items = state.next(ReviewService.held, for: person, now: now, lasting: ReviewService.leaseSeconds)
        if !items.isEmpty { leases.note(.init(items: items, person: people[person], until: now + ReviewService.leaseSeconds)) }
        return Messages.Next(items: try items.map { try message($0, person) }, progress: progress(person))
    }

    /// Writes a decision to the disk, then answers.
    package func decide(_ decision: Messages.Decision, _ person: Int) throws -> Messages.Saved {
        guard queue.entries.indices.contains(decision.item) else { throw Refusal(status: 400, text: "there is no such item") }
        guard (8...64).contains(decision.id.utf8.count), (decision.gestures?.count ?? 0) <= 2000, decision.activeMilliseconds >= 0 else {
            throw Refusal(status: 400, text: "a decision that means nothing")
        }
        if state.isDecided(decision.item) {
            // The answer to the first message was lost on its way.
            guard state.person(of: decision.item) == person, state.isSame(decision.item, id: decision.id) else {
                throw Refusal(status: 409, text: "this image is already decided, in another window or by somebody else")
            }
            return Messages.Saved(line: state.line(of: decision.item).line, progress: progress(person))
        }
        guard state.isFree(decision.item, for: person, now: Date().timeIntervalSince1970) else {
            throw Refusal(status: 409, text: "this image has gone to somebody else in the meantime")
        }
        guard !state.isOwnSecond(decision.item, person) else { throw Refusal(status: 409, text: "somebody else is to look at this image a second time") }
        let entry = queue.entries[decision.item]
        let image = Int(entry.image)
        let map = try queue.map(decision.item, in: material)
        let before = RunMask(size: material.size, map: map, threshold: plan.settings.level)
        let isMarked = queue.honeypots[decision.item] != nil || material.state(image) != .unseen
        // It would say nothing, and look like a confirmed map.
        guard decision.action != .accept || isMarked else {
            throw Refusal(status: 400, text: "there is no map to be right: say that nothing is salient, or mark what is")
        }
        var line = LogLine(
            kind: .decision, person: people[person], item: decision.item, image: image, id: decision.id)
        line.action = decision.action
        switch decision.action {
        case .accept, .unsure: (line.changed, line.after) = (false, isMarked ? SHA256.hex(of: map) : nil)
        case .nothing: (line.changed, line.after) = (!before.isEmpty, SHA256.hex(of: [UInt8](repeating: 0, count: map.count)))
        case .wrong: line.changed = true
        case .corrected:
            guard let runs = decision.runs, let mask = RunMask(size: material.size, runs: runs) else {
                throw Refusal(status: 400, text: "a corrected region that does not fit the image")
            }
            (line.changed, line.after, line.runs) = (mask != before, mask.hash, runs)
        }
        if let own = decision.own {
            guard RunMask(size: material.size, runs: own) != nil else { throw Refusal(status: 400, text: "a region that does not fit the image") }
            line.own = own
        }
        line.imageHash = try imageHash(image)
        line.before = isMarked ? SHA256.hex(of: map) : nil
        line.origin = origin(image)
        line.gestures = decision.gestures?.isEmpty == false ? decision.gestures : nil
        line.activeMilliseconds = min(decision.activeMilliseconds, 3_600_000)
        line.mapShown = !entry.isBlind || state.hasUndone(decision.item, person)
        (line.policy, line.page) = (plan.policyHash, decision.page.map { String($0.prefix(40)) })
        let offset = try log.append(&line)
        state.apply(line, offset: offset, person: person)
        recent = Array((recent + [Double(line.activeMilliseconds ?? 0) / 1000]).suffix(200))
        return Messages.Saved(line: line.line, progress: progress(person))
    }

    /// Takes back the person's last decision that holds, on the disk, then gives the image back.
    package func undo(_ request: Messages.UndoRequest, _ person: Int) throws -> Messages.Undone {
        guard (8...64).contains(request.id.utf8.count) else { throw Refusal(status: 400, text: "an undo that means nothing") }
        let now = Date().timeIntervalSince1970
        // The answer to the first message was lost on its way, be it that the server has started anew since.
        if let last = state.lastUndo[person], last.id == request.id, !state.isDecided(last.item) {
            if state.isFree(last.item, for: person, now: now) { hold(last.item, person, now) }
            return Messages.Undone(item: try message(last.item, person), action: nil, gestures: [], progress: progress(person))
        }
        guard let item = state.lastItem(of: person) else { throw Refusal(status: 404, text: "there is nothing to undo") }
        let place = state.line(of: item)
        let undone = try reader.line(at: place.offset)
        var line = LogLine(
            kind: .undo, person: people[person], item: item, image: Int(queue.entries[item].image), id: request.id,
            undoes: place.line)
        line.policy = plan.policyHash
        let offset = try log.append(&line)
        state.apply(line, offset: offset, person: person)
        hold(item, person, now)
        return Messages.Undone(
            item: try message(item, person), action: undone.action, gestures: undone.gestures ?? [], runs: undone.runs, progress: progress(person))
    }

    /// Puts an item in a person's hands.
    private func hold(_ item: Int, _ person: Int, _ now: Double) {
        state.lease(item, to: person, until: now + ReviewService.leaseSeconds)
        leases.note(.init(items: [item], person: people[person], until: now + ReviewService.leaseSeconds))
    }

    package func mayRead(_ item: Int, _ person: Int) -> Bool { state.mayRead(item, person) }

    private func progress(_ person: Int) -> Messages.Progress {
        let total = state.total(people: people.count)
        let left = max(0, total - state.done)
        let active = max(1, Set(state.openLeases.values.map(\.person)).count)
        let sorted = recent.sorted()
        return Messages.Progress(
            done: state.done, mine: state.doneBy(person), total: total,
            secondsLeft: sorted.isEmpty ? nil : sorted[sorted.count / 2] * Double(left) / Double(active))
    }

    private func message(_ number: Int, _ person: Int) throws -> Messages.Item {
        let item = try queue.item(number)
        let mapState = queue.honeypots[number] != nil ? "map" : material.state(item.image).rawValue
        // Whoever took a decision back has seen the map.
        let blind = item.blind && !state.hasUndone(number, person)
        return Messages.Item(item: number, name: item.name, label: item.label, reason: item.reason.rawValue, blind: blind, state: mapState)
    }

    private func origin(_ image: Int) -> String? {
        let (part, index) = material.place(image)
        let maps = part.maps[0]
        guard let stored = maps as? StoredSalience else { return maps.origins.count == 1 ? maps.origins[0].summary : maps.path }
        return stored.origin(of: index).map { stored.origins[$0].summary }
    }

    /// Kept for images that were read a short while ago.
    private func imageHash(_ image: Int) throws -> String {
        if let known = hashes[image] { return known }
        let hash = SHA256.hex(of: try material.pixels(image))
        if hashes.count >= 64 { hashes.removeAll() }
        hashes[image] = hash
        return hash
    }

    /// Whether a status of so many lines is at hand.
    func knownStatus() -> [UInt8]? { status.flatMap { $0.lines == log.lines ? $0.text : nil } }
    func keepStatus(_ text: [UInt8], lines: Int) { status = (lines, text) }

    // Made outside the actor: they only read.

    nonisolated func picture(_ item: Int) throws -> [UInt8] { try material.image(Int(queue.entries[item].image)).encodedAsPNG() }

    nonisolated func mapPicture(_ item: Int) throws -> [UInt8] {
        try Image(size: material.size, channels: .grey, pixels: queue.map(item, in: material)).encodedAsPNG()
    }

    /// The status as JSON. Reads the whole log: done once for each state of it.
    nonisolated func statusBytes() async throws -> [UInt8] {
        if let known = await knownStatus() { return known }
        let review = try Review(folder.path, people: people)
        let bytes = try jsonBytes(ReviewStatus(review, material: material, honeypotStep: ReviewService.honeypotStep))
        await keepStatus(bytes, lines: review.end.lines)
        return bytes
    }
}
