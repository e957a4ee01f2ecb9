import Diagnostics
import Foundation
import Images

extension ReviewStatus {
    /// Reads all decisions. Memory: some 50 bytes each, and the regions of images that were shown twice.
    ///
    /// - Parameter honeypotStep: how many honeypots each person decides before figures of them change: people who saw theirs change with each
    ///   decision would learn which images are honeypots.
    package init(_ review: Review, material: ReviewMaterial, honeypotStep: Int = 1) throws {
        var builder = StatusBuilder(review, material, honeypotStep: honeypotStep)
        try review.forEachDecision { try builder.add($0) }
        self = try builder.finish()
        describe()
    }
}

/// Adds up decisions.
private struct StatusBuilder {
    private struct Decision {
        var item: Int
        var person: Int
        var action: ReviewAction
        var isChanged: Bool
        /// Whether the map was hidden first.
        var isBlind: Bool
        var seconds: Double
    }

    private let review: Review
    private let material: ReviewMaterial
    private let honeypotStep: Int
    private var decisions: [Decision] = []
    /// Regions of items whose image is shown more than once, and of those hidden first.
    private var regions: [Int: RunMask] = [:]
    private var own: [Int: RunMask] = [:]
    private let paired: Set<Int>
    private var actions: [String: Int] = [:]
    private var byReason: [String: Proportion] = [:]

    init(_ review: Review, _ material: ReviewMaterial, honeypotStep: Int) {
        self.review = review
        self.honeypotStep = honeypotStep
        self.material = material
        paired = Set(review.queue.entries.enumerated().filter { $1.first >= 0 }.flatMap { [$0, Int($1.first)] })
    }

    mutating func add(_ line: LogLine) throws {
        guard let decided = line.action else { return }
        let entry = review.queue.entries[line.item]
        actions[decided.rawValue, default: 0] += 1
        // That a map is right which there is not, as older logs may say, tells nothing of the image.
        let action = decided == .accept && !entry.isHoneypot && material.state(line.image) == .unseen ? .unsure : decided
        decisions.append(
            Decision(
                item: line.item, person: review.people.firstIndex(of: line.person)!, action: action, isChanged: line.changed ?? false,
                isBlind: line.mapShown.map { !$0 } ?? entry.isBlind, seconds: Double(line.activeMilliseconds ?? 0) / 1000))
        if !entry.isHoneypot, entry.first < 0, action != .unsure {
            byReason[try review.queue.item(line.item).reason.rawValue, default: Proportion()].add(line.changed ?? false)
        }
        if paired.contains(line.item) || line.own != nil {
            regions[line.item] = try region(line, action)
            own[line.item] = line.own.flatMap { RunMask(size: material.size, runs: $0) }
        }
    }

    private func region(_ line: LogLine, _ action: ReviewAction) throws -> RunMask? {
        switch action {
        case .nothing: return RunMask(size: material.size, pixels: [UInt8](repeating: 0, count: material.size.pixels))
        case .corrected: return line.runs.flatMap { RunMask(size: material.size, runs: $0) }
        case .accept: return try shown(line.item)
        case .wrong, .unsure: return nil
        }
    }

    private func shown(_ item: Int) throws -> RunMask {
        RunMask(size: material.size, map: try review.queue.map(item, in: material), threshold: review.plan.settings.level)
    }

    mutating func finish() throws -> ReviewStatus {
        let (queue, state) = (review.queue, review.state)
        var people = review.people.map { ReviewStatus.Person(name: $0) }
        var times = [[Double]](repeating: [], count: people.count)
        let byItem = Dictionary(decisions.map { ($0.item, $0) }) { $1 }
        var (caught, passed, blindChanged, shownChanged) = (Proportion(), Proportion(), Proportion(), Proportion())
        let told = toldHoneypots()
        for (number, decision) in decisions.enumerated() {
            let person = decision.person
            people[person].decisions += 1
            people[person].activeSeconds += decision.seconds
            times[person].append(decision.seconds)
            guard decision.action != .unsure else { continue }
            let entry = queue.entries[decision.item]
            if let honeypot = queue.honeypots[decision.item] {
                if !told.contains(number) {
                    // Not yet.
                } else if honeypot.isRight {
                    people[person].passed.add(!decision.isChanged)
                    passed.add(!decision.isChanged)
                } else {
                    people[person].caught.add(decision.isChanged)
                    caught.add(decision.isChanged)
                }
            } else if decision.isBlind {
                blindChanged.add(decision.isChanged)
            } else {
                shownChanged.add(decision.isChanged)
            }
            if entry.kind == .again, let first = byItem[Int(entry.first)], first.action != .unsure, first.person == person {
                people[person].consistent.add(first.isChanged == decision.isChanged)
            }
        }
        for person in people.indices where !times[person].isEmpty { people[person].medianSeconds = median(times[person]) }
        people.removeAll { $0.decisions == 0 }

        let twoPeople = pairs(.second, byItem)
        let rest = estimate(byItem)
        let working = max(1, people.count)
        let left = max(0, state.total(people: review.people.count) - state.done)
        let corrected = ReviewStatus.correctedRest(rest.estimate, caught: caught, passed: passed)
        let recent = decisions.suffix(200).map(\.seconds)
        let blindItems = own.keys.filter { regions[$0] != nil }.sorted()
        let blind = ReviewStatus.Blind(
            images: blindItems.count, ownWithFinal: Overlap(blindItems.map { own[$0]!.intersectionOverUnion(regions[$0]!) }),
            mapWithFinal: Overlap(try blindItems.map { try shown($0).intersectionOverUnion(regions[$0]!) }), changedBlind: blindChanged,
            changedShown: shownChanged)
        let images = material.count
        var notes = review.plan.notes
        if review.plan.trusted != nil, review.plan.parts.contains(where: { $0.trusted == nil }) { notes.append(HoneypotMaker.uncheckedTrusted.english) }
        return ReviewStatus(
            images: images, items: queue.count, decided: state.done, left: left, personHours: decisions.reduce(0) { $0 + $1.seconds } / 3600,
            secondsLeft: recent.isEmpty ? nil : median(recent) * Double(left) / Double(working), actions: actions, people: people,
            changedByReason: byReason, caught: caught, passed: passed, rest: rest.estimate, restUnsure: rest.unsure, randomLeft: rest.randomLeft, corrected: corrected,
            inHand: rest.inHand, twoPeople: twoPeople.pairs, samePerson: pairs(.again, byItem).pairs, disputed: twoPeople.disputed, blind: blind,
            overTime: stretches(told), policyHash: review.plan.policyHash, planHash: review.planHash, head: review.end.head, lines: review.end.lines, goodEnough: review.plan.settings.goodEnough,
            isGoodEnough: ReviewStatus.isGoodEnough(rest.estimate, corrected: corrected, goodEnough: review.plan.settings.goodEnough), notes: notes)
    }

