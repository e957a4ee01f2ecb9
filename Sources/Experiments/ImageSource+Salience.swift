import Datasets
import Kernels
import Salience

/// The one way in which images get their salience, for training, evaluation and estimation.
extension ImageSource {
    /// These images with the maps of a file.
    ///
    /// - Parameter ignored: for each image, whether it is to count as unannotated; nil for none.
    /// - Throws: `Failure` if the file is not one of maps, or they were not made for these images.
    package func attachingSalience(from path: String, split: DatasetSplit, ignoring ignored: [Bool]? = nil) throws -> any ImageSource {
        let maps = try SalienceMaps(contentsOf: path)
        try maps.require(
            dataset: .init(name: name, split: split.rawValue, count: count, fingerprint: fingerprint), height: imageShape.height,
            width: imageShape.width, from: path)
        let annotated = (0..<count).map { maps.isAnnotated($0) && ignored?[$0] != true }
        return try attachingSalience(maps: mapValues { maps.copy($0, into: $1) }, annotated: annotated, source: path)
    }

    /// These images with a map each by `estimator`.
    func attachingSalience(of estimator: any SalienceEstimator, ignoring ignored: [Bool]) throws -> any ImageSource {
        let image = FloatBuffer(count: imageShape.count)
        let maps = try mapValues { index, map in
            try read(index, values: image.pointer)
            estimator.estimate(image: image.pointer, shape: imageShape, into: map)
        }
        return try attachingSalience(maps: maps, annotated: ignored.map { !$0 }, source: estimator.provenance.name)
    }

    private func mapValues(_ write: (_ index: Int, _ map: UnsafeMutablePointer<Float>) throws -> Void) rethrows -> [Float] {
        try [Float](unsafeUninitializedCapacity: count * imageShape.pixels) { buffer, initialized in
            for index in 0..<count { try write(index, buffer.baseAddress! + index * imageShape.pixels) }
            initialized = count * imageShape.pixels
        }
    }
}
