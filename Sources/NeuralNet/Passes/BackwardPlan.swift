/// The backward pass over a list of nodes, decided once: which gradient goes into which memory, what it is added to, and
/// where a ReLU's derivative is applied.
///
/// A value's gradient is complete when its last consumer (in reverse) has contributed; that contribution also applies
/// the gate of the ReLU that made the value, so gradients of ReLU outputs arrive already gated. An addend's gradient is
/// its sum's gradient: it shares the memory instead of being copied.
///
/// Of a dense block, whose every layer reads a longer concatenation, only the last one is kept: each shorter one is its
/// beginning, and is copied out of the next longer one when its turn comes. What a BatchNorm made of one is made again, in
/// attacks too. So memory grows with the block's channels and not with their square.
///
/// In training, what a BatchNorm made of its input is not kept: it is made again, from the input that its own gradient
/// needs anyway, just before it is read. That saves up to half of the activations (as in Rota Bulò, Porzi and
/// Kontschieder, CVPR 2018) for one pass over memory.
package struct BackwardPlan: Sendable {
    package enum Action: Sendable {
        /// Gradients of `nodes[node]`: with respect to its parameters, and its input if `result` is not nil.
        case node(Int, gradient: Int, result: Int?, addend: Int?, gate: Int?)
        /// `result = a + b`, zero where the value `gate` is not positive.
        case add(Int, Int?, gate: Int?, result: Int)
        /// The gradients of what `nodes[node]`, a concatenation, has joined.
        case split(node: Int, gradient: Int, first: Int, second: Int)
        /// The output of `nodes[node]`, a BatchNorm, once more.
        case recompute(node: Int)
        /// The input of `nodes[node]`, a concatenation, once more, from its output.
        case restore(node: Int)
    }

    /// In the order of execution.
    package private(set) var actions: [Action] = []
    /// The value whose shape each gradient tensor has; tensor 0 is the gradient of the logits.
    package private(set) var tensors: [Int] = []
    /// The tensor that ends as the gradient of the images; its memory comes from the caller.
    package private(set) var imageGradient = -1

    /// Values that are computed again.
    var recomputations: Int {
        actions.reduce(0) { count, action in
            switch action {
            case .recompute, .restore: count + 1
            default: count
            }
        }
    }

    /// O(nodes). Every value must be the input or the addend of some node, but for the last, the logits.
    ///
    /// - Parameter recomputes: whether outputs of BatchNorms without an addend are computed again where they are read.
    package init(nodes: [Network.Node], recomputes: Bool = false) {
        var remaining = [Int: Int]()
        var relu = Set<Int>()
        for node in nodes {
            for value in node.reads { remaining[value, default: 0] += 1 }
            if node.relu { relu.insert(node.output) }
        }
        var gradient = [Int: Int]()  // of the values reached so far
        var owners = [[Int]]()  // values whose gradient is this tensor and still needed

        func makeTensor(for value: Int) -> Int {
            tensors.append(value)
            owners.append([value])
            return tensors.count - 1
        }
        func give(_ tensor: Int, to value: Int) {
            if let old = gradient[value] { owners[old].removeAll { $0 == value } }
            gradient[value] = tensor
            if !owners[tensor].contains(value) { owners[tensor].append(value) }
        }
        /// Counts down a value's contributions; the gate if this one is the last.
        func lastGate(_ value: Int) -> (isLast: Bool, gate: Int?) {
            remaining[value]! -= 1
            let isLast = remaining[value] == 0
            return (isLast, isLast && relu.contains(value) ? value : nil)
        }

        guard let logits = nodes.last?.output else { return }
        gradient[logits] = makeTensor(for: logits)
        for (index, node) in nodes.enumerated().reversed() {
            guard let incoming = gradient[node.output] else { preconditionFailure("node \(index) leads nowhere") }
            if let addend = node.addend {
                let (_, gate) = lastGate(addend)
                if let existing = gradient[addend] {
                    let alone = owners[existing] == [addend]
                    let result = alone ? existing : makeTensor(for: addend)
                    actions.append(.add(existing, incoming, gate: gate, result: result))
                    give(result, to: addend)
                } else if gate != nil {
                    let result = makeTensor(for: addend)
                    actions.append(.add(incoming, nil, gate: gate, result: result))
                    give(result, to: addend)
                } else {
                    give(incoming, to: addend)
                }
            }
            owners[incoming].removeAll { $0 == node.output }
            if case .concatenation(let with) = node.operation {
                let parts = [node.input, with].map { (value: $0, tensor: makeTensor(for: $0)) }
                actions.append(.split(node: index, gradient: incoming, first: parts[0].tensor, second: parts[1].tensor))
                for (value, tensor) in parts {
                    let (_, gate) = lastGate(value)
                    let existing = gradient[value]
                    if existing != nil || gate != nil { actions.append(.add(tensor, existing, gate: gate, result: tensor)) }
                    give(tensor, to: value)
                }
                continue
            }
            let (_, gate) = lastGate(node.input)
            let existing = gradient[node.input]
            let canAdd = node.operation.gradientTakesAddend
            let result: Int
            // A convolution may add to what lies in its output, but not read its output gradient there.
            let isApart = existing != incoming || node.operation.gradientInPlace
            if let existing, canAdd, isApart, owners[existing] == [node.input] {
                result = existing
            } else if existing == nil || canAdd, node.operation.gradientInPlace, owners[incoming].isEmpty {
                result = incoming
            } else {
                result = makeTensor(for: node.input)
                owners[result] = []
            }
            if existing == nil || canAdd {
                let inKernel = gate == nil || node.operation.gradientTakesGate
                actions.append(
                    .node(index, gradient: incoming, result: result, addend: existing, gate: inKernel ? gate : nil))
                if !inKernel { actions.append(.add(result, nil, gate: gate, result: result)) }
            } else {
                actions.append(.node(index, gradient: incoming, result: result, addend: nil, gate: nil))
                actions.append(.add(result, existing, gate: gate, result: result))
            }
            give(result, to: node.input)
        }
        imageGradient = gradient[0]!
        makeAgain(nodes, batchNorms: recomputes)
    }

    /// Puts a `recompute` before the first action that reads the output of a BatchNorm without an addend, if that is wanted or
    /// its input is a part of a dense block, and a `restore` before the first that reads a shorter concatenation.
    private mutating func makeAgain(_ nodes: [Network.Node], batchNorms: Bool) {
        // By value, as long as it has not been made again.
        var makers = [Int: Int]()
        var longer = [Int: Int]()
        var joined = Set<Int>()
        for (index, node) in nodes.enumerated() {
            guard case .concatenation = node.operation else { continue }
            if node.input != 0 { longer[node.input] = index }
            joined.formUnion([node.input, node.output])
        }
        for (index, node) in nodes.enumerated() where node.addend == nil {
            switch node.operation {
            case .batchNorm where batchNorms: makers[node.output] = index
            case .affine where joined.contains(node.input): makers[node.output] = index
            default: break
            }
        }
        guard !makers.isEmpty else { return }
        let actions = self.actions
        self.actions.removeAll()
        func makeAgain(_ value: Int, _ made: inout [Action]) {
            if let concatenation = longer.removeValue(forKey: value) {
                makers[value] = nil
                makeAgain(nodes[concatenation].output, &made)
                made.append(.restore(node: concatenation))
            } else if let maker = makers.removeValue(forKey: value) {
                makeAgain(nodes[maker].input, &made)
                made.append(.recompute(node: maker))
            }
        }
        for action in actions {
            if case .node(let index, _, _, _, _) = action, nodes[index].operation.gradientReadsInput {
                makeAgain(nodes[index].input, &self.actions)
            }
            switch action {
            case .node(_, _, _, _, let gate?), .add(_, _, let gate?, _): makeAgain(gate, &self.actions)
            default: break
            }
            self.actions.append(action)
        }
    }
}

extension Network.Operation {
    /// Whether the gradients of its parameters, or of its input, depend on its input.
    var gradientReadsInput: Bool {
        switch self {
        case .convolution, .batchNorm, .linear: true
        case .normalization, .affine, .maxPool, .averagePool, .globalAveragePool, .concatenation: false
        }
    }

    /// Whether its input gradient may overwrite its output gradient.
    fileprivate var gradientInPlace: Bool {
        switch self {
        case .normalization, .batchNorm, .affine: true
        default: false
        }
    }

    fileprivate var gradientTakesAddend: Bool {
        switch self {
        case .normalization, .convolution, .batchNorm, .affine: true
        default: false
        }
    }

    fileprivate var gradientTakesGate: Bool {
        if case .linear = self { return false }
        return true
    }
}
