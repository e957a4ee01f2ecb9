import Checkpoints
import Datasets
import Diagnostics
import Interchange
import Kernels
import NeuralNet
import Recipes
import Training

/// A model to be written for other programs.
package struct ModelExport {
    package enum Format: String, CaseIterable, Sendable {
        case onnx
    }

    package let weights: WeightsSource
    /// What the user should know, a line each.
    package let notes: [String]
    private let loaded: LoadedModel
    private let classNames: [String]?

    /// - Parameters:
    ///   - weights: a run's folder, a checkpoint's, or a safetensors file.
    ///   - options: what the user says of the network.
    ///   - size: height and width of the images; nil for the run's.
    /// - Throws: `Failure` naming the file or the flag at fault.
    package init(weights given: String, options: EvaluationRequest.Model, size: Int?) throws {
        weights = try WeightsSource(given)
        let images = weights.state?.images
        let shapes = try LastAndFirstLayer(weights.path)
        guard let side = size.map({ (height: $0, width: $0) }) ?? images.map({ (height: $0.height, width: $0.width) }) ?? Self.side(weights.recipe) else {
            throw Failure.usage("\(weights.path) does not say how large the model's images are", remedy: "give their height and width: --size 32")
        }
        let input = ImageShape(height: side.height, width: side.width, channels: shapes.channels)
        loaded = try LoadedModel(weights, options: options, input: input, classes: shapes.classes)
        notes = loaded.notes
        classNames = images?.classNames.count == shapes.classes ? images?.classNames : nil
    }

    /// What must not be overwritten.
    package var inputs: [String] { [weights.path] + (weights.state == nil ? [] : [pathFolder(weights.path)]) }

    /// Writes the file, whole or not at all.
    ///
    /// - Returns: what was written, in words.
    package func write(_ format: Format, to path: String, program: String) throws -> String {
        let state = loaded.state
        let input = state.network.input
        let colours = input.channels == 1 ? "grey" : "RGB"
        var metadata: [(key: String, value: String)] = [("input", "\(colours), N×\(input.channels)×\(input.height)×\(input.width), values in [0, 1]")]
        if let classNames { metadata.append(("classes", String(decoding: try jsonBytes(classNames, .line).dropLast(), as: UTF8.self))) }
        if let normalization = state.network.normalization { metadata += [("mean", "\(normalization.mean)"), ("std", "\(normalization.deviation)")] }
        metadata.append(("weights_sha256", ModelWeights.hash(state)))
        let model = ONNXModel(
            state, name: loaded.configuration.name, description: "\(loaded.configuration.name), trained by sipat. Input: \(metadata[0].1). Output: logits.",
            metadata: metadata, producer: ("sipat", program))
        // What protocol buffers, and so all readers, can hold.
        guard model.byteCount < 1 << 31 else {
            throw Failure.usage("\(path): the model takes \(byteText(model.byteCount)), and an ONNX file holds less than 2 GiB", remedy: "export a narrower network")
        }
        try writeAtomically(to: path, byteCount: model.byteCount) { sink in
            for piece in model.pieces { try piece.withUnsafeBytes { try sink($0) } }
        }
        let normalized = state.network.normalization == nil ? "" : ", normalised by the model itself"
        return "\(path): \(loaded.configuration.name), \(ONNXModel.input) N×\(input.channels)×\(input.height)×\(input.width) (\(colours), in [0, 1]\(normalized)) to \(ONNXModel.output) N×\(state.network.classes)"
    }

    /// The images' size, as a recipe says it: for checkpoints that do not.
    private static func side(_ recipe: Recipe?) -> (height: Int, width: Int)? {
        guard let recipe else { return nil }
        let side: Int
        switch recipe.data.name {
        case .cifar10, .cifar100: side = 32
        case .mnist: side = 28
        case .synthetic: side = recipe.synthetic.size
        case .images: side = recipe.data.size
        }
        return side == 0 ? nil : (side, side)
    }
}

/// What the tensors of a file say of a model's two ends.
private struct LastAndFirstLayer {
    var classes: Int
    var channels: Int

    /// - Throws: `Failure` where the file holds no classifier.
    init(_ path: String) throws {
        let file = try SafetensorsFile(path)
        let weights = file.names.filter { $0.hasSuffix(".weight") || $0 == "weight" }
        // Every network here has one linear layer, and one convolution that is named as the first and lies in no block.
        let last = weights.first { file.shape(of: $0)?.count == 2 }
        let first = weights.filter { $0.hasSuffix("conv1.weight") || $0.hasSuffix("conv0.weight") }.min { ($0.count, $0) < ($1.count, $1) }
        guard let last, let first, let classes = file.shape(of: last)?.first, let shape = file.shape(of: first), shape.count == 4 else {
            throw Failure.badData("\(path): holds no image classifier that sipat knows", remedy: "give a run's folder, or a state_dict of one of its networks")
        }
        self.classes = classes
        channels = shape[1]
    }
}
