import Datasets
import Diagnostics
import Foundation
import Kernels
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

    package init(
        recipe: Recipe, ranks: Int, threads: Int, ranksPerHost: Int, stepsTimed: Int, stepsPerEpoch: Int, microBatches: Int, step: Double,
        attack: Double, update: Double, backward: Double, optimizer: Double, validation: Double, watch: Double, gradientBytes: Int,
        checkpointBytes: Int, diskBytes: Int, residentBytes: Int
    ) {
        (self.recipe, self.ranks, self.threads, self.ranksPerHost) = (recipe, ranks, threads, ranksPerHost)
        (self.stepsTimed, self.stepsPerEpoch, self.microBatches) = (stepsTimed, stepsPerEpoch, microBatches)
        (self.step, self.attack, self.update, self.backward, self.optimizer) = (step, attack, update, backward, optimizer)
        (self.validation, self.watch) = (validation, watch)
        (self.gradientBytes, self.checkpointBytes, self.diskBytes, self.residentBytes) = (gradientBytes, checkpointBytes, diskBytes, residentBytes)
    }

    /// Seconds of an epoch, validation and watch spread evenly.
    package var epoch: Double { run / Double(recipe.epochs) }

    package var run: Double {
        // The last epoch has a validation and a look in any case.
        func looks(every: Int) -> Double { Double((recipe.epochs - 1) / every + 1) }
        return Double(recipe.epochs * stepsPerEpoch) * step + (recipe.data.validation > 0 ? validation * looks(every: recipe.validation.every) : 0)
            + (recipe.watchAction == .off ? 0 : watch * looks(every: recipe.watch.every))
    }

    /// The most checkpoints that lie in a run's folder: those that are kept, the best, the last in which the watch saw nothing bad, and
    /// one being written.
    package static func checkpoints(_ recipe: Recipe) -> Int {
        recipe.checkpoint.keep + (recipe.data.validation > 0 ? 1 : 0) + (recipe.watchAction == .off ? 0 : 1) + 1
    }
}

