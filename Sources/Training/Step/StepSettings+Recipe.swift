import Datasets
import MPI
import NeuralNet
import Recipes

extension TrainingStep {
    /// The step of a recipe, from random weights.
    ///
    /// - Parameter channel: the ranks that train together, in a communicator that nobody else uses.
    /// - Throws: `Failure.usage` for a network that there is not.
    package convenience init(
        _ recipe: Recipe, data: TrainingData, plan: EpochPlan, channel: Communicator, threads: Int, heartbeat: Heartbeat = Heartbeat()
    ) throws {
        let network = try recipe.modelConfiguration().network(input: data.dataset.imageShape, classes: data.dataset.classes)
        let owned = ownedMicroBatches(total: plan.microBatchCount(step: 0), rank: 0, size: channel.size)
        self.init(
            state: ModelState(network: network, seed: recipe.randomSeed, draw: recipe.model.initialisation),
            optimizer: recipe.optimizerSettings, settings: try StepSettings(recipe, plan: plan), channel: channel,
            reduction: recipe.communication.reduction, bucketBytes: Int(recipe.communication.bucketMegabytes * 1e6),
            microBatch: recipe.data.microBatch, batch: owned.count * recipe.data.microBatch, threads: threads, heartbeat: heartbeat)
    }
}

extension StepSettings {
    /// What the step does in the recipe's mode. Plain adversarial training is SIP-AT without a mask.
    package init(_ recipe: Recipe, plan: EpochPlan) throws {
        var attack: Attack?
        if recipe.mode != .natural {
            attack = Attack(
                recipe.attackSettings, loss: recipe.attackLoss, start: recipe.attackStart, batchNorm: recipe.attack.batchNorm)
            attack?.precision = recipe.attack.precision
            attack?.replays = recipe.attack.name == .free ? recipe.attack.replays : 0
            attack?.warmupSteps = recipe.attack.warmupEpochs * Double(plan.stepsPerEpoch)
        }
        let objective: Objective =
            switch recipe.objective.name {
            case .crossEntropy: .crossEntropy
            case .trades: .trades(beta: recipe.objective.beta)
            case .mart: .mart(beta: recipe.objective.beta)
            }
        let perturbation =
            recipe.awp.gamma == 0
            ? nil : WeightPerturbation(gamma: Float(recipe.awp.gamma), rate: Float(recipe.awp.lr), firstEpoch: recipe.awp.warmupEpochs)
        self.init(
            attack: attack, mask: recipe.mode == .sipAT ? try recipe.mask() : nil, objective: objective,
            weightPerturbation: perturbation, labelSmoothing: Float(recipe.optimizer.labelSmoothing), seed: recipe.randomSeed)
        averageDecay = recipe.ema.decay
        backend = recipe.kernels.backend
        stepsPerEpoch = plan.stepsPerEpoch
        fullBatch = plan.batchRange(step: 0).count
    }
}
