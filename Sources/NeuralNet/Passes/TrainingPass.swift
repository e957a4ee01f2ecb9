import Kernels

/// Forward and backward of one micro-batch in training mode, for one thread.
///
/// BatchNorm uses the statistics of the micro-batch. Everything that leaves the pass is a sum over samples (`StepLayout`).
/// The weights are read from the state and the filters it was prepared for; no call allocates.
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
    private let losses: FloatBuffer
    private let parameterScratch: FloatBuffer

    /// - Parameters:
    ///   - filters: shared with whoever else works on this network; `prepare` fills it.
    ///   - capacity: the most images of a micro-batch.
    ///   - attacks: whether `inputGradient(of:…)` will be called (for attacks on BatchNorm in training mode).
    package init(_ state: ModelState, filters: PreparedFilters, capacity: Int, attacks: Bool = false) {
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
        losses = FloatBuffer(count: capacity)
        // BatchNorm's input gradient needs the gradients of γ and β even when nobody asks for them.
        parameterScratch = FloatBuffer(count: attacks ? 2 * (network.batchNorms.map(\.channels).max() ?? 0) : 0)
    }

    /// Prepares the filters for training passes: once after each change of the weights, for all passes that share them.
    package static func prepare(_ filters: PreparedFilters, for state: ModelState) {
        for (index, layer) in state.network.convolutions.enumerated() {
            filters.prepare(layer: index, filter: UnsafePointer(state.parameters.pointer + layer.weight))
        }
    }

    /// Writes a micro-batch's gradients of Σ cross-entropies, its statistics, loss and correct predictions.
    ///
    /// Cost: three times `Network.flops` per image, less the first layer's input gradient. BatchNorm's statistics are
    /// those of these images, so a micro-batch must always hold the same ones for a run to be repeatable.
    ///
    /// - Parameters:
    ///   - images: [batch, height, width, channels]; `labels`: [batch]; `batch` ≤ `capacity`.
    ///   - step: an arena of `layout.count` floats, overwritten.
    ///   - completed: called as the backward pass goes; everything in `step` from this offset on is final.
    package func run(
        images: UnsafePointer<Float>, labels: UnsafePointer<Int32>, batch: Int, labelSmoothing: Float = 0,
        step: UnsafeMutablePointer<Float>, completed: (_ offset: Int) throws -> Void = { _ in }
    ) rethrows {
        forward(images, batch: batch)
        let logits = UnsafePointer(memory.value(network.nodes.last!.output))
        CrossEntropy.lossesAndGradient(
            logits, labels: labels, batch: batch, classes: classes, smoothing: labelSmoothing, gradientScale: 1,
            losses: losses.pointer, gradient: memory.gradient(0))
        var loss = 0.0
        for i in 0..<batch { loss += Double(losses[i]) }
        step[layout.lossOffset] = Float(loss)
        step[layout.correctOffset] = Float(
            CrossEntropy.correct(logits, labels: labels, batch: batch, classes: classes, top: 1))
        statistics.write(into: step + layout.statisticsOffset, batch: batch)
        try completed(layout.statisticsOffset)
        for action in backward.actions {
            let offset = perform(action, images: images, batch: batch, step: step, imageGradient: nil)
            if let offset { try completed(offset) }
        }
    }

    // MARK: - As the model of an attack on BatchNorm in training mode

    package var classes: Int { network.classes }
    package var imageShape: ImageShape { network.input }

    package func logits(of images: UnsafePointer<Float>, batch: Int, into logits: UnsafeMutablePointer<Float>) {
        forward(images, batch: batch)
        logits.update(from: memory.value(network.nodes.last!.output), count: batch * classes)
    }

    package func inputGradient(
        of images: UnsafePointer<Float>, batch: Int, into gradient: UnsafeMutablePointer<Float>,
        loss: (UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
    ) {
        precondition(parameterScratch.count > 0 || network.batchNorms.isEmpty, "this pass was not made for attacks")
        forward(images, batch: batch)
        loss(memory.value(network.nodes.last!.output), memory.gradient(0))
        for action in backward.actions {
            _ = perform(action, images: images, batch: batch, step: nil, imageGradient: gradient)
        }
    }

    // MARK: - The passes

    private func forward(_ images: UnsafePointer<Float>, batch: Int) {
        precondition(batch <= capacity, "\(batch) images for a capacity of \(capacity)")
        let parameters = UnsafePointer(state.parameters.pointer)
        for (index, node) in network.nodes.enumerated() {
            let input = node.input == 0 ? images : UnsafePointer(memory.value(node.input))
            let addend = node.addend.map { UnsafePointer(memory.value($0)) }
            let output = memory.value(node.output)
            let shape = network.values[node.input]
            switch node.operation {
            case .convolution(let layer, _):
                filters.convolutions[layer].forward(
                    input, prepared: filters.forward(layer), output: output, batch: batch,
                    epilogue: Epilogue(addend: addend, relu: node.relu), workspace: workspace.pointer)
            case .batchNorm(let layer):
                statistics.compute(layer, input, rows: batch * shape.pixels, parameters: parameters)
                normalise(node, layer, input, rows: batch * shape.pixels, addend: addend, output: output)
            case .maxPool(let pool):
                Pooling.maxForward(input, shape: pool, batch: batch, output: output, argmax: pooling[index])
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
        case .node(let index, let gradient, let result, let addend, let gate):
            let node = network.nodes[index]
            let shape = network.values[node.input]
            let input = node.input == 0 ? images : UnsafePointer(memory.kept(node.input))
            let gradient = UnsafePointer(tensor(gradient)!)
            let result = result.flatMap(tensor)
            let gate = gate.map { UnsafePointer(memory.kept($0)) }
            let addend = addend.flatMap { UnsafePointer(tensor($0)) }
            switch node.operation {
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
