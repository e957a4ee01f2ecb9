import Kernels

/// The activations and gradients of a pass over at most `capacity` images, in one allocation: tensors that are never
/// needed at the same time share a place (`MemoryPlan`).
package struct PassMemory {
    let storage: FloatBuffer
    private let valueOffsets: [Int]
    private let keptOffsets: [Int]
    private let gradientOffsets: [Int]

    /// - Parameters:
    ///   - keepsInputs: whether the backward pass needs what went into the nodes (for the gradients of parameters), or
    ///     only the outputs of ReLUs, as gates.
    ///   - shared: memory of a pass that never runs at the same time, taken if it is large enough.
    package init(
        network: Network, nodes: [Network.Node], backward: BackwardPlan, capacity: Int, keepsInputs: Bool,
        shared: PassMemory? = nil
    ) {
        let (plan, kept) = Self.plan(network: network, nodes: nodes, backward: backward, capacity: capacity, keepsInputs: keepsInputs)
        let values = network.values.count + backward.recomputations
        storage = shared.flatMap { $0.count >= plan.count ? $0.storage : nil } ?? FloatBuffer(count: plan.count)
        valueOffsets = Array(plan.offsets[..<network.values.count])
        keptOffsets = kept.map { plan.offsets[$0] }
        gradientOffsets = Array(plan.offsets[values...])
    }

    /// Floats that the memory of a pass would take. Allocates none of them.
    package static func floats(network: Network, nodes: [Network.Node], backward: BackwardPlan, capacity: Int, keepsInputs: Bool) -> Int {
        plan(network: network, nodes: nodes, backward: backward, capacity: capacity, keepsInputs: keepsInputs).plan.count
    }

    /// Where every tensor lies, and which tensor holds each value for the backward pass.
    private static func plan(
        network: Network, nodes: [Network.Node], backward: BackwardPlan, capacity: Int, keepsInputs: Bool
    ) -> (plan: MemoryPlan, kept: [Int]) {
        // Moments: node i computes at time i; backward action j at time nodes.count + j.
        var lifetimes = network.values.map { MemoryPlan.Lifetime(count: $0.count * capacity, first: .max, last: -1) }
        lifetimes[0].count = 0
        func touch(_ value: Int, at time: Int) {
            lifetimes[value].first = min(lifetimes[value].first, time)
            lifetimes[value].last = max(lifetimes[value].last, time)
        }
        for (time, node) in nodes.enumerated() {
            for value in node.reads + [node.output] { touch(value, at: time) }
        }
        touch(nodes.last!.output, at: nodes.count)
        // Where backward finds a value: where forward left it, or where it is made again.
        var kept = Array(lifetimes.indices)
        for action in backward.actions {
            let value: Int
            switch action {
            case .recompute(let node): value = nodes[node].output
            case .restore(let node): value = nodes[node].input
            default: continue
            }
            kept[value] = lifetimes.count
            lifetimes.append(.init(count: lifetimes[value].count, first: .max, last: -1))
        }
        let values = lifetimes.count
        lifetimes += backward.tensors.enumerated().map { index, value in
            // The logits' gradient is written before the first action; the images' gradient is the caller's memory.
            .init(
                count: index == backward.imageGradient ? 0 : network.values[value].count * capacity,
                first: index == 0 ? nodes.count : .max, last: -1)
        }
        for (index, action) in backward.actions.enumerated() {
            let time = nodes.count + 1 + index
            switch action {
            case .node(let node, let gradient, let result, let addend, let gate):
                touch(values + gradient, at: time)
                if let result { touch(values + result, at: time) }
                if let addend { touch(values + addend, at: time) }
                if let gate { touch(kept[gate], at: time) }
                if keepsInputs, nodes[node].operation.gradientReadsInput { touch(kept[nodes[node].input], at: time) }
            case .add(let a, let b, let gate, let result):
                touch(values + a, at: time)
                if let b { touch(values + b, at: time) }
                if let gate { touch(kept[gate], at: time) }
                touch(values + result, at: time)
            case .split(_, let gradient, let first, let second):
                for tensor in [gradient, first, second] { touch(values + tensor, at: time) }
            case .recompute(let node), .restore(let node):
                touch(kept[nodes[node].input], at: time)
                touch(kept[nodes[node].output], at: time)
            }
        }
        for index in lifetimes.indices where lifetimes[index].last < 0 { lifetimes[index].count = 0 }
        return (MemoryPlan(lifetimes), kept)
    }

    /// Where forward writes value `index` of the network, [capacity, height, width, channels]; value 0 is the caller's.
    package func value(_ index: Int) -> UnsafeMutablePointer<Float> { storage.pointer + valueOffsets[index] }

    /// Where backward finds value `index`: a place of its own if it is computed again.
    package func kept(_ index: Int) -> UnsafeMutablePointer<Float> { storage.pointer + keptOffsets[index] }

    /// Where gradient tensor `index` of the backward plan lies; the images' gradient is the caller's.
    package func gradient(_ index: Int) -> UnsafeMutablePointer<Float> { storage.pointer + gradientOffsets[index] }

    /// Floats allocated.
    package var count: Int { storage.count }
}
