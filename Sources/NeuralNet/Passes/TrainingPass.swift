import Kernels

/// Forward and backward of one micro-batch in training mode, for one thread.
///
/// BatchNorm uses the statistics of the micro-batch. The forward pass keeps what the backward pass needs; the backward pass
/// goes from any derivative with respect to the logits to gradients of parameters, images, or both, so that a training method
/// is its forward passes and its loss:
///
/// ```swift
/// let logits = pass.forward(images, batch: count)
/// loss(logits, pass.logitsGradient)              // writes [count, classes]
/// pass.writeStatistics(into: step)
/// pass.backward(parameters: step, images: nil) { _ in }
/// ```
///
/// Gradients are sums over samples, as the loss is (`StepLayout`). The weights are read from the state and the filters it was
/// prepared for; no call allocates.
package final class TrainingPass: DifferentiableClassifier {
    package let network: Network
    package let layout: StepLayout
    package let capacity: Int
    let state: ModelState
    let filters: PreparedFilters
    let backward: BackwardPlan
    let memory: PassMemory
    let pooling: PoolingIndices
    let workspace: FloatBuffer
    let statistics: BatchStatistics
    private let normalization: NormalizationConstants
    private let parameterScratch: FloatBuffer
    /// What the last forward pass was given, until a backward pass has used up what it kept.
    private var forwarded: (images: UnsafePointer<Float>, batch: Int)?

    /// - Parameters:
    ///   - filters: shared with whoever else works on this network; `prepare` fills it.
    ///   - capacity: the most images of a micro-batch.
    package init(_ state: ModelState, filters: PreparedFilters, capacity: Int) {
        self.state = state
        self.filters = filters
        self.capacity = capacity
        network = state.network
        layout = StepLayout(network)
        backward = BackwardPlan(nodes: network.nodes, recomputes: true)
        memory = PassMemory(
            network: network, nodes: network.nodes, backward: backward, capacity: capacity, keepsInputs: true)
        pooling = PoolingIndices(network: network, nodes: network.nodes, capacity: capacity)
        workspace = FloatBuffer(count: filters.workspaceCount)
        statistics = BatchStatistics(network: network)
        normalization = NormalizationConstants(network: network)
        // BatchNorm's input gradient needs the gradients of γ and β even when nobody asks for them.
        parameterScratch = FloatBuffer(count: 2 * (network.batchNorms.map(\.channels).max() ?? 0))
    }

    /// Prepares the filters for training passes: once after each change of the weights, for all passes that share them.
    package static func prepare(_ filters: PreparedFilters, for state: ModelState) {
        for (index, layer) in state.network.convolutions.enumerated() {
            filters.prepare(layer: index, filter: UnsafePointer(state.parameters.pointer + layer.weight))
        }
    }

    /// Logits of `batch` ≤ `capacity` images. What `backward` needs is kept until the next forward pass.
    ///
    /// Cost: `Network.flops` per image. BatchNorm's statistics are those of these images, so a micro-batch must always hold the
    /// same ones for a run to be repeatable.
    ///
    /// - Parameter images: [batch, height, width, channels]; must stay as they are until `backward` is done.
    /// - Returns: [batch, classes], until the next pass.
    @discardableResult
    package func forward(_ images: UnsafePointer<Float>, batch: Int) -> UnsafePointer<Float> {
        compute(images, batch: batch)
        forwarded = (images, batch)
        return UnsafePointer(memory.value(network.nodes.last!.output))
    }

    /// Where the caller writes, between `forward` and `backward`, the derivative of its loss with respect to the logits:
    /// [batch, classes], all of it.
    package var logitsGradient: UnsafeMutablePointer<Float> { memory.gradient(0) }

    /// Writes the statistics of the last forward pass where a step arena has them.
    package func writeStatistics(into step: UnsafeMutablePointer<Float>) {
        guard let forwarded else { preconditionFailure("no forward pass") }
        statistics.write(into: step + layout.statisticsOffset, batch: forwarded.batch)
    }

    /// Lets the statistics of the last forward pass follow those of an earlier one, of as many images, that `writeStatistics` put
    /// into a step arena: running statistics are then updated as if each pass had updated them in turn, as PyTorch does.
    package func addStatistics(to step: UnsafeMutablePointer<Float>) {
        guard let forwarded else { preconditionFailure("no forward pass") }
        statistics.follow(step + layout.statisticsOffset, running: state.buffers.pointer, batch: forwarded.batch)
    }

    /// Goes back through the last forward pass from what lies in `logitsGradient`. Once for each forward pass: gradients take
    /// the place of what it kept.
    ///
    /// Cost: `Network.flops` per image for images alone, twice as much for parameters, with or without images.
    ///
    /// - Parameters:
    ///   - step: an arena of `layout.count` floats whose parameter gradients are overwritten, or nil if nobody asks for them.
    ///   - gradient: [batch, height, width, channels], overwritten, or nil.
    ///   - completed: called as the pass goes; every parameter gradient in `step` from this offset on is final.
    package func backward(
        parameters step: UnsafeMutablePointer<Float>?, images gradient: UnsafeMutablePointer<Float>?,
        completed: (_ offset: Int) throws -> Void
    ) rethrows {
        guard let (images, batch) = forwarded else { preconditionFailure("no forward pass, or one that was gone back through") }
        forwarded = nil
        for action in backward.actions {
            let offset = perform(action, images: images, batch: batch, step: step, imageGradient: gradient)
            if let offset { try completed(offset) }
        }
    }

    // MARK: - As the model of an attack on BatchNorm in training mode

    package var classes: Int { network.classes }
    package var imageShape: ImageShape { network.input }

    package func logits(of images: UnsafePointer<Float>, batch: Int, into logits: UnsafeMutablePointer<Float>) {
        logits.update(from: forward(images, batch: batch), count: batch * classes)
    }

    package func inputGradient(
        of images: UnsafePointer<Float>, batch: Int, into gradient: UnsafeMutablePointer<Float>,
        loss: (UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
    ) {
        loss(forward(images, batch: batch), logitsGradient)
        backward(parameters: nil, images: gradient) { _ in }
    }

    // MARK: - The passes

    private func compute(_ images: UnsafePointer<Float>, batch: Int) {
        precondition(batch <= capacity, "\(batch) images for a capacity of \(capacity)")
        let parameters = UnsafePointer(state.parameters.pointer)
        for (index, node) in network.nodes.enumerated() {
            let input = node.input == 0 ? images : UnsafePointer(memory.value(node.input))
            let addend = node.addend.map { UnsafePointer(memory.value($0)) }
            let output = memory.value(node.output)
            let shape = network.values[node.input]
            switch node.operation {
            case .normalization: normalization.apply(input, rows: batch * shape.pixels, output: output)
            case .convolution(let layer, _):
                filters.convolutions[layer].forward(
                    input, prepared: filters.forward(layer), output: output, batch: batch,
                    epilogue: Epilogue(addend: addend, relu: node.relu), workspace: workspace.pointer)
            case .batchNorm(let layer):
                statistics.compute(layer, input, rows: batch * shape.pixels, parameters: parameters)
                normalise(node, layer, input, rows: batch * shape.pixels, addend: addend, output: output)
            case .maxPool(let pool):
                Pooling.maxForward(input, shape: pool, batch: batch, output: output, argmax: pooling[index])
            case .averagePool(let pool): Pooling.averageForward(input, shape: pool, batch: batch, output: output)
            case .concatenation(let with):
                ChannelConcatenation.join(
                    input, channels: shape.channels, memory.value(with), channels: network.values[with].channels,
                    rows: batch * shape.pixels, output: output)
            case .globalAveragePool:
                Pooling.globalAverageForward(
                    input, pixels: shape.pixels, channels: shape.channels, batch: batch, output: output)
            case .linear(let layer):
                let linear = network.linears[layer]
                Linear.forward(
                    input, weights: parameters + linear.weight, bias: parameters + linear.bias, batch: batch,
                    inputs: linear.inputs, outputs: linear.outputs, output: output)
            case .affine: preconditionFailure("a training pass has no BatchNorm in evaluation mode")
            }
        }
    }

    private func normalise(
        _ node: Network.Node, _ layer: Int, _ input: UnsafePointer<Float>, rows: Int, addend: UnsafePointer<Float>?,
        output: UnsafeMutablePointer<Float>
    ) {
        let norm = network.batchNorms[layer]
        BatchNormalization.apply(
            input, rows: rows, channels: norm.channels, mean: statistics.mean(layer), scale: statistics.scale(layer),
            shift: state.parameters.pointer + norm.bias, addend: addend, relu: node.relu, output: output)
    }

    /// Returns the offset from which `step` is now complete, if the action wrote into it.
    private func perform(
        _ action: BackwardPlan.Action, images: UnsafePointer<Float>, batch: Int, step: UnsafeMutablePointer<Float>?,
        imageGradient: UnsafeMutablePointer<Float>?
    ) -> Int? {
        func tensor(_ index: Int) -> UnsafeMutablePointer<Float>? {
            index == backward.imageGradient ? imageGradient : memory.gradient(index)
        }
        switch action {
        case .add(let a, let b, let gate, let result):
            guard let output = tensor(result), let a = tensor(a) else { return nil }
            Elementwise.addGated(
                a, b.flatMap { UnsafePointer(tensor($0)) }, gate: gate.map { UnsafePointer(memory.kept($0)) },
                count: batch * network.values[backward.tensors[result]].count, output: output)
            return nil
        case .recompute(let index):
            let node = network.nodes[index]
            guard case .batchNorm(let layer) = node.operation else { preconditionFailure("only BatchNorms are recomputed") }
            let input = node.input == 0 ? images : UnsafePointer(memory.kept(node.input))
            normalise(
                node, layer, input, rows: batch * network.values[node.input].pixels, addend: nil, output: memory.kept(node.output))
            return nil
        case .restore(let index):
            let node = network.nodes[index]
            let shape = network.values[node.input]
            ChannelConcatenation.part(
                memory.kept(node.output), channels: network.values[node.output].channels, start: 0, count: shape.channels,
                rows: batch * shape.pixels, output: memory.kept(node.input))
            return nil
        case .split(let index, let gradient, let first, let second):
            guard let gradient = tensor(gradient) else { return nil }
            let node = network.nodes[index]
            let (whole, shape) = (network.values[node.output].channels, network.values[node.input])
            func write(_ part: Int, start: Int, count: Int) {
                guard let output = tensor(part) else { return }
                ChannelConcatenation.part(gradient, channels: whole, start: start, count: count, rows: batch * shape.pixels, output: output)
            }
            write(first, start: 0, count: shape.channels)
            write(second, start: shape.channels, count: whole - shape.channels)
            return nil
        case .node(let index, let gradient, let result, let addend, let gate):
            let node = network.nodes[index]
            let shape = network.values[node.input]
            let input = node.input == 0 ? images : UnsafePointer(memory.kept(node.input))
            // A node that leads to the images and nowhere else has nothing to do where their gradient is not wanted.
            guard let gradient = tensor(gradient).map({ UnsafePointer($0) }) else { return nil }
            let result = result.flatMap(tensor)
            let gate = gate.map { UnsafePointer(memory.kept($0)) }
            let addend = addend.flatMap { UnsafePointer(tensor($0)) }
            switch node.operation {
            case .normalization:
                if let result {
                    normalization.backward(gradient, rows: batch * shape.pixels, addend: addend, gate: gate, output: result)
                }
            case .convolution(let layer, _):
                let offset = network.convolutions[layer].weight
                if let step {
                    filters.convolutions[layer].filterGradient(
                        input: input, outputGradient: gradient, filterGradient: step + offset, batch: batch,
                        workspace: workspace.pointer)
                }
                if let result {
                    filters.convolutions[layer].inputGradient(
                        gradient, prepared: filters.inputGradient(layer), inputGradient: result, batch: batch,
                        epilogue: Epilogue(addend: addend, gate: gate), workspace: workspace.pointer)
                }
                return step == nil ? nil : offset
            case .batchNorm(let layer):
                let norm = network.batchNorms[layer]
                let rows = batch * shape.pixels
                let gammaGradient = step.map { $0 + norm.weight } ?? parameterScratch.pointer
                let betaGradient = step.map { $0 + norm.bias } ?? parameterScratch.pointer + norm.channels
                BatchNormalization.parameterGradients(
                    input, outputGradient: gradient, rows: rows, channels: norm.channels, mean: statistics.mean(layer),
                    inverseStandardDeviation: statistics.inverseDeviation(layer), gammaGradient: gammaGradient,
                    betaGradient: betaGradient)
                if let result {
                    BatchNormalization.inputGradient(
                        input, outputGradient: gradient, rows: rows, channels: norm.channels,
                        mean: statistics.mean(layer), inverseStandardDeviation: statistics.inverseDeviation(layer),
                        gamma: state.parameters.pointer + norm.weight, gammaGradient: gammaGradient,
                        betaGradient: betaGradient, addend: addend, gate: gate, inputGradient: result)
                }
                return step == nil ? nil : norm.weight
            case .maxPool(let pool):
                Pooling.maxBackward(
                    gradient, argmax: pooling[index]!, shape: pool, batch: batch, gate: gate, inputGradient: result!)
            case .averagePool(let pool):
                Pooling.averageBackward(gradient, shape: pool, batch: batch, gate: gate, inputGradient: result!)
            case .concatenation: preconditionFailure("the gradient of a concatenation is split")
            case .globalAveragePool:
                Pooling.globalAverageBackward(
                    gradient, pixels: shape.pixels, channels: shape.channels, batch: batch, gate: gate,
                    inputGradient: result!)
            case .linear(let layer):
                let linear = network.linears[layer]
                if let step {
                    Linear.parameterGradients(
                        input, outputGradient: gradient, batch: batch, inputs: linear.inputs, outputs: linear.outputs,
                        weightGradient: step + linear.weight, biasGradient: step + linear.bias)
                }
                Linear.inputGradient(
                    gradient, weights: state.parameters.pointer + linear.weight, batch: batch, inputs: linear.inputs,
                    outputs: linear.outputs, inputGradient: result!)
                return step == nil ? nil : linear.weight
            case .affine: preconditionFailure("a training pass has no BatchNorm in evaluation mode")
            }
            return nil
        }
    }
}
