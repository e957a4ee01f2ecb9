import Datasets
import Diagnostics
import Digests
import Evaluation
import Foundation
import Images
import Kernels
import MPI
import NeuralNet
import Recipes
import Salience

/// What is to be evaluated, and how.
package struct EvaluationRequest: Sendable {
    /// The network, where the weights do not say it or it is to be another; what is nil is the run's own, or the network's.
    package struct Model: Sendable {
        package var name: String?
        package var width: Int?
        package var stem: ModelConfiguration.Stem?
        package var depth: Int?
        package var widen: Int?
        /// Nil for what the run, or the file itself, says; `.some(nil)` for none.
        package var normalization: ImageNormalization??

        package init(
            name: String? = nil, width: Int? = nil, stem: ModelConfiguration.Stem? = nil, depth: Int? = nil, widen: Int? = nil,
            normalization: ImageNormalization?? = nil
        ) {
            self.normalization = normalization
            self.name = name
            self.width = width
            self.stem = stem
            self.depth = depth
            self.widen = widen
        }
    }

    /// How image files are read; what is nil is the run's own, or the standard.
    package struct Files: Sendable {
        package var size: Int?
        package var channels: Channels?
        package var fit: FitRule?
        package var labelFrom: String?
        package var testShare: Double?
        package var splitSeed: UInt64?

        package init() {}

        /// - Parameter recipe: of the run.
        func configuration(_ recipe: Recipe?) -> ImagesConfiguration {
            var images = recipe?.imagesConfiguration ?? .init()
            if let size { images.size = size }
            if let channels { images.channels = channels }
            if let fit { images.fit = fit }
            if let labelFrom { images.collection.labelFrom = labelFrom }
            if let testShare { images.collection.testShare = testShare }
            if let splitSeed { images.collection.seed = splitSeed }
            return images
        }
    }

    /// A run's folder, a checkpoint's, or a safetensors file.
    package var weights: String
    package var model: Model
    /// The data set; nil for the run's.
    package var data: DatasetLoader.Name?
    package var directory: String?
    package var files = Files()
    package var split: DatasetSplit
    /// Images, balanced over classes; 0 for all.
    package var limit: Int
    /// Or which ones: `0:1000`, or a file of such; nil for `limit` of all.
    package var images: String?
    /// A file of maps for the split; nil for the data set's own.
    package var salience: String?
    /// Whether a region asks for maps: where neither `salience` nor the data set has any, they are those that the run trained with.
    package var needsSalience = false
    /// Nil for the run's.
    package var salienceThreshold: Float?
    /// The share of each image, its most salient pixels, that is the salient region; 0 for what passes the threshold, nil for the
    /// run's.
    package var salienceCoverage: Double?
    package var settings: EvaluationProtocol
    /// Whether image files that cannot be used are left out, if the run did not do so anyway.
    package var skipsBadFiles = false
    /// Those that are, once ranks have agreed on them: see `agreeOnLeftOutFiles`.
    package var leftOut: LeftOutFiles?
    /// The most images at a time.
    package var batch: Int
    /// What computes convolutions.
    package var backend = KernelBackend.standard
    /// Of the operands of the attack's products. The images that it finds are judged in float32.
    package var attackPrecision = ProductPrecision.float32

    package init(
        weights: String, model: Model, data: DatasetLoader.Name?, directory: String?, split: DatasetSplit, limit: Int,
        images: String? = nil, salience: String?, salienceThreshold: Float?, settings: EvaluationProtocol, batch: Int
    ) {
        self.weights = weights
        self.model = model
        self.data = data
        self.directory = directory
        self.split = split
        self.limit = limit
        self.images = images
        self.salience = salience
        self.salienceThreshold = salienceThreshold
        self.settings = settings
        self.batch = batch
    }
}

