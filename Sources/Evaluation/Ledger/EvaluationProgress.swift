import Attacks

/// How far an evaluation is: what is known of each image in each phase, in a byte each.
package struct EvaluationProgress: Sendable {
    package enum State: UInt8, Sendable {
        /// Not due: an attack before it is not done.
        case waiting
        case ready
        /// Handed out.
        case working
        case stood
        case fell
        /// Never due: the image has fallen already, is wrong as it is, or has no pixel in the region.
        case skipped
    }

    package let plan: EvaluationPlan
    package let count: Int
    package let norm: Norm
    private var states: [UInt8]
    /// Images that a chain has nothing for, by chain, for those that may have some.
    private var leftOut: [Int: [Bool]] = [:]
    private var readyPositions: [[Int32]]
    private var nextReady: [Int]
    /// Images that are done, and that are or will be due as far as is known, by phase.
    package private(set) var done: [Int]
    package private(set) var due: [Int]
    /// Images that are ready or handed out, over all phases.
    private var open = 0

    /// - Parameter count: images.
    package init(_ plan: EvaluationPlan, count: Int, norm: Norm) {
        self.plan = plan
        self.norm = norm
        self.count = count
        states = Array(repeating: State.waiting.rawValue, count: plan.phases.count * count)
        for (index, chain) in plan.chains.enumerated() where chain.region != .all || chain.kind == .against {
            leftOut[index] = Array(repeating: false, count: count)
        }
        readyPositions = Array(repeating: [], count: plan.phases.count)
        nextReady = Array(repeating: 0, count: plan.phases.count)
        done = Array(repeating: 0, count: plan.phases.count)
        due = Array(repeating: 0, count: plan.phases.count)
    }

    package func state(_ phase: Int, _ position: Int) -> State { State(rawValue: states[phase * count + position])! }

    /// Whether the chain has nothing to do with the image: its region is empty, or there is nothing to try.
    package func isLeftOut(_ chain: Int, _ position: Int) -> Bool { leftOut[chain]?[position] == true }

    /// Whether an attack of the chain broke the image.
    package func hasFallen(_ chain: Int, _ position: Int) -> Bool {
        plan.chains[chain].phases.contains { state($0, position) == .fell }
    }

    /// The images that are right and that no chain broke at this radius.
    package func robustPositions(_ epsilon: Float) -> Set<Int> {
        let chains = plan.chains.indices.filter { plan.chains[$0].epsilon == epsilon }
        return Set((0..<count).filter { position in state(0, position) == .stood && !chains.contains { hasFallen($0, position) } })
    }

    /// Whether nothing is left to be done.
    package var isFinished: Bool { open == 0 }

    package func readyCount(_ phase: Int) -> Int { readyPositions[phase].count - nextReady[phase] }

    /// Takes over a line of an earlier process. `begin` must follow.
    package mutating func restore(_ phase: Int, _ position: Int, _ line: LedgerLine) {
        set(phase, position, line.success ? .fell : .stood)
        noteLeftOut(position, line)
    }

    /// After all lines are restored: finds out what is due.
    package mutating func begin() {
        for position in 0..<count {
            switch state(0, position) {
            case .stood: for chain in plan.chains.indices { advance(chain, position) }
            case .fell: skipAll(position)
            default: makeReady(0, position)
            }
        }
        for phase in plan.phases.indices { done[phase] = (0..<count).count { state(phase, $0) == .stood || state(phase, $0) == .fell } }
        for phase in plan.phases.indices { due[phase] += done[phase] }
    }

    /// Hands out up to `limit` images that are ready: of `phase` if there are any, else, if another may be begun, of the first
    /// phase that has some.
    package mutating func take(_ phase: Int?, orAnother: Bool, limit: Int) -> (phase: Int, positions: [Int])? {
        var chosen = phase.flatMap { readyCount($0) > 0 ? $0 : nil }
        if chosen == nil, orAnother { chosen = plan.phases.indices.first { readyCount($0) > 0 } }
        guard let chosen, limit > 0 else { return nil }
        let first = nextReady[chosen]
        let positions = readyPositions[chosen][first..<min(first + limit, readyPositions[chosen].count)].map { Int($0) }
        nextReady[chosen] += positions.count
        if readyCount(chosen) == 0 { (readyPositions[chosen], nextReady[chosen]) = ([], 0) }
        for position in positions { states[chosen * count + position] = State.working.rawValue }
        return (chosen, positions)
    }

    /// Takes the result of an image that was handed out.
    package mutating func finish(_ phase: Int, _ position: Int, _ line: LedgerLine) {
        precondition(state(phase, position) == .working, "image \(position) of phase \(phase) was not handed out")
        set(phase, position, line.success ? .fell : .stood)
        done[phase] += 1
        open -= 1
        noteLeftOut(position, line)
        if let chain = plan.phases[phase].chain {
            advance(chain, position)
        } else if line.success {
            skipAll(position)
        } else {
            for chain in plan.chains.indices { advance(chain, position) }
        }
    }

    private mutating func set(_ phase: Int, _ position: Int, _ state: State) { states[phase * count + position] = state.rawValue }

    private mutating func makeReady(_ phase: Int, _ position: Int) {
        set(phase, position, .ready)
        readyPositions[phase].append(Int32(position))
        due[phase] += 1
        open += 1
    }

    /// Makes the next attack of the chain ready, unless the image has fallen.
    private mutating func advance(_ chain: Int, _ position: Int) {
        var isOver = isLeftOut(chain, position)
        for phase in plan.chains[chain].phases {
            switch state(phase, position) {
            case .stood: continue
            case .fell: isOver = true
            case .waiting where isOver: set(phase, position, .skipped)
            case .waiting: return makeReady(phase, position)
            default: return
            }
        }
    }

    private mutating func skipAll(_ position: Int) {
        for phase in plan.phases.indices.dropFirst() where state(phase, position) == .waiting { set(phase, position, .skipped) }
    }

    private mutating func noteLeftOut(_ position: Int, _ line: LedgerLine) {
        guard line.attack == LedgerLine.clean else { return }
        for (index, chain) in plan.chains.enumerated() where leftOut[index] != nil {
            let nothing = chain.kind == .against ? line.candidates?["\(chain.epsilon)"] : line.freePixels?[chain.region.rawValue]
            leftOut[index]![position] = nothing == 0
        }
    }
}