    /// Images after the last that came in its turn are a population of which the audit has drawn some at random.
    private func estimate(_ byItem: [Int: Decision]) -> (estimate: RestEstimate, unsure: Int, inHand: Int, randomLeft: Int) {
        var reached = 0
        for decision in decisions {
            let entry = review.queue.entries[decision.item]
            if entry.kind == .doubtful { reached = max(reached, Int(entry.rank) + 1) }
        }
        // By image: the earliest other decision, for where the first showing's is missing or was "unsure".
        var others: [Int32: Decision] = [:]
        for decision in decisions where decision.action != .unsure {
            let entry = review.queue.entries[decision.item]
            if entry.first >= 0, others[entry.image] == nil { others[entry.image] = decision }
        }
        var (population, sample, errors, unsure, inHand, randomLeft) = (0, 0, 0, 0, 0, 0)
        for (item, entry) in review.queue.entries.enumerated() where entry.first < 0 && !entry.isHoneypot {
            var decision = byItem[item]
            // Nobody but the audit draws at random.
            if decision.map({ $0.action == .unsure }) ?? true, let other = others[entry.image], entry.kind == .audit || Int(entry.rank) < reached { decision = other }
            guard Int(entry.rank) >= reached else {
                inHand += decision == nil ? 1 : 0
                continue
            }
            if decision?.action == .unsure {
                unsure += 1
                continue
            }
            population += 1
            if let decision {
                sample += 1
                errors += decision.isChanged ? 1 : 0
            } else if entry.kind == .audit {
                randomLeft += 1
            }
        }
        return (RestEstimate(population: population, sample: sample, errors: errors), unsure, inHand, randomLeft)
    }

    private func pairs(_ kind: ReviewItem.Kind, _ byItem: [Int: Decision]) -> (pairs: ReviewStatus.Pairs, disputed: Int) {
        var (changed, alike, overlaps, dices, disputed) = ([[Int]](), [[Int]](), [Double](), [Double](), 0)
        let order: [ReviewAction] = [.accept, .nothing, .wrong, .corrected]
        for (item, entry) in review.queue.entries.enumerated() where entry.kind == kind {
            guard let second = byItem[item], let first = byItem[Int(entry.first)] else { continue }
            guard let a = order.firstIndex(of: first.action), let b = order.firstIndex(of: second.action) else { continue }
            // A second person is another one; the same one is not.
            guard (first.person == second.person) == (kind == .again) else { continue }
            changed.append([first.isChanged ? 1 : 0, second.isChanged ? 1 : 0])
            alike.append([a, b])
            var isDisputed = first.isChanged != second.isChanged
            if let a = regions[Int(entry.first)], let b = regions[item] {
                let overlap = a.intersectionOverUnion(b)
                overlaps.append(overlap)
                dices.append(a.dice(b))
                isDisputed = isDisputed || overlap < 0.5
            }
            disputed += isDisputed ? 1 : 0
        }
        return (
            ReviewStatus.Pairs(
                changed: Agreement(changed, categories: 2), actions: Agreement(alike, categories: 4), intersectionOverUnion: Overlap(overlaps),
                dice: Overlap(dices)), disputed
        )
    }

    /// Numbers of decisions on honeypots of which figures may tell.
    private func toldHoneypots() -> Set<Int> {
        var byPerson: [Int: [Int]] = [:]
        for (number, decision) in decisions.enumerated() where review.queue.honeypots[decision.item] != nil { byPerson[decision.person, default: []].append(number) }
        return Set(byPerson.values.flatMap { $0.prefix($0.count / honeypotStep * honeypotStep) })
    }

    private func stretches(_ told: Set<Int>) -> [ReviewStatus.Stretch] {
        let length = max(50, (decisions.count + 39) / 40)
        return stride(from: 0, to: decisions.count, by: length).map { start in
            let part = decisions[start..<min(decisions.count, start + length)]
            var stretch = ReviewStatus.Stretch(
                decisions: part.count, medianSeconds: median(part.map(\.seconds)), caught: .init(), passed: .init(), changed: .init())
            for (number, decision) in zip(part.indices, part) where decision.action != .unsure {
                if let honeypot = review.queue.honeypots[decision.item] {
                    guard told.contains(number) else { continue }
                    if honeypot.isRight { stretch.passed.add(!decision.isChanged) } else { stretch.caught.add(decision.isChanged) }
                } else {
                    stretch.changed.add(decision.isChanged)
                }
            }
            return stretch
        }
    }

    private func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
}
