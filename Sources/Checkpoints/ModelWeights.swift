import Diagnostics
import Digests
import NeuralNet

/// A model's parameters and running statistics as safetensors, under PyTorch's state_dict names and layouts.
package enum ModelWeights {
    /// - Parameter steps: training steps taken: what PyTorch calls `num_batches_tracked`.
    package static func writer(_ model: ModelState, steps: Int) -> SafetensorsWriter {
        var tensors = model.layouts.enumerated().map { index, layout in
            SafetensorsTensor(name: layout.name, shape: layout.shape, floats: { model.exported(index) })
        }
        tensors += model.counterNames.map { SafetensorsTensor(name: $0, shape: [], integers: [Int64(steps)]) }
        var metadata = ["format": "pt"]
        if let normalization = model.network.normalization { metadata.merge(normalization.metadata) { $1 } }
        return SafetensorsWriter(tensors, metadata: metadata)
    }

    /// SHA-256 of the weights, in the order and layout of the file.
    package static func hash(_ model: ModelState) -> String {
        let hash = SHA256()
        for index in model.layouts.indices {
            model.exported(index).withUnsafeBytes { hash.update($0) }
        }
        return hash.finish()
    }

    /// Loads weights from a checkpoint of ours or a PyTorch state_dict of the same network.
    ///
    /// Names that other programs give are understood, see `StateDictNames`.
    ///
    /// - Parameters:
    ///   - renewsLastLayer: whether the last layer may stay as it is, if the file has none or one for other classes.
    ///   - words: how the user says what a model is.
    /// - Returns: what the user should know of how the file was read, a line each.
    /// - Throws: `Failure` that says what is missing, surplus and misshapen, and why, or which tensor holds values that no
    ///   model can have.
    @discardableResult
    package static func load(_ path: String, into model: ModelState, renewsLastLayer: Bool = false, words: ModelWords = .flags) throws -> [String] {
        let file = try SafetensorsFile(path)
        let shapes = Dictionary(uniqueKeysWithValues: file.names.map { ($0, file.shape(of: $0)!) })
        let names = StateDictNames(
            expected: model.layouts.map { ($0.name, $0.shape) }, file: shapes,
            lastLayer: renewsLastLayer ? model.network.linears.last?.name : nil, words: words)
        if let fault = names.fault { throw Failure.badData("\(path): \(fault)", remedy: names.remedy) }
        let variances = Set(model.network.batchNorms.map { "\($0.name).running_var" })
        for (index, layout) in model.layouts.enumerated() {
            guard let name = names.found[layout.name] else { continue }
            let values = try file.floats(of: name)
            guard values.count == layout.count else { throw Failure.internalError("\(path): \(name) has \(values.count) values, not \(layout.count)") }
            if let bad = values.firstIndex(where: { !$0.isFinite }) {
                throw Failure.badData(
                    "\(path): tensor \"\(name)\" holds \(values[bad]) at position \(bad), expected finite numbers that fit float32",
                    remedy: "the training that wrote it diverged, or the file is damaged: take an earlier checkpoint")
            }
            if variances.contains(layout.name), let bad = values.firstIndex(where: { $0 < 0 }) {
                throw Failure.badData(
                    "\(path): tensor \"\(name)\" holds the variance \(values[bad]) at position \(bad), expected none below 0",
                    remedy: "the file is damaged or was not written by training: take another checkpoint")
            }
            model.load(index, values)
        }
        let normalization = try NormalizationInFile(file)
        return names.notes + normalization.notes(for: model.network.normalization, words: words)
    }

    /// The normalisation that a file written by this program says its model has; nil if it says none.
    ///
    /// - Throws: `Failure` if the file cannot be read.
    package static func normalization(in path: String) throws -> ImageNormalization? { ImageNormalization(metadata: try SafetensorsFile(path).metadata) }
}
