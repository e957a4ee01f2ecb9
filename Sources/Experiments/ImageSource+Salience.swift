import Datasets
import Diagnostics
import Kernels
import Salience

/// The one way in which images get their salience, for training, evaluation and estimation.
extension ImageSource {
    /// What maps are told that they belong to.
    package func identity(split: DatasetSplit) -> SalienceProvenance.Dataset {
        .init(name: name, split: split.rawValue, count: count, fingerprint: fingerprint)
    }

    /// The maps at `path` that belong to these images: of a store, or of an array (.npy).
    ///
    /// - Throws: `Failure` if there are no maps, or they were not made for these images.
    package func salience(from path: String, split: DatasetSplit) throws -> any SalienceSource {
        let path = try expandingTilde(path)
        if SalienceStore.isStore(path) {
            let (store, own) = (try SalienceStore(path), identity(split: split))
            if !hasNames { try store.requireMade(for: own) }
            return try StoredSalience(store, for: own, size: imageSize, fit: fitRule, names: names, hashes: fileHashes)
        }
        let maps = try SalienceMaps(contentsOf: path)
        try maps.require(dataset: identity(split: split), height: imageShape.height, width: imageShape.width, from: path)
        return maps
    }

    /// These images with the maps at `path`.
    ///
    /// - Parameter ignored: for each image, whether it is to count as unseen; nil for none.
    package func attachingSalience(from path: String, split: DatasetSplit, ignoring ignored: [Bool]? = nil) throws -> any ImageSource {
        try attachingSalience(salience(from: path, split: split), ignoring: ignored)
    }

    /// These images with a map each by `estimator`: a byte per pixel in memory.
    func attachingSalience(of estimator: any SalienceEstimator, split: DatasetSplit, ignoring ignored: [Bool]? = nil) throws -> any ImageSource {
        let pixels = imageShape.pixels
        var need = MemoryNeed()
        need.add(count, pixels)
        try requireMemory(
            need, for: "maps of \(count) images of \(imageShape)", remedy: "estimate them once into a file: sipat salience estimate, then salience.maps")
        let image = FloatBuffer(count: imageShape.count)
        let maps = try [UInt8](unsafeUninitializedCapacity: count * pixels) { buffer, initialized in
            for index in 0..<count {
                try read(index, values: image.pointer)
                estimator.estimate(image: image.pointer, shape: imageShape, into: buffer.baseAddress! + index * pixels)
            }
            initialized = count * pixels
        }
        let provenance = SalienceProvenance(source: .estimator, estimator: estimator.provenance, dataset: identity(split: split), createdBy: "sipat")
        return try attachingSalience(
            SalienceMaps(bytes: maps, count: count, height: imageShape.height, width: imageShape.width, provenance: provenance), ignoring: ignored)
    }
}
