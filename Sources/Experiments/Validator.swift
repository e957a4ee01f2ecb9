import Datasets
import Evaluation
import MPI
import NeuralNet
import Recipes
import Training

/// Clean and robust accuracy on the validation images.
final class Validator: Validation {
    private let evaluator: Evaluator
    private let model: FrozenModel
    private let clean: [Int]
    private let robust: [Int]
    private let settings: EvaluationProtocol

    init(_ recipe: Recipe, data: TrainingData, pass: FrozenPass) {
        model = pass.model
        evaluator = Evaluator(pass: pass, dataset: data.dataset, batch: recipe.validation.batch)
        clean = data.validation
        let limit = recipe.validation.limit
        robust = ValidationSplit.classBalanced(clean, labels: data.dataset.labels, limit: limit == 0 ? clean.count : limit)
        settings = EvaluationProtocol(
            norm: recipe.attack.norm, epsilons: [Float(recipe.attack.epsilon)], steps: recipe.validation.steps, seed: recipe.randomSeed)
    }

    func run(_ state: ModelState, communicator: Communicator, progress: () -> Void) throws -> (clean: Double, robust: Double)? {
        guard !clean.isEmpty else { return nil }
        model.freeze(state)
        var plain = settings
        plain.epsilons = [0]
        func accuracy(_ settings: EvaluationProtocol, _ indices: [Int]) throws -> Double {
            let result = try evaluator.run(settings, indices: indices, communicator: communicator, beat: progress) { _, _ in progress() }
            return result?.report.rows[0].accuracy ?? 0
        }
        var values = [try accuracy(plain, clean), try accuracy(settings, robust)]
        try communicator.broadcast(&values)
        return (values[0], values[1])
    }
}
