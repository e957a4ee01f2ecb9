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
        return SafetensorsWriter(tensors, metadata: ["format": "pt"])
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
    /// - Returns: what the user should know of how the file was read, a line each.
    /// - Throws: `Failure` that says what is missing, surplus and misshapen, and why, or which tensor holds values that no
    ///   model can have.
    @discardableResult
    package static func load(_ path: String, into model: ModelState) throws -> [String] {
        let file = try SafetensorsFile(path)
        let shapes = Dictionary(uniqueKeysWithValues: file.names.map { ($0, file.shape(of: $0)!) })
        let names = StateDictNames(expected: model.layouts.map { ($0.name, $0.shape) }, file: shapes)
        if let fault = names.fault { throw Failure.badData("\(path): \(fault)", remedy: names.remedy) }
        let variances = Set(model.network.batchNorms.map { "\($0.name).running_var" })
        for (index, layout) in model.layouts.enumerated() {
            let name = names.found[layout.name]!
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
        return try names.notes + normalizationNotes(file)
    }

    /// What to say of a file whose model normalises its images, which this program's does not.
    private static func normalizationNotes(_ file: SafetensorsFile) throws -> [String] {
        let names = file.names.filter { StateDictNames.isNormalization($0) }
        let matters = try names.contains { name in
            guard file.dtype(of: name)?.isFloatingPoint == true else { return false }
            let values = try file.floats(of: name)
            return !(values.allSatisfy { $0 == 0 } || values.allSatisfy { $0 == 1 })
        }
        guard matters else { return [] }
        return ["warning: the file holds \(names.joined(separator: ", ")): its model was trained on normalised images, but images are given to it as they are, in [0, 1]; expect wrong numbers"]
    }
}
