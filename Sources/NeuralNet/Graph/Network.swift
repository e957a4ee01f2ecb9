import Kernels

/// A network's architecture: its layers, in the order they are computed, and where their parameters lie.
///
/// A network is a value: it holds no weights (`ModelState` does) and no activations (the passes do). Value 0 is the
/// batch of images; each node computes one more value; the last is the logits.
package struct Network: Sendable, Hashable {
    /// What a node computes from its input.
    package enum Operation: Sendable, Hashable {
        /// The images with `Network.normalization`.
        case normalization
        /// Convolution `layer`; with `folded`, BatchNorm layer `folded` in evaluation mode is part of filter and bias.
        case convolution(layer: Int, folded: Int?)
        /// BatchNorm with the statistics of the micro-batch.
        case batchNorm(layer: Int)
        /// BatchNorm in evaluation mode, which is a multiplication and an addition per channel.
        case affine(layer: Int)
        case maxPool(PoolingShape)
        case averagePool(PoolingShape)
        /// The channels of the input and, behind them, those of the value `with`.
        case concatenation(with: Int)
        case globalAveragePool
        case linear(layer: Int)
    }

    /// `output = relu?(operation(input) + addend?)`.
    package struct Node: Sendable, Hashable {
        package var operation: Operation
        package var input: Int
        package var addend: Int?
        package var relu: Bool
        package var output: Int

        /// Every value it reads.
        package var reads: [Int] {
            let second: Int? = if case .concatenation(let with) = operation { with } else { nil }
            return [input] + [addend, second].compactMap { $0 }
        }
    }

    package struct ConvolutionLayer: Sendable, Hashable {
        package var name: String
        package var shape: ConvolutionShape
        /// Offset of the filter, HWIO, in the parameter arena.
        package var weight: Int
    }

    package struct BatchNormLayer: Sendable, Hashable {
        package var name: String
        package var channels: Int
        /// Offsets of γ and β in the parameter arena.
        package var weight: Int
        package var bias: Int
        /// Offsets of the running mean and variance in the buffer arena.
        package var runningMean: Int
        package var runningVariance: Int
    }

    package struct LinearLayer: Sendable, Hashable {
        package var name: String
        package var inputs: Int
        package var outputs: Int
        /// Offsets of weights [outputs, inputs] and bias in the parameter arena.
        package var weight: Int
        package var bias: Int
    }

    /// The constant PyTorch adds to variances, and the weight of the newest batch in its running statistics.
    package static let batchNormEpsilon: Float = 1e-5
    package static let batchNormMomentum: Float = 0.1

    package internal(set) var input: ImageShape
    package internal(set) var classes: Int
    /// What the first node does with the images, a value per channel; nil for nothing.
    package internal(set) var normalization: ImageNormalization?
    /// Shape of each value, per image.
    package internal(set) var values: [ImageShape]
    package internal(set) var nodes: [Node] = []
    package internal(set) var convolutions: [ConvolutionLayer] = []
    package internal(set) var batchNorms: [BatchNormLayer] = []
    package internal(set) var linears: [LinearLayer] = []
    /// Parameters in the order of their layers: the backward pass completes their gradients from the last to the first.
    package internal(set) var parameters: [TensorLayout] = []
    /// Running statistics.
    package internal(set) var buffers: [TensorLayout] = []
    package internal(set) var parameterCount = 0
    package internal(set) var bufferCount = 0
    /// Whether random filters have the variance 2/inputs instead of 2/outputs, and the last layer's bias is 0.
    package internal(set) var drawsFiltersByInputs = false

    /// Nodes for attacks and evaluation: each BatchNorm in evaluation mode, folded into the convolution before it where
    /// that convolution's result goes nowhere else.
    package var frozenNodes: [Node] {
        var consumers = [Int](repeating: 0, count: values.count)
        var producer = [Int: Int]()
        for (index, node) in nodes.enumerated() {
            for value in node.reads { consumers[value] += 1 }
            producer[node.output] = index
        }
        var frozen: [Node?] = nodes
        for (index, node) in nodes.enumerated() {
            guard case .batchNorm(let layer) = node.operation else { continue }
            if let source = producer[node.input], case .convolution(let convolution, nil) = nodes[source].operation,
                nodes[source].addend == nil, !nodes[source].relu, consumers[node.input] == 1
            {
                frozen[source] = nil
                frozen[index] = Node(
                    operation: .convolution(layer: convolution, folded: layer), input: nodes[source].input,
                    addend: node.addend, relu: node.relu, output: node.output)
            } else {
                frozen[index]?.operation = .affine(layer: layer)
            }
        }
        return frozen.compactMap { $0 }
    }

    /// How many images an attack takes through all its steps together: their activations stay in cache; the wider the
    /// network, the more images it takes to make up for reading the filters. Large images make up for it by themselves.
    package var attackGroup: Int { max(1, min(parameterCount < 2_000_000 ? 16 : 32, 8 * 224 * 224 / input.pixels)) }

    /// Multiplications and additions of one forward pass over one image, counted as direct convolutions would need them.
    package var flops: Int {
        convolutions.reduce(0) { $0 + $1.shape.flops } + linears.reduce(0) { $0 + 2 * $1.inputs * $1.outputs }
    }
}