extension TrainingExperiment {
    /// Takes a few steps as the recipe says, writes nothing, and says what the run would cost. Collective.
    ///
    /// - Parameters:
    ///   - local: the ranks of this host.
    ///   - seconds: how long to measure, at least two steps.
    package func estimate(communicator world: Communicator, local: Communicator, seconds: Double = 20) throws -> TrainingEstimate {
        let heartbeat = Heartbeat()
        let watchdog = Watchdog(heartbeat, communicator: world)
        defer { watchdog.stop() }
        let yaml = try world.broadcast(world.agreeing { world.rank == 0 ? try givenRecipe().yaml(commented: false) : "" })
        var recipe = try RecipeParser.parse(yaml, name: "recipe")
        let asked = recipe
        // What begins later counts from the first step.
        recipe.awp.warmupEpochs = 0
        watchdog.use(minutes: recipe.communication.watchdogMinutes)
        heartbeat.enter(.loading)
        let leftOut = try leftOutFiles(recipe, recordedIn: nil, resumes: false, communicator: world, heartbeat: heartbeat)
        if world.rank == 0 { for note in leftOut?.notes ?? [] { Output.complain(note) } }
        heartbeat.enter(.loading)
        let data = try world.agreeing {
            defer { heartbeat.enter(.meeting) }
            return try TrainingData(recipe, leavingOut: leftOut?.paths ?? [])
        }
        try world.agreeing { try requireMemory(recipe, data, ranks: world.size, local: local.size, threads: request.threads) }
        try RankFingerprint.compare(data: data.fingerprint, compute: .current(backend: recipe.kernels.backend), communicator: world)
        let plan = EpochPlan(
            trainingIndices: data.training, batchSize: recipe.data.batch, microBatchSize: recipe.data.microBatch, seed: recipe.randomSeed)
        let channel = try world.duplicate()
        let step = try world.agreeing {
            let microBatches = plan.microBatchCount(step: 0)
            guard world.size <= microBatches else {
                throw Failure.usage("\(world.size) ranks, but a batch has only \(microBatches) micro-batches", remedy: "start fewer ranks, or make data.microBatch smaller")
            }
            return try TrainingStep(recipe, data: data, plan: plan, channel: channel, threads: request.threads, heartbeat: heartbeat)
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
            heartbeat.begin(step: number + 1)
            heartbeat.enter(.data)
            guard let batch = try world.agreeing({ try loader.next() }) else { break }
            let waited = monotonicSeconds() - start
            var timing = try step.run(batch, learningRate: 0).timings
            heartbeat.enter(.communication)
            timing.data = waited
            if number > 0 || plan.stepsPerEpoch == 1 { timings.append(timing) }
            number += 1
            // Decided by rank 0 for all.
            let enough = try world.broadcast(Int32(timings.count >= 2 && monotonicSeconds() - begin > seconds || timings.count >= 20 ? 1 : 0))
            if enough == 1 { break }
        }
        func slowest(_ part: (StepTimings) -> Double) throws -> Double { try world.allreduce(timings.map(part).median(), .max) }
        let (validation, watch) = try timeValidation(recipe, data, step, world, heartbeat)
        let network = step.state.network
        let average = recipe.ema.decay > 0 ? network.parameterCount + network.bufferCount : 0
        // Free training's perturbation lies in a checkpoint inside an epoch.
        let isFree = recipe.mode != .natural && recipe.attack.name == .free
        let perturbation = isFree ? plan.batchRange(step: 0).count * network.input.count : 0
        let checkpoint = 4 * (2 * network.parameterCount + network.bufferCount + average + perturbation)
        let estimate = TrainingEstimate(
            recipe: asked, ranks: size, threads: request.threads, ranksPerHost: local.size, stepsTimed: timings.count,
            stepsPerEpoch: plan.stepsPerEpoch, microBatches: plan.microBatchCount(step: 0), step: try slowest(\.total),
            attack: try slowest(\.attack), update: try slowest { $0.forward + $0.backward }, backward: try slowest(\.backward),
            optimizer: try slowest(\.optimizer), validation: try world.allreduce(validation, .max), watch: try world.allreduce(watch, .max),
            gradientBytes: 4 * (step.reducer.ranges.map(\.upperBound).max() ?? 0), checkpointBytes: checkpoint,
            // About 150 bytes of log for each step.
            diskBytes: checkpoint * TrainingEstimate.checkpoints(recipe) + 150 * plan.stepsPerEpoch * recipe.epochs,
            residentBytes: try world.allreduce(ProcessMemory.peakResidentBytes, .max))
        try step.reducer.close()
        return estimate
    }

    /// Seconds of a validation and of a look of the watch, from a few images. Collective.
    private func timeValidation(
        _ recipe: Recipe, _ data: TrainingData, _ step: TrainingStep, _ world: Communicator, _ heartbeat: Heartbeat
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
            heartbeat.enter(.validation)
            try body()
            heartbeat.enter(.communication)
            return monotonicSeconds() - start
        }
        let validation = try timed { _ = try validator.run(step.resultingState, communicator: world) { heartbeat.beat() } }
        let watch = recipe.watchAction == .off ? 0 : try timed { _ = try validator.watch(step.state, communicator: world) { heartbeat.beat() } }
        // Forward passes of all images, and of some twice as many for each step of the attack.
        let attacked = recipe.validation.limit == 0 ? data.validation.count : min(recipe.validation.limit, data.validation.count)
        let attack = Double(3 * recipe.validation.steps)
        let share = (Double(data.validation.count) + attack * Double(attacked)) / ((1 + attack) * Double(part.validation.count))
        return (validation * share, watch * Double(min(recipe.watch.images, data.validation.count)) / Double(part.validation.count))
    }
}
