import Kernels
import NeuralNet
import Testing

/// Plays a pass on its memory: every write marks all of a tensor's place with a number of its own, and every read looks
/// whether the mark is still whole. Two tensors that live at the same time and overlap would spoil each other's marks.
private final class MemoryPlayer {
    let network: Network
    let nodes: [Network.Node]
    let plan: BackwardPlan
    let memory: PassMemory
    let capacity: Int
    let keepsInputs: Bool
    private let start: UnsafeMutablePointer<Float>
    private var marks: [String: Float] = [:]
    private var next: Float = 0
    private var recomputed = Set<Int>()
    private(set) var complaints: [String] = []
    /// What all tensors would need without sharing.
    let unshared: Int

    init(_ network: Network, nodes: [Network.Node], capacity: Int, keepsInputs: Bool) {
        self.network = network
        self.nodes = nodes
        self.capacity = capacity
        self.keepsInputs = keepsInputs
        let plan = BackwardPlan(nodes: nodes, recomputes: keepsInputs)
        let memory = PassMemory(
            network: network, nodes: nodes, backward: plan, capacity: capacity, keepsInputs: keepsInputs)
        // Something lies at offset 0.
        let gradients = plan.tensors.indices.filter { $0 != plan.imageGradient }.map { memory.gradient($0) }
        start = (nodes.map { memory.value($0.output) } + gradients).min()!
        unshared = capacity * (nodes.map(\.output) + plan.tensors).map { network.values[$0].count }.reduce(0, +)
        self.plan = plan
        self.memory = memory
    }

    private enum Place {
        case value(Int)
        /// As backward finds it.
        case kept(Int)
        case gradient(Int)
    }

    private func locate(_ place: Place) -> (key: String, pointer: UnsafeMutablePointer<Float>, count: Int)? {
        switch place {
        case .value(0), .kept(0): return nil
        case .kept(let v) where memory.kept(v) != memory.value(v) || recomputed.contains(v):
            return ("value \(v), again,", memory.kept(v), network.values[v].count * capacity)
        case .kept(let v): return locate(.value(v))
        case .value(let v): return ("value \(v)", memory.value(v), network.values[v].count * capacity)
        case .gradient(plan.imageGradient): return nil
        case .gradient(let t): return ("gradient \(t)", memory.gradient(t), network.values[plan.tensors[t]].count * capacity)
        }
    }

    private func write(_ place: Place) {
        guard let (key, pointer, count) = locate(place) else { return }
        if pointer < start || pointer + count > start + memory.count { complaints.append("\(key) lies outside the memory") }
        if Int(bitPattern: pointer) % 64 != 0 { complaints.append("\(key) is not aligned") }
        next += 1
        marks[key] = next
        pointer.update(repeating: next, count: count)
    }

    private func read(_ place: Place, _ reader: String) {
        guard let (key, pointer, count) = locate(place) else { return }
        guard let mark = marks[key] else { return complaints.append("\(reader) reads \(key) before it is written") }
        if (0..<count).contains(where: { pointer[$0] != mark }) { complaints.append("\(reader) finds \(key) spoilt") }
    }

    /// Reads, writes, and reads once more what must survive the writing.
    private func perform(_ name: String, reads: [Place], writes: Place, survivors: [Place]) {
        for place in reads { read(place, name) }
        write(writes)
        for place in survivors { read(place, "\(name), writing,") }
    }

