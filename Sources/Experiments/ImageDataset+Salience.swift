import Datasets
import Kernels
import Salience

/// The one way in which images get their salience, for training, evaluation and estimation.
extension ImageDataset {
    /// These images with the maps of a file.
    ///
    /// - Parameter ignored: for each image, whether it is to count as unannotated; nil for none.
    /// - Throws: `Failure` if the file is not one of maps, or they were not made for these images.
    package func attachingSalience(from path: String, split: DatasetSplit, ignoring ignored: [Bool]? = nil) throws -> ImageDataset {
        let maps = try SalienceMaps(contentsOf: path)
        try maps.require(
            dataset: .init(name: name, split: split.rawValue, count: count, fingerprint: fingerprint), height: imageShape.height,
            width: imageShape.width, from: path)
        let annotated = (0..<count).map { maps.isAnnotated($0) && ignored?[$0] != true }
        return try attachingSalience(maps: mapValues { maps.copy($0, into: $1) }, annotated: annotated, source: path)
    }

    /// These images with a map each by `estimator`.
    func attachingSalience(of estimator: any SalienceEstimator, ignoring ignored: [Bool]) throws -> ImageDataset {
        let image = FloatBuffer(count: imageShape.count)
        let maps = mapValues { index, map in
            copy(index, into: image.pointer)
            estimator.estimate(image: image.pointer, shape: imageShape, into: map)
        }
        return try attachingSalience(maps: maps, annotated: ignored.map { !$0 }, source: estimator.provenance.name)
    }

    /// Image `index` as values in [0, 1].
    func copy(_ index: Int, into image: UnsafeMutablePointer<Float>) {
        for i in 0..<imageShape.count { image[i] = Float(pixels[index * imageShape.count + i]) / 255 }
    }

    private func mapValues(_ write: (_ index: Int, _ map: UnsafeMutablePointer<Float>) -> Void) -> [Float] {
        [Float](unsafeUninitializedCapacity: count * imageShape.pixels) { buffer, initialized in
            for index in 0..<count { write(index, buffer.baseAddress! + index * imageShape.pixels) }
            initialized = count * imageShape.pixels
        }
    }
}
