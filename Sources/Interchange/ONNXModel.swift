import Kernels
import NeuralNet

/// A model as an ONNX file: operators of version 13, which every runtime of the last years knows, N×C×H×W, float32.
///
/// Normalisation of the input is a part of the graph, as it is of the model: images go in as they are, in [0, 1]. BatchNorm is
/// kept as such, with its running statistics, under PyTorch's names; runtimes fold it into the convolutions themselves.
package struct ONNXModel {
    package static let input = "images"
    package static let output = "logits"
    /// Of the format, and of its operators.
    private static let version: UInt64 = 7
    private static let operators: UInt64 = 13

    /// The file, in pieces, in order.
    package let pieces: [[UInt8]]

    package var byteCount: Int { pieces.reduce(0) { $0 + $1.count } }

    /// Memory: the weights twice.
    ///
    /// - Parameters:
    ///   - metadata: pairs for the file's properties, such as the classes' names.
    ///   - producer: the program and its version.
    package init(_ state: ModelState, name: String, description: String, metadata: [(key: String, value: String)], producer: (name: String, version: String)) {
        var head = ProtocolBuffer()
        head.varint(1, ONNXModel.version)
        head.string(2, producer.name)
        head.string(3, producer.version)
        head.string(6, description)
        head.message(8) { $0.varint(2, ONNXModel.operators) }
        for (key, value) in metadata {
            head.message(14) {
                $0.string(1, key)
                $0.string(2, value)
            }
        }
        let graph = ONNXGraph(state, name: name).bytes
        head.announce(7, count: graph.count)
        pieces = [head.bytes, graph]
    }
}

/// The graph of an ONNX model: nodes, weights, input and output.
private struct ONNXGraph {
    private let network: Network
    private var graph = ProtocolBuffer()

    var bytes: [UInt8] { graph.bytes }

    init(_ state: ModelState, name: String) {
        network = state.network
        for node in network.nodes { add(node) }
        graph.string(2, name)
        if let normalization = network.normalization {
            addTensor("normalization.mean", [1, normalization.mean.count, 1, 1], normalization.mean)
            addTensor("normalization.std", [1, normalization.deviation.count, 1, 1], normalization.deviation)
        }
        for (index, layout) in state.layouts.enumerated() { addTensor(layout.name, layout.shape, state.exported(index)) }
        let shape = network.input
        addValue(11, ONNXModel.input, [shape.channels, shape.height, shape.width])
        addValue(12, ONNXModel.output, [network.classes])
    }

    /// The name of a value; the last is the logits.
    private func value(_ index: Int) -> String {
        index == 0 ? ONNXModel.input : index == network.nodes.last!.output ? ONNXModel.output : "value\(index)"
    }

    /// `output = relu?(operation(input) + addend?)`, as up to three nodes of ONNX.
    private mutating func add(_ node: Network.Node) {
        let output = value(node.output)
        let summed = node.relu ? output + ".sum" : output
        let computed = node.addend != nil ? output + ".computed" : summed
        addOperation(node, from: value(node.input), to: computed)
        if let addend = node.addend { addNode("Add", [computed, value(addend)], summed) }
        if node.relu { addNode("Relu", [summed], output) }
    }

    private mutating func addOperation(_ node: Network.Node, from input: String, to output: String) {
        switch node.operation {
        case .normalization:
            addNode("Sub", [input, "normalization.mean"], output + ".centred")
            addNode("Div", [output + ".centred", "normalization.std"], output)
        case .convolution(let index, _):
            let layer = network.convolutions[index]
            let shape = layer.shape
            addNode("Conv", [input, layer.name + ".weight"], output, window(shape.kernel, stride: shape.stride, padding: shape.padding))
        case .batchNorm(let index), .affine(let index):
            let layer = network.batchNorms[index]
            let tensors = ["weight", "bias", "running_mean", "running_var"].map { "\(layer.name).\($0)" }
            addNode("BatchNormalization", [input] + tensors, output, [("epsilon", .float(Network.batchNormEpsilon))])
        case .maxPool(let shape): addNode("MaxPool", [input], output, window(shape.kernel, stride: shape.stride, padding: shape.padding))
        case .averagePool(let shape):
            let counts: [(String, Attribute)] = [("count_include_pad", .integer(1))]
            addNode("AveragePool", [input], output, window(shape.kernel, stride: shape.stride, padding: shape.padding) + counts)
        case .concatenation(let with): addNode("Concat", [input, value(with)], output, [("axis", .integer(1))])
        case .globalAveragePool: addNode("GlobalAveragePool", [input], output)
        case .linear(let index):
            // Of one pixel: its channels are in PyTorch's order.
            let layer = network.linears[index]
            addNode("Flatten", [input], output + ".flat", [("axis", .integer(1))])
            addNode("Gemm", [output + ".flat", layer.name + ".weight", layer.name + ".bias"], output, [("transB", .integer(1))])
        }
    }

    private enum Attribute {
        case integer(Int)
        case integers([Int])
        case float(Float)
    }

    private func window(_ kernel: Int, stride: Int, padding: Int) -> [(String, Attribute)] {
        [
            ("kernel_shape", .integers([kernel, kernel])), ("strides", .integers([stride, stride])),
            ("pads", .integers([Int](repeating: padding, count: 4))),
        ]
    }

    private mutating func addNode(_ operation: String, _ inputs: [String], _ output: String, _ attributes: [(String, Attribute)] = []) {
        graph.message(1) { node in
            for input in inputs { node.string(1, input) }
            node.string(2, output)
            node.string(3, "\(operation):\(output)")
            node.string(4, operation)
            for (name, attribute) in attributes {
                node.message(5) {
                    $0.string(1, name)
                    switch attribute {
                    case .float(let value):
                        $0.float(2, value)
                        $0.varint(20, 1)
                    case .integer(let value):
                        $0.varint(3, UInt64(value))
                        $0.varint(20, 2)
                    case .integers(let values):
                        for value in values { $0.varint(8, UInt64(value)) }
                        $0.varint(20, 7)
                    }
                }
            }
        }
    }

    /// An initializer: float32, little-endian.
    private mutating func addTensor(_ name: String, _ shape: [Int], _ values: [Float]) {
        var tensor = ProtocolBuffer()
        for size in shape { tensor.varint(1, UInt64(size)) }
        tensor.varint(2, 1)
        tensor.string(8, name)
        values.map(\.bitPattern.littleEndian).withUnsafeBytes { tensor.delimited(9, $0) }
        graph.delimited(5, tensor.bytes)
    }

    /// A tensor of any number N of rows.
    private mutating func addValue(_ field: Int, _ name: String, _ shape: [Int]) {
        graph.message(field) { info in
            info.string(1, name)
            info.message(2) { type in
                type.message(1) { tensor in
                    tensor.varint(1, 1)
                    tensor.message(2) { dimensions in
                        dimensions.message(1) { $0.string(2, "N") }
                        for size in shape { dimensions.message(1) { $0.varint(1, UInt64(size)) } }
                    }
                }
            }
        }
    }
}
