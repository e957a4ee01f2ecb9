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
    /// - Throws: `Failure` that lists missing, surplus and misshapen tensors.
    package static func load(_ path: String, into model: ModelState) throws {
        let file = try SafetensorsFile(path)
        let counters = Set(model.counterNames)
        try file.require(model.layouts.map { ($0.name, $0.shape) }, mayHave: { counters.contains($0) })
        for (index, layout) in model.layouts.enumerated() { model.load(index, try file.floats(of: layout.name)) }
    }
}
