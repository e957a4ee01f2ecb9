import Kernels

/// Writes a network down layer by layer, as a forward function would compute it.
///
/// ```swift
/// var net = NetworkBuilder(input: shape)
/// var x = net.convolution("conv1", net.images, outputs: 64, kernel: 3)
/// x = net.batchNorm("bn1", x, relu: true)
/// let network = net.classifier("fc", x, classes: 10)
/// ```
struct NetworkBuilder {
    /// A value of the network under construction.
    struct Value {
        fileprivate let index: Int
        let shape: ImageShape
    }

    private var network: Network
    /// The images, normalised if they are to be.
    private(set) var images: Value

    /// - Parameter normalization: with a value for each of the input's channels.
    init(input: ImageShape, normalization: ImageNormalization? = nil) {
        network = Network(input: input, classes: 0, normalization: normalization, values: [input])
        images = Value(index: 0, shape: input)
        if normalization != nil { images = add(.normalization, images, shape: input) }
    }

    mutating func convolution(
        _ name: String, _ input: Value, outputs: Int, kernel: Int, stride: Int = 1, adding addend: Value? = nil
    ) -> Value {
        let shape = ConvolutionShape(
            height: input.shape.height, width: input.shape.width, inputChannels: input.shape.channels,
            outputChannels: outputs, kernel: kernel, stride: stride, padding: kernel / 2)
        let weight = addParameter("\(name).weight", [outputs, input.shape.channels, kernel, kernel], order: .filter)
        network.convolutions.append(.init(name: name, shape: shape, weight: weight))
        return add(
            .convolution(layer: network.convolutions.count - 1, folded: nil), input, addend: addend,
            shape: ImageShape(height: shape.outputHeight, width: shape.outputWidth, channels: outputs))
    }

    mutating func batchNorm(_ name: String, _ input: Value, adding addend: Value? = nil, relu: Bool) -> Value {
        let channels = input.shape.channels
        let layer = Network.BatchNormLayer(
            name: name, channels: channels, weight: addParameter("\(name).weight", [channels]),
            bias: addParameter("\(name).bias", [channels]), runningMean: addBuffer("\(name).running_mean", channels),
            runningVariance: addBuffer("\(name).running_var", channels))
        network.batchNorms.append(layer)
        return add(
            .batchNorm(layer: network.batchNorms.count - 1), input, addend: addend, relu: relu, shape: input.shape)
    }

    mutating func maxPool(_ input: Value, kernel: Int, stride: Int, padding: Int) -> Value {
        let shape = PoolingShape(
            height: input.shape.height, width: input.shape.width, channels: input.shape.channels, kernel: kernel,
            stride: stride, padding: padding)
        return add(
            .maxPool(shape), input,
            shape: ImageShape(height: shape.outputHeight, width: shape.outputWidth, channels: input.shape.channels))
    }

    mutating func averagePool(_ input: Value, kernel: Int, stride: Int) -> Value {
        let shape = PoolingShape(
            height: input.shape.height, width: input.shape.width, channels: input.shape.channels, kernel: kernel, stride: stride, padding: 0)
        return add(
            .averagePool(shape), input,
            shape: ImageShape(height: shape.outputHeight, width: shape.outputWidth, channels: input.shape.channels))
    }

    /// The channels of two values of the same height and width, those of `first` first.
    mutating func concatenation(_ first: Value, _ second: Value) -> Value {
        precondition(first.shape.pixels == second.shape.pixels && first.shape.height == second.shape.height, "values of two sizes")
        return add(
            .concatenation(with: second.index), first,
            shape: ImageShape(height: first.shape.height, width: first.shape.width, channels: first.shape.channels + second.shape.channels))
    }

    mutating func globalAveragePool(_ input: Value) -> Value {
        add(.globalAveragePool, input, shape: ImageShape(height: 1, width: 1, channels: input.shape.channels))
    }

    mutating func linear(_ name: String, _ input: Value, outputs: Int) -> Value {
        let inputs = input.shape.count
        let layer = Network.LinearLayer(
            name: name, inputs: inputs, outputs: outputs, weight: addParameter("\(name).weight", [outputs, inputs]),
            bias: addParameter("\(name).bias", [outputs]))
        network.linears.append(layer)
        return add(
            .linear(layer: network.linears.count - 1), input, shape: ImageShape(height: 1, width: 1, channels: outputs))
    }

    /// Random filters will have variance 2/inputs instead of 2/outputs, and the last layer no bias at first.
    mutating func drawFiltersByInputs() { network.drawsFiltersByInputs = true }

    /// The network whose logits are a linear layer over the average of `features`.
    consuming func classifier(_ name: String, _ features: Value, classes: Int) -> Network {
        _ = linear(name, globalAveragePool(features), outputs: classes)
        network.classes = classes
        return network
    }

    private mutating func add(
        _ operation: Network.Operation, _ input: Value, addend: Value? = nil, relu: Bool = false, shape: ImageShape
    ) -> Value {
        precondition(addend.map { $0.shape == shape && $0.index != 0 } ?? true, "an addend needs the result's shape")
        let output = network.values.count
        network.values.append(shape)
        network.nodes.append(
            .init(operation: operation, input: input.index, addend: addend?.index, relu: relu, output: output))
        return Value(index: output, shape: shape)
    }

    private mutating func addParameter(_ name: String, _ shape: [Int], order: TensorLayout.Order = .plain) -> Int {
        let layout = TensorLayout(name: name, shape: shape, offset: network.parameterCount, order: order)
        network.parameters.append(layout)
        network.parameterCount += layout.count
        return layout.offset
    }

    private mutating func addBuffer(_ name: String, _ count: Int) -> Int {
        let layout = TensorLayout(name: name, shape: [count], offset: network.bufferCount, order: .plain)
        network.buffers.append(layout)
        network.bufferCount += count
        return layout.offset
    }
}