    func play() {
        for (index, node) in nodes.enumerated() {
            let inputs = node.reads.map { Place.value($0) }
            perform("node \(index)", reads: inputs, writes: .value(node.output), survivors: inputs)
        }
        perform("loss", reads: [.value(nodes.last!.output)], writes: .gradient(0), survivors: [.value(nodes.last!.output)])
        for (index, action) in plan.actions.enumerated() {
            let name = "action \(index)"
            switch action {
            case .node(let node, let gradient, let result, let addend, let gate):
                var kept = gate.map { [Place.kept($0)] } ?? []
                if keepsInputs {
                    switch nodes[node].operation {
                    case .convolution, .batchNorm, .linear: kept.append(.kept(nodes[node].input))
                    default: break
                    }
                }
                let others = addend.map { [Place.gradient($0)] } ?? []
                guard let result else {
                    for place in kept + others + [.gradient(gradient)] { read(place, name) }
                    continue
                }
                var survivors = kept
                if addend != result { survivors += others }
                switch nodes[node].operation {
                case .batchNorm, .affine: if gradient != result { survivors.append(.gradient(gradient)) }
                default: survivors.append(.gradient(gradient))
                }
                perform(name, reads: kept + others + [.gradient(gradient)], writes: .gradient(result), survivors: survivors)
            case .add(let a, let b, let gate, let result):
                let reads = [Place.gradient(a)] + (b.map { [.gradient($0)] } ?? []) + (gate.map { [.kept($0)] } ?? [])
                let survivors = gate.map { [Place.kept($0)] } ?? []
                perform(name, reads: reads, writes: .gradient(result), survivors: survivors)
            case .split(_, let gradient, let first, let second):
                perform(name, reads: [.gradient(gradient)], writes: .gradient(first), survivors: [.gradient(gradient)])
                perform(name, reads: [.gradient(gradient)], writes: .gradient(second), survivors: [.gradient(gradient), .gradient(first)])
            case .restore(let node):
                recomputed.insert(nodes[node].input)
                let output = Place.kept(nodes[node].output)
                perform(name, reads: [output], writes: .kept(nodes[node].input), survivors: [output])
            case .recompute(let node):
                recomputed.insert(nodes[node].output)
                let input = Place.kept(nodes[node].input)
                perform(name, reads: [input], writes: .kept(nodes[node].output), survivors: [input])
            }
        }
    }
}

@Suite("Memory of passes")
struct MemoryTests {
    @Test(arguments: ModelCase.all)
    func tensorsThatLiveTogetherDoNotOverlap(_ model: ModelCase) throws {
        for shape in [ImageShape(height: 32, width: 32, channels: 3), ImageShape(height: 9, width: 11, channels: 1)] {
            guard let model = model.taking(shape) else { continue }
            let network = try model.network()
            for (nodes, keepsInputs) in [(network.nodes, true), (network.frozenNodes, false)] {
                let player = MemoryPlayer(network, nodes: nodes, capacity: 2, keepsInputs: keepsInputs)
                player.play()
                #expect(player.complaints.isEmpty, "\(player.complaints.prefix(3))")
            }
        }
    }

    /// An attack needs no activations but those that ReLUs look back at, and a little for the moment.
    @Test func memoryIsShared() throws {
        let network = try ModelCase(name: "resnet18", width: 64).network()
        let frozen = MemoryPlayer(network, nodes: network.frozenNodes, capacity: 1, keepsInputs: false)
        let training = MemoryPlayer(network, nodes: network.nodes, capacity: 1, keepsInputs: true)
        let gates = network.frozenNodes.filter(\.relu).map { network.values[$0.output].count }.reduce(0, +)
        #expect(frozen.memory.count < gates * 21 / 20)
        #expect(training.memory.count * 3 < training.unshared * 2)
        // Of a pre-activation block only the two convolutions' outputs are kept.
        let wide = try ModelCase(name: "wide-resnet", width: 16, depth: 28, widen: 10).network()
        let kept = wide.nodes.filter { if case .convolution = $0.operation { true } else { false } }
            .map { wide.values[$0.output].count }.reduce(0, +)
        #expect(MemoryPlayer(wide, nodes: wide.nodes, capacity: 1, keepsInputs: true).memory.count < kept * 6 / 5)
        // Of a dense block the convolutions' outputs and one concatenation of all.
        let dense = try ModelCase(name: "densenet121", width: 64, stem: .imagenet, shape: ImageShape(height: 64, width: 64, channels: 3)).network()
        var outputs = 0
        for (index, node) in dense.nodes.enumerated() {
            switch node.operation {
            case .convolution: outputs += dense.values[node.output].count
            case .concatenation:
                if case .batchNorm = dense.nodes[index + 1].operation, case .convolution(let layer, _) = dense.nodes[min(index + 2, dense.nodes.count - 1)].operation,
                    dense.convolutions[layer].name.hasSuffix("conv1")
                {
                    continue
                }
                outputs += dense.values[node.output].count
            default: break
            }
        }
        #expect(MemoryPlayer(dense, nodes: dense.nodes, capacity: 1, keepsInputs: true).memory.count < outputs * 6 / 5)
        #expect(MemoryPlayer(dense, nodes: dense.frozenNodes, capacity: 1, keepsInputs: false).memory.count < outputs * 6 / 5)
    }
}
