import Datasets
import Diagnostics
import Kernels
import Salience

/// The images a run trains and validates on, with their salience maps.
package struct RunData: Sendable {
    package let dataset: ImageDataset
    package let training: [Int]
    package let validation: [Int]

    /// Identifies the images and, where a run uses them, the salience maps.
    package var fingerprint: String {
        dataset.salienceFingerprint.map { "\(dataset.fingerprint), salience \($0)" } ?? dataset.fingerprint
    }

    /// Reads what the recipe names.
    ///
    /// - Throws: `Failure` naming the file at fault.
    package init(_ recipe: Recipe) throws {
        var dataset = try DatasetLoader.load(
            name: recipe.dataName, directory: recipe.directory, synthetic: recipe.synthetic, split: .train)
        if recipe.mode == .sipAT { dataset = try Self.withSalience(dataset, recipe) }
        let split = try ValidationSplit(labels: dataset.labels, fraction: recipe.validationShare, seed: recipe.seed)
        let limit = recipe.limit == 0 ? split.training.count : recipe.limit
        self.dataset = dataset
        training = ValidationSplit.classBalanced(split.training, labels: dataset.labels, limit: limit)
        validation = split.validation
        guard !training.isEmpty else { throw Failure.usage("data: no image is left to train on") }
    }

    private static func withSalience(_ dataset: ImageDataset, _ recipe: Recipe) throws -> ImageDataset {
        let share = recipe.number("salience.unannotated")
        let ignored = unannotatedSamples(share: share, count: dataset.count, seed: recipe.seed)
        if !recipe.salienceMaps.isEmpty {
            let maps = try SalienceMaps(contentsOf: recipe.salienceMaps)
            try maps.require(
                dataset: .init(
                    name: dataset.name, split: DatasetSplit.train.rawValue, count: dataset.count,
                    fingerprint: dataset.fingerprint), from: recipe.salienceMaps)
            let annotated = (0..<dataset.count).map { maps.isAnnotated($0) && !ignored[$0] }
            return try dataset.attachingSalience(
                maps: values(dataset) { maps.copy($0, into: $1) }, annotated: annotated, source: recipe.salienceMaps)
        }
        let annotated = ignored.map { !$0 }
        if recipe.salienceEstimator != "none" {
            let estimator = try salienceEstimator(named: recipe.salienceEstimator)
            let image = FloatBuffer(count: dataset.imageShape.count)
            let maps = values(dataset) { index, map in
                for i in 0..<image.count { image[i] = Float(dataset.pixels[index * image.count + i]) / 255 }
                estimator.estimate(image: image.pointer, shape: dataset.imageShape, into: map)
            }
            return try dataset.attachingSalience(maps: maps, annotated: annotated, source: recipe.salienceEstimator)
        }
        guard let maps = dataset.salience else {
            throw Failure.usage(
                "mode sip-at: \(dataset.name) has no salience maps of its own", remedy: "give salience.maps or salience.estimator")
        }
        return try dataset.attachingSalience(maps: maps, annotated: annotated, source: dataset.name)
    }

    private static func values(
        _ dataset: ImageDataset, _ write: (_ index: Int, _ map: UnsafeMutablePointer<Float>) -> Void
    ) -> [Float] {
        let pixels = dataset.imageShape.pixels
        return [Float](unsafeUninitializedCapacity: dataset.count * pixels) { buffer, count in
            for index in 0..<dataset.count { write(index, buffer.baseAddress! + index * pixels) }
            count = dataset.count * pixels
        }
    }
}

extension Recipe {
    /// The built-in data set that `synthetic.…` describes.
    package var synthetic: SyntheticConfiguration {
        var configuration = SyntheticConfiguration()
        configuration.classes = integer("synthetic.classes")
        configuration.size = integer("synthetic.size")
        configuration.channels = Int(text("synthetic.channels"))!
        configuration.trainCount = integer("synthetic.train")
        configuration.testCount = integer("synthetic.test")
        configuration.difficulty = number("synthetic.difficulty")
        configuration.backgroundCorrelation = number("synthetic.backgroundCorrelation")
        configuration.seed = UInt64(integer("synthetic.seed"))
        return configuration
    }
}
