import Kernels
import NeuralNet
import Testing

/// A network of numbers: value = relu?(weight · input + addend), for a random graph of nodes.
private struct ScalarNetwork {
    var nodes: [Network.Node] = []
    var weights: [Double] = []
    var values: [Double] = [0.7]

    /// A random graph in which every value leads to the last; `template` is any node, to be changed.
    init(seed: UInt64, template: Network.Node) {
        let random = Philox(seed: seed, purpose: .test)
        var word = 0
        func draw(_ bound: Int) -> Int {
            word += 1
            return random.uniform(word, below: bound)
        }
        let operations: [Network.Operation] = [
            .convolution(layer: 0, folded: nil), .batchNorm(layer: 0), .affine(layer: 0), .globalAveragePool,
            .linear(layer: 0), .maxPool(PoolingShape(height: 1, width: 1, channels: 1, kernel: 1, stride: 1, padding: 0)),
        ]
        var loose: Set<Int> = [0]
        let wanted = 3 + draw(14)
        while nodes.count < wanted || loose.count > 1 {
            let count = values.count
            // The newest values more often than old ones, loose ends sooner or later.
            let input = nodes.count >= wanted || draw(3) == 0 ? loose.min()! : max(0, count - 1 - draw(3))
            var addend: Int?
            if count > 1, nodes.count >= wanted || draw(2) == 0 {
                addend = nodes.count >= wanted ? loose.max()! : 1 + draw(count - 1)
                if addend == 0 || addend == input && nodes.count >= wanted { addend = nil }
            }
            var node = template
            node.operation = operations[draw(operations.count)]
            (node.input, node.addend, node.relu, node.output) = (input, addend, draw(2) == 0, count)
            nodes.append(node)
            weights.append(Double(draw(1000)) / 250 - 2)
            let sum = weights.last! * values[input] + (addend.map { values[$0] } ?? 0)
            values.append(node.relu ? max(0, sum) : sum)
            loose.remove(input)
            if let addend { loose.remove(addend) }
            loose.insert(count)
        }
    }

    /// The derivatives of the last value with respect to the image and to each weight, by the chain rule.
    func derivatives() -> (image: Double, weights: [Double]) {
        var d = [Double](repeating: 0, count: values.count)
        var w = weights
        d[d.count - 1] = 1
        for (index, node) in nodes.enumerated().reversed() {
            // The plan expects the derivative of the logits to be that of the last node as it stands.
            let isLast = index == nodes.count - 1
            let g = node.relu && values[node.output] <= 0 && !isLast ? 0 : d[node.output]
            if let addend = node.addend { d[addend] += g }
            d[node.input] += weights[index] * g
            w[index] = g * values[node.input]
        }
        return (d[0], w)
    }

    /// The same, by the plan's actions on memory; nil where a kernel would read what it has overwritten.
    func planned() -> (image: Double, weights: [Double])? {
        let plan = BackwardPlan(nodes: nodes, recomputes: true)
        // What BatchNorms made is forgotten, unless it holds an addend.
        var kept: [Double?] = values
        for node in nodes where node.addend == nil {
            if case .batchNorm = node.operation { kept[node.output] = nil }
        }
        var memory = [Double?](repeating: nil, count: plan.tensors.count)
        var w = weights
        memory[0] = 1
        for action in plan.actions {
            switch action {
            case .node(let index, let gradient, let result, let addend, let gate):
                guard let g = memory[gradient], let result else { return nil }
                switch nodes[index].operation {
                case .convolution, .batchNorm, .linear:
                    guard let input = kept[nodes[index].input] else { return nil }
                    w[index] = g * input
                default: w[index] = g * values[nodes[index].input]
                }
                var sum = weights[index] * g
                if let addend {
                    guard let other = memory[addend] else { return nil }
                    sum += other
                }
                if let gate {
                    guard let value = kept[gate] else { return nil }
                    if value <= 0 { sum = 0 }
                }
                let operation = nodes[index].operation
                let (inPlace, takesAddend): (Bool, Bool)
                switch operation {
                case .batchNorm, .affine: (inPlace, takesAddend) = (true, true)
                case .convolution: (inPlace, takesAddend) = (false, true)
                default: (inPlace, takesAddend) = (false, false)
                }
                if result == gradient && !inPlace || addend != nil && !takesAddend { return nil }
                if case .linear = operation, gate != nil { return nil }
                memory[result] = sum
            case .add(let a, let b, let gate, let result):
                guard let first = memory[a] else { return nil }
                var sum = first
                if let b {
                    guard let second = memory[b] else { return nil }
                    sum += second
                }
                if let gate {
                    guard let value = kept[gate] else { return nil }
                    if value <= 0 { sum = 0 }
                }
                memory[result] = sum
            case .split, .restore: return nil
            case .recompute(let index):
                guard let input = kept[nodes[index].input] else { return nil }
                let value = weights[index] * input
                kept[nodes[index].output] = nodes[index].relu ? max(0, value) : value
            }
        }
        return memory[plan.imageGradient].map { ($0, w) }
    }
}

@Suite("The backward plan")
struct BackwardPlanTests {
    @Test func followsTheChainRuleOnRandomGraphs() throws {
        let template = try ModelCase(name: "cnn", width: 1).network().nodes[0]
        for seed in 0..<500 as Range<UInt64> {
            let network = ScalarNetwork(seed: seed, template: template)
            let expected = network.derivatives()
            guard let found = network.planned() else {
                Issue.record("seed \(seed): a kernel's memory is overwritten, or read before it is written")
                continue
            }
            #expect(abs(found.image - expected.image) <= 1e-9 * (1 + abs(expected.image)), "seed \(seed)")
            for (found, expected) in zip(found.weights, expected.weights) {
                #expect(abs(found - expected) <= 1e-9 * (1 + abs(expected)), "seed \(seed)")
            }
        }
    }

    /// No gradient is copied where it could be shared: a ResNet needs an addition only where two branches meet.
    @Test func addsNothingItNeedNot() throws {
        func additions(_ nodes: [Network.Node]) -> Int {
            BackwardPlan(nodes: nodes).actions.count { if case .add = $0 { true } else { false } }
        }
        let resnet = try ModelCase(name: "resnet18", width: 64).network()
        #expect(additions(resnet.nodes) == 0 && additions(resnet.frozenNodes) == 0)
    }
}
