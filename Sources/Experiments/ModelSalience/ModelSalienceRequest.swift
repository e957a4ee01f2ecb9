import Checkpoints
import Datasets
import Diagnostics
import NeuralNet
import Recipes
import Salience

/// A model that salience is to be asked of.
package struct ModelSalienceRequest {
    private let source: WeightsSource
    private let model: EvaluationRequest.Model
    private let settings: ModelSalienceSettings
    private let className: String?

    /// - Parameters:
    ///   - weights: a run's folder, a checkpoint's, or a safetensors file.
    ///   - model: the network, where the weights do not say it.
    ///   - className: the class whose evidence is looked for, by name or number, instead of what the settings say.
    /// - Throws: `Failure` naming the weights if they cannot be found.
    package init(weights: String, model: EvaluationRequest.Model, settings: ModelSalienceSettings, className: String?) throws {
        source = try WeightsSource(weights)
        self.model = model
        self.settings = settings
        self.className = className
    }

    /// What the built-in data looked like in the run that the weights are of.
    package var synthetic: SyntheticConfiguration? { source.recipe.flatMap { $0.data.name == .synthetic ? $0.syntheticConfiguration : nil } }

    /// The estimator for the images of `dataset`, and what the user should know of it, a line each.
    ///
    /// - Throws: `Failure` naming the file or the flag at fault.
    func estimator(for dataset: any ImageSource) throws -> (estimator: ModelSalience, notes: [String]) {
        let loaded = try LoadedModel(source, options: model, input: dataset.imageShape, classes: dataset.classes)
        var settings = settings
        if let className { settings.target = .index(try index(of: className, in: dataset)) }
        let estimator = ModelSalience(
            settings, model: loaded.frozen(), modelName: loaded.configuration.name, weightsHash: ModelWeights.hash(loaded.state))
        return (estimator, loaded.notes)
    }

    private func index(of name: String, in dataset: any ImageSource) throws -> Int {
        if let index = dataset.classNames.firstIndex(of: name) { return index }
        if let index = Int(name), (0..<dataset.classes).contains(index) { return index }
        let near = nearestName(to: name, among: dataset.classNames).map { "did you mean \($0)? " } ?? ""
        throw Failure.usage(
            "--class is \"\(name)\", expected predicted, label, or a class of \(dataset.name)",
            remedy: "\(near)Its classes are \(dataset.classNames.prefix(12).joined(separator: ", "))\(dataset.classes > 12 ? ", …" : "")")
    }
}
