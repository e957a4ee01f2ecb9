import Kernels

/// Logits and input gradients of a frozen model, for one thread: its activations and its scratch.
///
/// What it computes for an image does not depend, bit for bit, on the images beside it, on the capacity, or on earlier
/// calls. No call allocates.
///
/// Cost per image: `Network.flops` for logits, twice as much for an input gradient. Memory: little more than the outputs
/// of the ReLUs, `capacity` times.
package final class FrozenPass: DifferentiableClassifier {
    package let model: FrozenModel
    package let capacity: Int
    private let backward: BackwardPlan
    let memory: PassMemory
    private let pooling: PoolingIndices
    private let workspace: FloatBuffer
    private let normalization: NormalizationConstants

    /// - Parameters:
    ///   - capacity: the most images per call; memory grows with it.
    ///   - sharing: a pass over the same network whose memory may be overwritten; the two then take turns.
    package init(_ model: FrozenModel, capacity: Int, sharing other: TrainingPass? = nil) {
        self.model = model
        self.capacity = capacity
        backward = BackwardPlan(nodes: model.nodes)
        memory = PassMemory(
            network: model.network, nodes: model.nodes, backward: backward, capacity: capacity, keepsInputs: false,
            shared: other?.memory)
        pooling = PoolingIndices(network: model.network, nodes: model.nodes, capacity: capacity)
        let needed = model.filters.workspaceCount
        workspace = other.flatMap { $0.workspace.count >= needed ? $0.workspace : nil } ?? FloatBuffer(count: needed)
        normalization = NormalizationConstants(network: model.network)
    }

    package var classes: Int { model.network.classes }
    package var imageShape: ImageShape { model.network.input }

    package func logits(of images: UnsafePointer<Float>, batch: Int, into logits: UnsafeMutablePointer<Float>) {
        forward(images, batch: batch)
        logits.update(from: memory.value(model.nodes.last!.output), count: batch * classes)
    }

    package func inputGradient(
        of images: UnsafePointer<Float>, batch: Int, into gradient: UnsafeMutablePointer<Float>,
        loss: (UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
    ) {
        forward(images, batch: batch)
        loss(memory.value(model.nodes.last!.output), memory.gradient(0))
        for action in backward.actions { perform(action, batch: batch, imageGradient: gradient) }
    }

    /// - Parameter computed: called after each node with its result, whose place may be another's soon.
    func forward(
        _ images: UnsafePointer<Float>, batch: Int, computed: (_ node: Network.Node, _ output: UnsafePointer<Float>) -> Void = { _, _ in }
    ) {
        precondition(batch <= capacity, "\(batch) images for a capacity of \(capacity)")
        for (index, node) in model.nodes.enumerated() {
            let input = node.input == 0 ? images : UnsafePointer(memory.value(node.input))
            let addend = node.addend.map { UnsafePointer(memory.value($0)) }
            let output = memory.value(node.output)
            let shape = model.network.values[node.input]
            switch node.operation {
            case .normalization: normalization.apply(input, rows: batch * shape.pixels, output: output)
            case .convolution(let layer, let folded):
                model.filters.convolutions[layer].forward(
                    input, prepared: model.filters.forward(layer), output: output, batch: batch,
                    epilogue: Epilogue(bias: folded.map(model.shift(of:)), addend: addend, relu: node.relu),
                    workspace: workspace.pointer)
            case .affine(let layer):
                BatchNormalization.apply(
                    input, rows: batch * shape.pixels, channels: shape.channels, scale: model.scale(of: layer),
                    shift: model.shift(of: layer), addend: addend, relu: node.relu, output: output)
            case .maxPool(let pool):
                Pooling.maxForward(input, shape: pool, batch: batch, output: output, argmax: pooling[index])
            case .averagePool(let pool): Pooling.averageForward(input, shape: pool, batch: batch, output: output)
            case .concatenation(let with):
                ChannelConcatenation.join(
                    input, channels: shape.channels, memory.value(with), channels: model.network.values[with].channels,
                    rows: batch * shape.pixels, output: output)
            case .globalAveragePool:
                Pooling.globalAverageForward(
                    input, pixels: shape.pixels, channels: shape.channels, batch: batch, output: output)
            case .linear(let layer):
                let (weight, bias) = model.linear(layer)
                // Image by image: the rounding of a matrix product depends on its number of rows.
                for i in 0..<batch {
                    Linear.forward(
                        input + i * shape.count, weights: weight, bias: bias, batch: 1, inputs: shape.count,
                        outputs: classes, output: output + i * classes)
                }
            case .batchNorm: preconditionFailure("a frozen model has no BatchNorm in training mode")
            }
            computed(node, UnsafePointer(output))
        }
    }

    private func perform(
        _ action: BackwardPlan.Action, batch: Int, imageGradient: UnsafeMutablePointer<Float>
    ) {
        func tensor(_ index: Int) -> UnsafeMutablePointer<Float> {
            index == backward.imageGradient ? imageGradient : memory.gradient(index)
        }
        switch action {
        case .recompute(let index):
            let node = model.nodes[index]
            guard case .affine(let layer) = node.operation else { preconditionFailure("only normalisations are recomputed") }
            let shape = model.network.values[node.input]
            BatchNormalization.apply(
                memory.kept(node.input), rows: batch * shape.pixels, channels: shape.channels, scale: model.scale(of: layer),
                shift: model.shift(of: layer), addend: nil, relu: node.relu, output: memory.kept(node.output))
        case .restore(let index):
            let node = model.nodes[index]
            let shape = model.network.values[node.input]
            ChannelConcatenation.part(
                memory.kept(node.output), channels: model.network.values[node.output].channels, start: 0, count: shape.channels,
                rows: batch * shape.pixels, output: memory.kept(node.input))
        case .split(let index, let gradient, let first, let second):
            let node = model.nodes[index]
            let (whole, shape) = (model.network.values[node.output].channels, model.network.values[node.input])
            ChannelConcatenation.part(
                tensor(gradient), channels: whole, start: 0, count: shape.channels, rows: batch * shape.pixels, output: tensor(first))
            ChannelConcatenation.part(
                tensor(gradient), channels: whole, start: shape.channels, count: whole - shape.channels, rows: batch * shape.pixels,
                output: tensor(second))
        case .add(let a, let b, let gate, let result):
            Elementwise.addGated(
                tensor(a), b.map { UnsafePointer(tensor($0)) }, gate: gate.map { UnsafePointer(memory.kept($0)) },
                count: batch * model.network.values[backward.tensors[result]].count, output: tensor(result))
        case .node(let index, let gradient, let result, let addend, let gate):
            guard let result = result.map(tensor) else { return }
            let node = model.nodes[index]
            let shape = model.network.values[node.input]
            let gradient = UnsafePointer(tensor(gradient))
            let gate = gate.map { UnsafePointer(memory.kept($0)) }
            let addend = addend.map { UnsafePointer(tensor($0)) }
            switch node.operation {
            case .normalization:
                normalization.backward(gradient, rows: batch * shape.pixels, addend: addend, gate: gate, output: result)
            case .convolution(let layer, _):
                model.filters.convolutions[layer].inputGradient(
                    gradient, prepared: model.filters.inputGradient(layer), inputGradient: result, batch: batch,
                    epilogue: Epilogue(addend: addend, gate: gate), workspace: workspace.pointer)
            case .affine(let layer):
                Elementwise.scaleGradient(
                    gradient, rows: batch * shape.pixels, channels: shape.channels, scale: model.scale(of: layer),
                    addend: addend, gate: gate, output: result)
            case .maxPool(let pool):
                Pooling.maxBackward(
                    gradient, argmax: pooling[index]!, shape: pool, batch: batch, gate: gate, inputGradient: result)
            case .averagePool(let pool):
                Pooling.averageBackward(gradient, shape: pool, batch: batch, gate: gate, inputGradient: result)
            case .concatenation: preconditionFailure("the gradient of a concatenation is split")
            case .globalAveragePool:
                Pooling.globalAverageBackward(
                    gradient, pixels: shape.pixels, channels: shape.channels, batch: batch, gate: gate,
                    inputGradient: result)
            case .linear(let layer):
                for i in 0..<batch {
                    Linear.inputGradient(
                        gradient + i * classes, weights: model.linear(layer).weight, batch: 1, inputs: shape.count,
                        outputs: classes, inputGradient: result + i * shape.count)
                }
            case .batchNorm: preconditionFailure("a frozen model has no BatchNorm in training mode")
            }
        }
    }
}
