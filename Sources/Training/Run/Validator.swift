import Attacks
import Datasets
import Evaluation
import MPI
import NeuralNet

/// Clean and robust accuracy on the validation images.
final class Validator {
    private let evaluator: Evaluator
    private let model: FrozenModel
    private let clean: [Int]
    private let robust: [Int]
    private let settings: EvaluationProtocol

    init(_ recipe: Recipe, data: RunData, model: FrozenModel) {
        self.model = model
        evaluator = Evaluator(model: model, dataset: data.dataset, batch: recipe.integer("validation.batch"))
        clean = data.validation
        let limit = recipe.integer("validation.limit")
        robust = ValidationSplit.classBalanced(
            clean, labels: data.dataset.labels, limit: limit == 0 ? clean.count : limit)
        settings = EvaluationProtocol(
            norm: recipe.norm, epsilons: [recipe.epsilon], steps: recipe.integer("validation.steps"), seed: recipe.seed)
    }

    /// Accuracies, the same on all ranks; nil without validation images. Collective.
    ///
    /// - Parameter progress: called after each batch.
    func run(_ state: ModelState, communicator: Communicator, progress: () -> Void) throws -> (clean: Double, robust: Double)? {
        guard !clean.isEmpty else { return nil }
        model.freeze(state)
        var plain = settings
        plain.epsilons = [0]
        let cleanReport = try evaluator.run(plain, indices: clean, communicator: communicator) { _, _ in progress() }?.report
        let robustReport = try evaluator.run(settings, indices: robust, communicator: communicator) { _, _ in progress() }?.report
        var values = [cleanReport?.rows[0].accuracy ?? 0, robustReport?.rows[0].accuracy ?? 0]
        try communicator.broadcast(&values)
        return (values[0], values[1])
    }
}
