import Datasets
import Diagnostics
import Evaluation
import MPI
import NeuralNet
import Checkpoints
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

        package init(name: String? = nil, width: Int? = nil, stem: ModelConfiguration.Stem? = nil, depth: Int? = nil, widen: Int? = nil) {
            self.name = name
            self.width = width
            self.stem = stem
            self.depth = depth
            self.widen = widen
        }
    }

    /// A run's folder, a checkpoint's, or a safetensors file.
    package var weights: String
    package var model: Model
    /// The data set; nil for the run's.
    package var data: DatasetLoader.Name?
    package var directory: String?
    package var split: DatasetSplit
    /// Images, balanced over classes; 0 for all.
    package var limit: Int
    /// A file of maps for the split; nil for the data set's own.
    package var salience: String?
    /// Nil for the run's.
    package var salienceThreshold: Float?
    package var settings: EvaluationProtocol
    /// The most images at a time.
    package var batch: Int

    package init(
        weights: String, model: Model, data: DatasetLoader.Name?, directory: String?, split: DatasetSplit, limit: Int,
        salience: String?, salienceThreshold: Float?, settings: EvaluationProtocol, batch: Int
    ) {
        self.weights = weights
        self.model = model
        self.data = data
        self.directory = directory
        self.split = split
        self.limit = limit
        self.salience = salience
        self.salienceThreshold = salienceThreshold
        self.settings = settings
        self.batch = batch
    }
}

/// An evaluation with all it needs opened: the same on every rank.
package struct EvaluationExperiment {
    package let weights: WeightsSource
    package let modelName: String
    package let dataset: any ImageSource
    package let indices: [Int]
    package let settings: EvaluationProtocol
    /// What the user should know, a line each; warnings begin with the word.
    package let notes: [String]
    private let evaluator: Evaluator
    private let model: FrozenModel

    /// - Throws: `Failure` naming the file or the flag at fault.
    package init(_ request: EvaluationRequest) throws {
        weights = try WeightsSource(request.weights)
        let recipe = weights.recipe
        dataset = try Self.dataset(request, recipe: recipe, failure: weights.recipeFailure)
        let configuration = try Self.configuration(request.model, recipe: recipe, failure: weights.recipeFailure)
        modelName = configuration.name
        let network = try configuration.network(input: dataset.imageShape, classes: dataset.classes)
        var need = MemoryNeed()
        // Weights, and filters prepared for both directions.
        need.add(3, network.parameterCount, MemoryLayout<Float>.size)
        try requireMemory(need, for: "\(configuration.name) of width \(configuration.width)", remedy: "evaluate on a machine with more memory, or with fewer ranks")
        let state = ModelState(network: network)
        let loaded = try ModelWeights.load(weights.path, into: state)
        model = FrozenModel(network: network)
        model.freeze(state)
        indices = ValidationSplit.classBalanced(
            Array(0..<dataset.count), labels: dataset.labels, limit: request.limit == 0 ? dataset.count : request.limit)
        var notes = ["weights: \(weights.account)"] + loaded
        if dataset.salience != nil {
            let images = dataset
            let counts = indices.reduce(into: SalienceCounts()) { $0[images.salienceState(of: $1)] += 1 }
            notes.append("salience: \(counts.summary)")
        }
        self.notes = notes
        var settings = request.settings
        settings.salienceThreshold = request.salienceThreshold ?? recipe?.backgroundThreshold ?? settings.salienceThreshold
        self.settings = settings
        guard settings.region == .all || dataset.hasSalience else {
            throw Failure.usage(
                "--region \(settings.region.rawValue) needs salience maps", remedy: "give --salience with maps of this split")
        }
        evaluator = Evaluator(model: model, dataset: dataset, batch: request.batch)
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
        guard weights.recipe == nil, weights.recipeFailure == nil else { return nil }
        return try NormalizationProbe(model: model, dataset: dataset, indices: indices).warning
    }

    private static func dataset(_ request: EvaluationRequest, recipe: Recipe?, failure: Failure?) throws -> any ImageSource {
        guard let name = request.data ?? recipe?.data.name else {
            if let failure { throw failure }
            throw Failure.usage("--data is missing", remedy: "name the data set: --data \(DatasetLoader.names.joined(separator: " | "))")
        }
        let sameData = recipe?.data.name == name
        let dataset = try DatasetLoader.source(
            name: name.rawValue, directory: request.directory ?? (sameData ? recipe?.data.directory : nil),
            synthetic: sameData ? recipe!.syntheticConfiguration : .init(),
            images: recipe?.imagesConfiguration ?? .init(), split: request.split)
        guard let path = request.salience else { return dataset }
        return try dataset.attachingSalience(from: path, split: request.split)
    }

    private static func configuration(_ model: EvaluationRequest.Model, recipe: Recipe?, failure: Failure?) throws -> ModelConfiguration {
        let trained = try recipe?.modelConfiguration()
        guard let name = model.name ?? trained?.name else {
            if let failure { throw failure }
            throw Failure.usage("--model is missing", remedy: "name the network: --model \(ModelConfiguration.names.joined(separator: " | "))")
        }
        // The options of a run belong to its own network.
        let own = try ModelConfiguration(name: name).name == trained?.name ? trained : nil
        let isWide = own?.name == "wide-resnet"
        return try ModelConfiguration(
            name: name, width: model.width ?? own?.width, stem: model.stem ?? trained?.stem ?? .cifar,
            depth: model.depth ?? (isWide && model.name == nil ? own?.depth : nil),
            widen: model.widen ?? (isWide && model.name == nil ? own?.widen : nil))
    }
}

extension Recipe {
    /// The threshold at which a binary mask has this recipe's salient pixels.
    var backgroundThreshold: Float {
        let threshold = Float(attack.threshold)
        // An inverted mask protects S < t: 1 − S > 1 − t.
        return attack.mask == .inverted ? (1 - threshold).nextUp : threshold
    }
}
