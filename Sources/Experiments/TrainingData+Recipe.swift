import Datasets
import Diagnostics
import Recipes
import Salience
import Training

extension TrainingData {
    /// Reads what the recipe names.
    ///
    /// - Parameter leftOut: paths of image files to do without.
    /// - Throws: `Failure` naming the file at fault.
    package init(_ recipe: Recipe, leavingOut leftOut: Set<String> = []) throws {
        var images = recipe.imagesConfiguration
        images.leftOut = leftOut
        var dataset: any ImageSource = try DatasetLoader.source(
            name: recipe.data.name.rawValue, directory: recipe.data.directory, synthetic: recipe.syntheticConfiguration,
            images: images, split: .train)
        if recipe.mode == .sipAT { dataset = try Self.withSalience(dataset, recipe) }
        let split = try ValidationSplit(labels: dataset.labels, groups: dataset.groups, fraction: recipe.data.validation, seed: recipe.randomSeed)
        let limit = recipe.data.limit == 0 ? split.training.count : recipe.data.limit
        self.init(
            dataset: dataset, training: ValidationSplit.classBalanced(split.training, labels: dataset.labels, limit: limit),
            validation: split.validation)
        guard !training.isEmpty else { throw Failure.usage("data: no image is left to train on") }
    }

    /// The data set with its maps, as the recipe changes them.
    private static func withSalience(_ dataset: any ImageSource, _ recipe: Recipe) throws -> any ImageSource {
        let ignored = unannotatedSamples(share: recipe.salience.unannotated, count: dataset.count, seed: recipe.randomSeed)
        return try withMaps(dataset, recipe, ignoring: ignored).applying(recipe.salienceRule, ignoring: ignored)
    }

    private static func withMaps(_ dataset: any ImageSource, _ recipe: Recipe, ignoring ignored: [Bool]) throws -> any ImageSource {
        if !recipe.salience.maps.isEmpty {
            return try dataset.attachingSalience(from: recipe.salience.maps, split: .train, ignoring: ignored)
        }
        if recipe.salience.estimator != Recipe.SalienceSource.noEstimator {
            return try dataset.attachingSalience(of: recipe.estimator(), split: .train, ignoring: ignored)
        }
        // A control may do without; the recipe was checked for that.
        if recipe.salience.source != .own, !dataset.hasSalience { return dataset }
        guard let own = dataset as? ImageDataset, let maps = own.ownSalience else {
            throw Failure.usage(
                "mode sip-at: \(dataset.name) has no salience maps of its own", remedy: "give salience.maps or salience.estimator")
        }
        return try own.attachingSalience(maps: maps, annotated: ignored.map { !$0 }, source: dataset.name)
    }
}

extension Recipe {
    /// What `salience.estimator` names.
    ///
    /// - Throws: `Failure` if it names none.
    func estimator() throws -> any SalienceEstimator {
        try salienceEstimator(named: salience.estimator, centrePrior: salience.centrePrior == 0 ? nil : salience.centrePrior)
    }
}
