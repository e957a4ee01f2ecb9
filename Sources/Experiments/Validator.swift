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
    /// Of the watch: its images, and the attacks everywhere and, with a mask, inside it.
    private let watched: [Int]
    private let watches: [EvaluationProtocol]

    init(_ recipe: Recipe, data: TrainingData, pass: FrozenPass) {
        model = pass.model
        evaluator = Evaluator(pass: pass, dataset: data.dataset, batch: recipe.validation.batch)
        clean = data.validation
        let limit = recipe.validation.limit
        robust = ValidationSplit.classBalanced(clean, labels: data.dataset.labels, limit: limit == 0 ? clean.count : limit)
        settings = EvaluationProtocol(
            norm: recipe.attack.norm, epsilons: [Float(recipe.attack.epsilon)], steps: recipe.validation.steps, seed: recipe.randomSeed)
        watched = recipe.watchAction == .off ? [] : ValidationSplit.classBalanced(clean, labels: data.dataset.labels, limit: recipe.watch.images)
        var everywhere = settings
        everywhere.steps = recipe.watch.steps
        var masked = everywhere
        masked.region = recipe.attack.mask == .inverted ? .salient : .background
        masked.salienceThreshold = recipe.backgroundThreshold
        watches = recipe.mode == .sipAT ? [everywhere, masked] : [everywhere]
    }

    func run(_ state: ModelState, communicator: Communicator, progress: () -> Void) throws -> (clean: Double, robust: Double)? {
        guard !clean.isEmpty else { return nil }
        model.freeze(state)
        var plain = settings
        plain.epsilons = [0]
        let values = try accuracies([(plain, clean), (settings, robust)], communicator, progress)
        return (values[0], values[1])
    }

    func watch(_ state: ModelState, communicator: Communicator, progress: () -> Void) throws -> WatchedAccuracy {
        model.freeze(state)
        let values = try accuracies(watches.map { ($0, watched) }, communicator, progress)
        return WatchedAccuracy(images: watched.count, everywhere: values[0], masked: values.count > 1 ? values[1] : nil)
    }

    /// Accuracy under each protocol, the same on all ranks. Collective.
    private func accuracies(
        _ asked: [(EvaluationProtocol, [Int])], _ communicator: Communicator, _ progress: () -> Void
    ) throws -> [Double] {
        var values = try asked.map { settings, indices in
            // Whose own images are all well must not wait for the others.
            var isDiverged = false
            let own = try communicator.agreeing { () -> [SampleRecord] in
                do {
                    return try evaluator.share(settings, indices: indices, rank: communicator.rank, size: communicator.size, beat: progress) { _, _ in progress() }
                } catch  where evaluator.foundNonFinite {
                    isDiverged = true
                    return []
                }
            }
            guard try communicator.allreduce(isDiverged ? 1 : 0, .max) == 0 else { throw DivergedModel() }
            let result = try evaluator.collect(own, settings, indices: indices, communicator: communicator)
            return result?.report.rows[0].accuracy ?? 0
        }
        try communicator.broadcast(&values)
        return values
    }
}