/// An evaluation with all it needs opened: the same on every rank.
package struct EvaluationExperiment {
    package let weights: WeightsSource
    package let split: DatasetSplit
    package let modelName: String
    package let dataset: any ImageSource
    package let indices: [Int]
    package let settings: EvaluationProtocol
    /// What the user should know, a line each; warnings begin with the word.
    package let notes: [String]
    private let request: EvaluationRequest
    private let configuration: ModelConfiguration
    private let evaluator: Evaluator
    private let model: FrozenModel

    /// - Throws: `Failure` naming the file or the flag at fault.
    package init(_ request: EvaluationRequest) throws {
        try self.init(request, dataset: nil)
    }

    /// - Parameter shared: the data set of another evaluation of the same images; nil to open it.
    private init(_ request: EvaluationRequest, dataset shared: (any ImageSource)?) throws {
        self.request = request
        split = request.split
        weights = try WeightsSource(request.weights)
        let recipe = weights.recipe
        dataset = try shared ?? Self.dataset(request, recipe: recipe, failure: weights.recipeFailure)
        let loaded = try LoadedModel(weights, options: request.model, input: dataset.imageShape, classes: dataset.classes)
        configuration = loaded.configuration
        modelName = configuration.name
        model = loaded.frozen(backend: request.backend)
        indices = try Self.indices(request, dataset)
        var notes = loaded.notes + (request.leftOut?.notes ?? [])
        // A run on a packed set had its size.
        let isSizeKnown = recipe.map { $0.data.name == .images && ($0.data.size != 0 || !PackedSet.isPackedSet($0.data.directory)) } ?? false
        if dataset.decodes, request.files.size == nil, !isSizeKnown {
            notes.append("the weights do not say how large images are to be: they are made \(dataset.imageShape) (--size, --channels, --fit)")
        }
        if dataset.salience != nil {
            let images = dataset
            let counts = indices.reduce(into: SalienceCounts()) { $0[images.salienceState(of: $1)] += 1 }
            notes.append("salience: \(counts.summary)")
        }
        self.notes = notes
        var settings = request.settings
        settings.salienceThreshold = request.salienceThreshold ?? recipe?.backgroundThreshold ?? settings.salienceThreshold
        let coverage = request.salienceCoverage ?? recipe?.salience.coverage ?? 0
        settings.salienceCoverage = coverage > 0 && dataset.hasSalience ? coverage : nil
        self.settings = settings
        guard settings.region == .all || dataset.hasSalience else {
            throw Failure.usage(
                "--region \(settings.region.rawValue) needs salience maps", remedy: "give --salience with maps of this split")
        }
        if request.attackPrecision == .float32 {
            evaluator = Evaluator(model: model, dataset: dataset, batch: request.batch)
        } else {
            let capacity = max(1, min(request.batch, model.network.attackGroup))
            let coarse = loaded.frozen(backend: request.backend, precision: request.attackPrecision)
            evaluator = Evaluator(
                pass: CoarseGradientPass(exact: FrozenPass(model, capacity: capacity), coarse: FrozenPass(coarse, capacity: capacity)),
                dataset: dataset)
        }
    }

    /// The model of other weights on the same images.
    ///
    /// - Parameter path: as `EvaluationRequest.weights`; a file without a recipe is a network as this one.
    func surrogate(_ path: String) throws -> EvaluationExperiment {
        var other = request
        other.weights = path
        if try WeightsSource(path).recipe != nil { other.model = .init() } else { other.model.name = other.model.name ?? modelName }
        return try EvaluationExperiment(other, dataset: dataset)
    }

    /// What computes convolutions.
    var backend: KernelBackend { request.backend }

    /// How exact the attack's products are.
    package var attackPrecision: ProductPrecision { request.attackPrecision }

    /// A pass with room for a group of images.
    func makePass() -> FrozenPass { FrozenPass(model, capacity: max(1, min(request.batch, model.network.attackGroup))) }

    /// Of all that passes read.
    var modelChecksum: UInt64 { model.checksum }

    /// The model for the record. Reads the weights' file once.
    func modelDescription() throws -> EvaluationDescription.Model {
        var settings = try JSONSerialization.jsonObject(with: JSONEncoder().encode(configuration)) as? [String: Any] ?? [:]
        settings["normalization"] = nil
        if let normalization = model.network.normalization { (settings["mean"], settings["std"]) = (normalization.mean, normalization.deviation) }
        return EvaluationDescription.Model(
            name: modelName, settings: settings.mapValues { "\($0)" }, weights: weights.path, sha256: try SHA256.hex(ofFile: weights.path),
            classes: model.network.classes)
    }

    private static func indices(_ request: EvaluationRequest, _ dataset: any ImageSource) throws -> [Int] {
        guard let images = request.images else {
            return ValidationSplit.classBalanced(
                Array(0..<dataset.count), labels: dataset.labels, limit: request.limit == 0 ? dataset.count : request.limit)
        }
        guard request.limit == 0 else { throw Failure.usage("--images and --limit are both given", remedy: "leave one of them out") }
        // A file, unless it reads like a range.
        guard images.contains(where: { !"0123456789:,".contains($0) }) || FileManager.default.fileExists(atPath: images) else {
            return try IndexList.indices(images, source: "--images", count: dataset.count, kind: .usage)
        }
        let text = String(decoding: try ReadableFile.contents(of: images), as: UTF8.self)
        return try IndexList.indices(text, source: "--images \(images)", count: dataset.count, kind: .badData)
    }

    /// Attacks the images. Collective; the result is on rank 0.
    ///
    /// - Throws: `Failure.badData` if the region is empty in every image.
    package func run(
        communicator: Communicator, progress: (_ done: Int, _ total: Int) throws -> Void
    ) throws -> (report: EvaluationReport, records: [SampleRecord])? {
        let result = try evaluator.run(settings, indices: indices, communicator: communicator, progress: progress)
        try communicator.agreeing {
            guard let result, result.report.rows.allSatisfy({ $0.count == 0 }) else { return }
            throw Failure.badData(
                "the region \(settings.region.rawValue) holds no pixel of any of the \(indices.count) images",
                remedy: "give maps that mark something (--salience), another --threshold, or --region all")
        }
        return result
    }

    /// Whether the weights look as if they had been trained on normalised images; nil if not, or if they are a run's own.
    package func normalizationWarning() throws -> String? {
        guard weights.recipe == nil, weights.recipeFailure == nil, model.network.normalization == nil else { return nil }
        return try NormalizationProbe(model: model, dataset: dataset, indices: indices).warning
    }

    private static func dataset(_ request: EvaluationRequest, recipe: Recipe?, failure: Failure?) throws -> any ImageSource {
        guard let name = request.data ?? recipe?.data.name else {
            if let failure { throw failure }
            throw Failure.usage("--data is missing", remedy: "name the data set: --data \(DatasetLoader.names.joined(separator: " | "))")
        }
        let sameData = recipe?.data.name == name
        var images = request.files.configuration(recipe)
        images.leftOut = request.leftOut?.paths ?? []
        let dataset = try DatasetLoader.source(
            name: name.rawValue, directory: request.directory ?? (sameData ? recipe?.data.directory : nil),
            synthetic: sameData ? recipe!.syntheticConfiguration : .init(), images: images, split: request.split)
        let annotated = try withSalience(dataset, request, of: sameData ? recipe : nil)
        guard annotated.hasSalience else {
            guard request.salienceCoverage ?? 0 == 0 else {
                throw Failure.usage("--coverage needs salience maps", remedy: "give --salience with maps of this split")
            }
            return annotated
        }
        return try annotated.applying(SalienceRule(coverage: request.salienceCoverage ?? recipe?.salience.coverage ?? 0))
    }

    /// - Parameter recipe: of the run, if it trained on the same data.
    private static func withSalience(_ dataset: any ImageSource, _ request: EvaluationRequest, of recipe: Recipe?) throws -> any ImageSource {
        if let path = request.salience { return try dataset.attachingSalience(from: path, split: request.split) }
        guard request.needsSalience, !dataset.hasSalience, let salience = recipe?.salience else { return dataset }
        // An array holds the maps of one split; a store may hold those of both.
        if SalienceStore.isStore(try expandingTilde(salience.maps)) { return try dataset.attachingSalience(from: salience.maps, split: request.split) }
        guard salience.estimator != Recipe.SalienceSource.noEstimator else { return dataset }
        return try dataset.attachingSalience(of: recipe!.estimator(), split: request.split)
    }
}
