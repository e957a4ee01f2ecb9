import Datasets
import Diagnostics
import Foundation
import MPI
import NeuralNet
import Recipes
import Training

/// What a run of a recipe would cost, from a few of its steps on the machine it would run on. Seconds are those of the slowest rank.
package struct TrainingEstimate: Sendable {
    package var recipe: Recipe
    package var ranks: Int
    package var threads: Int
    /// Ranks on this host.
    package var ranksPerHost: Int
    package var stepsTimed: Int
    package var stepsPerEpoch: Int
    package var microBatches: Int
    /// One step: all of it, its attack, forward and backward of the update, backward alone, the optimizer.
    package var step: Double
    package var attack: Double
    package var update: Double
    package var backward: Double
    package var optimizer: Double
    /// One validation, and one look of the watch; 0 without.
    package var validation: Double
    package var watch: Double
    package var gradientBytes: Int
    /// One checkpoint, and the most that lies in the run's folder.
    package var checkpointBytes: Int
    package var diskBytes: Int
    /// Peak of the largest rank so far.
    package var residentBytes: Int

    /// Seconds of an epoch, validation and watch spread evenly.
    package var epoch: Double {
        let validations = recipe.data.validation > 0 ? validation / Double(recipe.validation.every) : 0
        return Double(stepsPerEpoch) * step + validations + (recipe.watchAction == .off ? 0 : watch / Double(recipe.watch.every))
    }

    package var run: Double { Double(recipe.epochs) * epoch }
}

extension TrainingExperiment {
    /// Takes a few steps as the recipe says, writes nothing, and says what the run would cost. Collective.
    ///
    /// - Parameters:
    ///   - local: the ranks of this host.
    ///   - seconds: how long to measure, at least two steps.
    package func estimate(communicator world: Communicator, local: Communicator, seconds: Double = 20) throws -> TrainingEstimate {
        let yaml = try world.broadcast(world.agreeing { world.rank == 0 ? try givenRecipe().yaml(commented: false) : "" })
        var recipe = try RecipeParser.parse(yaml, name: "recipe")
        let asked = recipe
        // What begins later counts from the first step.
        recipe.awp.warmupEpochs = 0
        let data = try world.agreeing { try TrainingData(recipe) }
        try world.agreeing { try requireMemory(recipe, data, ranks: world.size, local: local.size, threads: request.threads) }
        let plan = EpochPlan(
            trainingIndices: data.training, batchSize: recipe.data.batch, microBatchSize: recipe.data.microBatch, seed: recipe.randomSeed)
        let channel = try world.duplicate()
        let step = try world.agreeing {
            let microBatches = plan.microBatchCount(step: 0)
            guard world.size <= microBatches else {
                throw Failure.usage("\(world.size) ranks, but a batch has only \(microBatches) micro-batches", remedy: "start fewer ranks, or make data.microBatch smaller")
            }
            return try TrainingStep(recipe, data: data, plan: plan, channel: channel, threads: request.threads)
        }
        let (rank, size) = (world.rank, world.size)
        let loader = TrainingLoader(dataset: data.dataset, plan: plan, augmentation: recipe.augmentationSettings, seed: recipe.randomSeed) {
            ownedMicroBatches(total: $0, rank: rank, size: size)
        }
        loader.start(epoch: 0)
        var timings: [StepTimings] = []
        let begin = monotonicSeconds()
        // The first step allocates.
        var number = 0
        while number < plan.stepsPerEpoch {
            let start = monotonicSeconds()
            guard let batch = try world.agreeing({ try loader.next() }) else { break }
            let waited = monotonicSeconds() - start
            var timing = try step.run(batch, learningRate: 0).timings
            timing.data = waited
            if number > 0 || plan.stepsPerEpoch == 1 { timings.append(timing) }
            number += 1
            // Decided by rank 0 for all.
            let enough = try world.broadcast(Int32(timings.count >= 2 && monotonicSeconds() - begin > seconds || timings.count >= 20 ? 1 : 0))
            if enough == 1 { break }
        }
        func slowest(_ part: (StepTimings) -> Double) throws -> Double { try world.allreduce(timings.map(part).median(), .max) }
        let (validation, watch) = try timeValidation(recipe, data, step, world)
        let network = step.state.network
        let average = recipe.ema.decay > 0 ? network.parameterCount + network.bufferCount : 0
        let checkpoint = 4 * (2 * network.parameterCount + network.bufferCount + average)
        let estimate = TrainingEstimate(
            recipe: asked, ranks: size, threads: request.threads, ranksPerHost: local.size, stepsTimed: timings.count,
            stepsPerEpoch: plan.stepsPerEpoch, microBatches: plan.microBatchCount(step: 0), step: try slowest(\.total),
            attack: try slowest(\.attack), update: try slowest { $0.forward + $0.backward }, backward: try slowest(\.backward),
            optimizer: try slowest(\.optimizer), validation: try world.allreduce(validation, .max), watch: try world.allreduce(watch, .max),
            gradientBytes: 4 * (step.reducer.ranges.map(\.upperBound).max() ?? 0), checkpointBytes: checkpoint,
            // The newest few, the best, and one being written; about 150 bytes of log for each step.
            diskBytes: checkpoint * (recipe.checkpoint.keep + 2) + 150 * plan.stepsPerEpoch * recipe.epochs,
            residentBytes: try world.allreduce(ProcessMemory.peakResidentBytes, .max))
        try step.reducer.close()
        return estimate
    }

    /// Seconds of a validation and of a look of the watch, from a few images. Collective.
    private func timeValidation(
        _ recipe: Recipe, _ data: TrainingData, _ step: TrainingStep, _ world: Communicator
    ) throws -> (validation: Double, watch: Double) {
        guard !data.validation.isEmpty else { return (0, 0) }
        let few = min(data.validation.count, 16 * world.size)
        var (sample, part) = (recipe, data)
        sample.validation.limit = few
        sample.watch.images = few
        part = TrainingData(
            dataset: data.dataset, training: data.training,
            validation: ValidationSplit.classBalanced(data.validation, labels: data.dataset.labels, limit: few))
        let validator = Validator(sample, data: part, pass: step.idlePass)
        func timed(_ body: () throws -> Void) throws -> Double {
            let start = monotonicSeconds()
            try body()
            return monotonicSeconds() - start
        }
        let validation = try timed { _ = try validator.run(step.resultingState, communicator: world) {} }
        let watch = recipe.watchAction == .off ? 0 : try timed { _ = try validator.watch(step.state, communicator: world) {} }
        // Forward passes of all images, and of some twice as many for each step of the attack.
        let attacked = recipe.validation.limit == 0 ? data.validation.count : min(recipe.validation.limit, data.validation.count)
        let attack = Double(3 * recipe.validation.steps)
        let share = (Double(data.validation.count) + attack * Double(attacked)) / ((1 + attack) * Double(part.validation.count))
        return (validation * share, watch * Double(min(recipe.watch.images, data.validation.count)) / Double(part.validation.count))
    }
}
