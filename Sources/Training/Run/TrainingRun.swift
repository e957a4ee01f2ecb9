import Checkpoints
import Datasets
import Diagnostics
import Foundation
import Kernels
import MPI
import NeuralNet
import Recipes

/// How a run ended.
package enum RunOutcome: Sendable {
    case finished
    /// Checkpointed and to be started again.
    case stopped(StopReason)
}

/// A whole training run on all ranks, from the first (or the resumed) step to the last.
package final class TrainingRun {
    private let recipe: Recipe
    private let communicator: Communicator
    private let data: TrainingData
    private let step: TrainingStep
    private let loader: TrainingLoader
    private let plan: EpochPlan
    private let schedule: LearningRateSchedule
    private let validator: any Validation
    private let files: RunWriter?
    private var state: RunState
    private let heartbeat = Heartbeat()
    private let showsProfile: Bool
    /// Since the epoch, or this process, began.
    private var timings = StepTimings()
    private var timedSteps = 0

    /// Builds the model. Collective; fails on all ranks alike.
    ///
    /// - Parameters:
    ///   - validation: makes what looks at the model between epochs, given the frozen model that it may use meanwhile.
    ///   - folder: the run's folder, as rank 0 opened it; nil elsewhere.
    ///   - resume: go on from the newest checkpoint in it.
    ///   - threads: threads per rank.
    ///   - showsProfile: print where the time went after each epoch.
    package init(
        recipe: Recipe, data: TrainingData, communicator: Communicator, folder: RunDirectory?, resume: Bool, threads: Int = 1,
        showsProfile: Bool = false, validation: (FrozenModel) throws -> any Validation
    ) throws {
        self.showsProfile = showsProfile
        self.recipe = recipe
        self.communicator = communicator
        self.data = data
        let plan = EpochPlan(
            trainingIndices: data.training, batchSize: recipe.data.batch, microBatchSize: recipe.data.microBatch, seed: recipe.randomSeed)
        self.plan = plan
        schedule = LearningRateSchedule(recipe, stepsPerEpoch: plan.stepsPerEpoch)
        let (rank, size) = (communicator.rank, communicator.size)
        let microBatches = plan.microBatchCount(step: 0)
        let heartbeat = heartbeat
        let (step, validator) = try communicator.agreeing {
            guard size <= microBatches else {
                throw Failure.usage(
                    "\(size) ranks, but a batch of \(plan.batchRange(step: 0).count) images has only \(microBatches) micro-batches of \(recipe.data.microBatch)",
                    remedy: "start fewer ranks, or make data.batch larger or data.microBatch smaller")
            }
            let network = try recipe.modelConfiguration().network(
                input: data.dataset.imageShape, classes: data.dataset.classes)
            let step = try TrainingStep(
                state: ModelState(network: network, seed: recipe.randomSeed), optimizer: recipe.optimizerSettings,
                settings: StepSettings(recipe), communicator: communicator,
                reduction: recipe.communication.reduction,
                bucketBytes: Int(recipe.communication.bucketMegabytes * 1e6), microBatch: recipe.data.microBatch,
                batch: ownedMicroBatches(total: microBatches, rank: 0, size: size).count * recipe.data.microBatch, threads: threads,
                heartbeat: heartbeat)
            return (step, try validation(step.frozen))
        }
        self.step = step
        self.validator = validator
        loader = TrainingLoader(
            dataset: data.dataset, plan: plan,
            augmentation: recipe.augmentationSettings,
            seed: recipe.randomSeed
        ) { ownedMicroBatches(total: $0, rank: rank, size: size) }
        state = RunState(recipe: recipe, data: data.fingerprint, worldSize: size)
        files = try communicator.agreeing {
            try folder.map { try RunWriter($0, recipe: recipe, keep: recipe.checkpoint.keep) }
        }
        if resume { try restore() }
        try communicator.agreeing { try files?.open(after: state) }
    }

    /// Trains until the recipe's epochs are done, patience runs out, or somebody asks to stop.
    ///
    /// - Parameter folder: the run's folder, where the watchdogs of all ranks leave word.
    package func run(stop: StopRequest, folder: String) throws -> RunOutcome {
        let watchdog = Watchdog(
            heartbeat, communicator: communicator, folder: folder, minutes: recipe.communication.watchdogMinutes)
        defer { watchdog.stop() }
        files?.note(describe())
        while state.epoch < recipe.epochs, !state.isFinished {
            if let reason = try trainEpoch(stop: stop) {
                try save(isBest: false)
                stop.clear()
                return .stopped(reason)
            }
            try finishEpoch()
        }
        files?.note("finished after \(state.epoch) epochs, \(state.step) steps")
        return .finished
    }

    /// Takes the remaining steps of the epoch; returns why it had to stop, if it had to.
    private func trainEpoch(stop: StopRequest) throws -> StopReason? {
        loader.start(epoch: state.epoch, fromStep: state.stepInEpoch)
        files?.beginEpoch()
        let every = recipe.checkpoint.everySteps
        while true {
            let start = monotonicSeconds()
            heartbeat.begin(step: state.step + 1)
            heartbeat.enter(.data)
            guard let batch = try loader.next() else { return nil }
            let waited = monotonicSeconds() - start
            let rate = schedule.rate(step: state.step)
            var result = try takeStep(batch, rate: rate)
            heartbeat.enter(.communication)
            result.timings.data = waited
            timings += result.timings
            timedSteps += 1
            state.step += 1
            state.stepInEpoch += 1
            state.samples += result.samples
            state.loss += result.loss
            state.correct += result.correct
            try communicator.agreeing {
                try files?.log(state, result, rate: rate, stepsPerEpoch: plan.stepsPerEpoch, epochs: recipe.epochs)
            }
            let reason = try stop.agree(communicator, nextStep: result.timings.total)
            if reason != .none { return reason }
            if every > 0, state.step % every == 0, state.stepInEpoch < plan.stepsPerEpoch { try save(isBest: false) }
        }
    }

    /// One step, its failures told with where they happened.
    private func takeStep(_ batch: Batch, rate: Float) throws -> StepResult {
        let place = "epoch \(state.epoch + 1), step \(state.step + 1)"
        do {
            return try step.run(batch, learningRate: rate)
        } catch let failure as Failure {
            throw Failure(failure.kind, "\(place), \(heartbeat.phase.text): \(failure.message)", remedy: failure.remedy)
        } catch let divergence as Divergence {
            // All ranks are here: each says which of its micro-batches went wrong.
            let own = divergence.microBatches.map { index, samples in
                "rank \(communicator.rank) on \(Host.name): micro-batch \(index), samples \(samples.map(String.init).joined(separator: " "))"
            }
            let all = try communicator.gather(own.joined(separator: "\n"))?.filter { !$0.isEmpty } ?? []
            try communicator.agreeing {
                guard communicator.rank == 0 else { return }
                let culprits = all.isEmpty ? "every micro-batch's loss is finite: a gradient overflowed" : all.joined(separator: "\n  ")
                throw Failure.badData(
                    "\(place): training diverged: \(divergence.name) is not finite\n  \(culprits)",
                    remedy: "lower optimizer.lr or warm up (schedule.warmupEpochs), then --resume goes on from the last good checkpoint")
            }
            throw divergence
        }
    }

    /// Validates, logs and checkpoints where due, and decides whether patience has run out.
    private func finishEpoch() throws {
        let epoch = state.epoch
        state.epoch += 1
        state.stepInEpoch = 0
        let isLast = state.epoch == recipe.epochs
        var accuracy: (clean: Double, robust: Double)?
        var isBest = false
        if isLast || state.epoch % recipe.validation.every == 0 {
            heartbeat.enter(.validation)
            accuracy = try validator.run(step.state, communicator: communicator) { heartbeat.beat() }
            if let accuracy {
                let metric = recipe.picksByCleanAccuracy ? accuracy.clean : accuracy.robust
                isBest = metric > state.bestMetric ?? -1
                state.validationsSinceBest = isBest ? 0 : state.validationsSinceBest + 1
                if isBest {
                    state.bestMetric = metric
                    state.bestEpoch = epoch
                }
                let patience = recipe.validation.patience
                if patience > 0, state.validationsSinceBest >= patience { state.isFinished = true }
            }
        }
        if isLast { state.isFinished = true }
        let summary = (samples: state.samples, loss: state.loss, correct: state.correct)
        (state.samples, state.loss, state.correct) = (0, 0, 0)
        state.weightsHash = files == nil ? "" : ModelWeights.hash(step.state)
        let profile = try EpochProfile.gather(
            timings, step.reducer.takeStatistics(), steps: timedSteps, communicator: communicator)
        (timings, timedSteps) = (StepTimings(), 0)
        try communicator.agreeing {
            guard let files, let profile else { return }
            try files.logEpoch(
                state, epoch: epoch, sums: summary, accuracy: accuracy, isBest: isBest, profile: profile,
                showsProfile: showsProfile)
        }
        if isBest || state.isFinished || state.epoch % recipe.checkpoint.everyEpochs == 0 {
            try save(isBest: isBest)
        }
    }

    private func save(isBest: Bool) throws {
        heartbeat.enter(communicator.rank == 0 ? .checkpoint : .communication)
        try communicator.agreeing {
            guard let files else { return }
            state.weightsHash = ModelWeights.hash(step.state)
            try files.save(state, model: step.state, optimizer: step.optimizer, isBest: isBest)
        }
    }

    /// Loads the newest good checkpoint on rank 0 and gives it to all.
    private func restore() throws {
        var encoded = ""
        try communicator.agreeing {
            guard let files else { return }
            let restored = try files.restore(into: step.state, step.optimizer)
            guard restored.data == state.data else {
                throw Failure.badData(
                    "the run was trained on \(restored.data), but the data is now \(state.data)",
                    remedy: "point data.directory and salience.maps to the same files, or start a new run")
            }
            encoded = String(decoding: try jsonBytes(restored, .line), as: UTF8.self)
        }
        encoded = try communicator.broadcast(encoded)
        state = try decodedJSON(RunState.self, from: encoded.utf8)
        state.recipe = recipe
        state.worldSize = communicator.size
        for arena in [step.state.parameters, step.state.buffers, step.optimizer.momentum] {
            try communicator.broadcast(UnsafeMutableBufferPointer(start: arena.pointer, count: arena.count))
        }
    }

    private func describe() -> String {
        let network = step.state.network
        return """
            \(recipe.mode.rawValue) training of \(recipe.model.name) (\(network.parameterCount) parameters) on \(data.training.count) images of \
            \(data.dataset.name), \(data.validation.count) held out
            \(communicator.size) rank\(communicator.size == 1 ? "" : "s"), batch \(recipe.data.batch) in micro-batches of \(recipe.data.microBatch), \
            \(plan.stepsPerEpoch) steps per epoch\(state.step > 0 ? ", resuming after step \(state.step)" : "")
            """
    }
}
