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
    let recipe: Recipe
    let communicator: Communicator
    let data: TrainingData
    let step: TrainingStep
    private let loader: TrainingLoader
    let plan: EpochPlan
    let schedule: LearningRateSchedule
    private let validator: any Validation
    let files: RunWriter?
    var state: RunState
    let heartbeat: Heartbeat
    private let showsProfile: Bool
    /// Since the epoch, or this process, began.
    private var timings = StepTimings()
    private var timedSteps = 0
    /// Seconds that the last of each took in this process; nil before the first.
    var saveSeconds: Double?
    private var validationSeconds: Double?
    /// Where the newest checkpoint stands.
    var saved: (step: Int, stepInEpoch: Int)?
    /// What the last validation of this process found, by the accuracy that picks the best.
    var lastMetric: Double?

    /// Builds the model. Collective; fails on all ranks alike.
    ///
    /// - Parameters:
    ///   - validation: makes what looks at the model between epochs, given the frozen model that it may use meanwhile.
    ///   - start: what rank 0 found in the run's folder; nil elsewhere.
    ///   - resume: whether there is a checkpoint to go on from.
    ///   - initialWeights: overwrites the random weights of a run that begins with others, and returns what there is to say of
    ///     them and their file's SHA-256; called on rank 0, which gives them to all.
    ///   - heartbeat: where the run tells what it is doing.
    ///   - threads: threads per rank.
    ///   - showsProfile: print where the time went after each epoch.
    package init(
        recipe: Recipe, data: TrainingData, communicator: Communicator, start: RunStart?, resume: Bool,
        initialWeights: ((ModelState) throws -> (notes: [String], hash: String))? = nil, threads: Int = 1, showsProfile: Bool = false,
        heartbeat: Heartbeat = Heartbeat(), validation: (FrozenPass) throws -> any Validation
    ) throws {
        self.showsProfile = showsProfile
        self.heartbeat = heartbeat
        self.recipe = recipe
        self.communicator = communicator
        self.data = data
        let plan = EpochPlan(
            trainingIndices: data.training, batchSize: recipe.data.batch, microBatchSize: recipe.data.microBatch, seed: recipe.randomSeed)
        self.plan = plan
        schedule = LearningRateSchedule(recipe, stepsPerEpoch: plan.stepsPerEpoch)
        let (rank, size) = (communicator.rank, communicator.size)
        let microBatches = plan.microBatchCount(step: 0)
        // Collective, so not inside the block that some ranks may leave early.
        let channel = try communicator.duplicate()
        let (step, validator) = try communicator.agreeing {
            guard size <= microBatches else {
                throw Failure.usage(
                    "\(size) ranks, but a batch of \(plan.batchRange(step: 0).count) images has only \(microBatches) micro-batches of \(recipe.data.microBatch)",
                    remedy: "start fewer ranks, or make data.batch larger or data.microBatch smaller")
            }
            let step = try TrainingStep(recipe, data: data, plan: plan, channel: channel, threads: threads, heartbeat: heartbeat)
            return (step, try validation(step.idlePass))
        }
        self.step = step
        self.validator = validator
        loader = TrainingLoader(
            dataset: data.dataset, plan: plan,
            augmentation: recipe.augmentationSettings,
            seed: recipe.randomSeed
        ) { ownedMicroBatches(total: $0, rank: rank, size: size) }
        state = RunState(recipe: recipe, data: data.fingerprint, worldSize: size)
        state.images = RunState.Images(data.dataset)
        state.compute = .current(backend: recipe.kernels.backend)
        files = try communicator.agreeing {
            try start.map { try RunWriter($0, recipe: recipe) }
        }
        try communicator.agreeing { try files?.record(data) }
        if resume { try restore() } else if !recipe.model.weights.isEmpty { try begin(from: initialWeights) }
        try communicator.agreeing { try files?.open(after: state) }
        if let changes = start?.changes, changes.contains(where: { $0.field.path == "epochs" }), let old = start?.state?.recipe {
            noteSchedule(before: old)
        }
    }

    /// Trains until the recipe's epochs are done, patience runs out, or somebody asks to stop. Collective.
    package func run(stop: StopRequest) throws -> RunOutcome {
        files?.note(describe())
        if let left = stop.secondsLeft {
            files?.note("time budget: \(duration(max(0, left))) left, of which \(duration(reserve(step: 0))) are kept for a checkpoint (estimated) and two steps more")
        }
        heartbeat.enter(.communication)
        while !isFinished {
            if let reason = try trainEpoch(stop: stop) ?? finishEpoch(stop: stop) {
                if files != nil { stop.clear() }
                return .stopped(reason)
            }
        }
        if let collapse = state.collapse {
            files?.note(
                "stopped for good: \(collapse)\n  → begin another run with these weights (--set model.weights=\(files?.folder ?? "RUN")), or go on in spite of it: "
                    + "--resume --set watch.action=warn")
        }
        if let best = state.bestMetric, let bestEpoch = state.bestEpoch, let last = lastMetric, best - last > 0.02, !recipe.picksByCleanAccuracy {
            files?.note(
                "robust overfitting: robust accuracy was \(percent(best)) after epoch \(bestEpoch + 1) and is \(percent(last)) now; "
                    + "sipat evaluate takes the checkpoint of epoch \(bestEpoch + 1)")
        }
        try communicator.agreeing { try files?.writeCard(state, recipe: recipe, data: data, model: step.resultingState) }
        files?.note("finished after \(state.epoch) epochs, \(state.step) steps")
        return .finished
    }

    /// Whether all epochs are done, or patience has run out.
    private var isFinished: Bool {
        let patience = recipe.validation.patience
        return state.collapse != nil || state.epoch >= recipe.epochs || patience > 0 && state.validationsSinceBest >= patience
    }

    /// Seconds of the time budget that two steps and a checkpoint need. Before the first checkpoint, at 50 MB a second.
    private func reserve(step seconds: Double) -> Double {
        let bytes = 4 * (2 * step.state.parameters.count + step.state.buffers.count)
        return 2 * seconds + (saveSeconds.map { 2 * $0 } ?? 0.1 + Double(bytes) / 50e6)
    }

    /// Takes the remaining steps of the epoch; returns why it had to stop, after a checkpoint, if it had to.
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
            let (reason, zeroGradients) = try stop.agree(
                communicator, reserving: reserve(step: result.timings.total), summing: step.zeroGradients)
            state.zeroGradients = (state.zeroGradients ?? 0) + zeroGradients
            try compareWeights()
            if reason != .none {
                try save(isTold: state.stepInEpoch < plan.stepsPerEpoch)
                return reason
            }
            if every > 0, state.step % every == 0, state.stepInEpoch < plan.stepsPerEpoch { try save(isTold: true) }
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
                    remedy: remedyForDivergence)
            }
            throw divergence
        }
    }

    /// The steps that led here are the same each time: another learning rate makes another run.
    private var remedyForDivergence: String {
        "begin another run (another --output) with a lower optimizer.lr or a warm-up (schedule.warmupEpochs), if you like from this run's last good checkpoint: "
            + "--set model.weights=\(files?.folder ?? "RUN")"
    }

    /// Looks at the model. Where its answers are not finite, the epoch's checkpoint goes, from which the run could only come here
    /// again, and the run fails. Collective.
    private func measure<Value>(_ look: () throws -> Value) throws -> Value {
        do { return try look() } catch let divergence as DivergedModel {
            try communicator.agreeing {
                guard let files else { return }
                try files.discard(step: state.step)
                throw Failure.badData(
                    "epoch \(state.epoch + 1), step \(state.step): training diverged: the model's answers to held-out images are not finite",
                    remedy: remedyForDivergence)
            }
            throw divergence
        }
    }

    /// Validates, logs and checkpoints where due. Returns why it had to stop before a validation, if it had to.
    ///
    /// The checkpoint comes before the validation, of which every rank may be killed: a resumed run then validates again, and
    /// comes to the same result.
    private func finishEpoch(stop: StopRequest) throws -> StopReason? {
        let epoch = state.epoch
        let isLast = epoch + 1 == recipe.epochs
        var accuracy: (clean: Double, robust: Double)?
        var isBest = false
        let watched = try watch(isLast: isLast)
        if let watched, let collapse = watched.collapse(from: state.bestWatched, drop: recipe.watch.drop) {
            if recipe.watchAction == .stop, try goBack(collapse) { return nil }
            files?.note("warning: \(collapse)")
        } else if let watched {
            state.bestWatched = watched.best(with: state.bestWatched)
            state.lastGoodStep = state.step
        }
        if !data.validation.isEmpty, isLast || (epoch + 1) % recipe.validation.every == 0 {
            heartbeat.enter(.communication)
            if saved?.step != state.step || saved?.stepInEpoch != state.stepInEpoch { try save(isTold: false) }
            let reason = try stop.agree(communicator, reserving: reserve(step: 0) + (validationSeconds ?? 0)).reason
            if reason != .none { return reason }
            let start = monotonicSeconds()
            heartbeat.enter(.validation)
            accuracy = try measure { try validator.run(step.resultingState, communicator: communicator) { heartbeat.beat() } }
            heartbeat.enter(.communication)
            validationSeconds = monotonicSeconds() - start
        }
        state.epoch += 1
        state.stepInEpoch = 0
        if let accuracy {
            let metric = recipe.picksByCleanAccuracy ? accuracy.clean : accuracy.robust
            lastMetric = metric
            isBest = metric > state.bestMetric ?? -1 || recipe.validation.ties == .later && metric == state.bestMetric
            state.validationsSinceBest = isBest ? 0 : state.validationsSinceBest + 1
            if isBest {
                state.bestMetric = metric
                state.bestEpoch = epoch
            }
        }
        state.isFinished = isFinished
        let summary = (samples: state.samples, loss: state.loss, correct: state.correct, zeroGradients: state.zeroGradients ?? 0)
        (state.samples, state.loss, state.correct, state.zeroGradients) = (0, 0, 0, 0)
        state.weightsHash = files == nil ? "" : ModelWeights.hash(step.state)
        let average = files == nil ? nil : step.average.map { ModelWeights.hash($0.state) }
        let profile = try EpochProfile.gather(
            timings, step.reducer.takeStatistics(), steps: timedSteps, communicator: communicator)
        (timings, timedSteps) = (StepTimings(), 0)
        try communicator.agreeing {
            guard let files, let profile else { return }
            if isBest { try files.markBest(state) }
            try files.logEpoch(
                state, epoch: epoch, sums: summary, accuracy: accuracy, isBest: isBest, watched: watched, average: average, profile: profile,
                showsProfile: showsProfile)
        }
        let isSaved = saved?.step == state.step
        if state.isFinished || !isSaved && state.epoch % recipe.checkpoint.everyEpochs == 0 { try save(isTold: false) }
        return nil
    }

    /// What the watch sees after an epoch where it is due, after a checkpoint; nil where it is not. Collective.
    private func watch(isLast: Bool) throws -> WatchedAccuracy? {
        guard recipe.watchAction != .off, !data.validation.isEmpty, isLast || (state.epoch + 1) % recipe.watch.every == 0 else { return nil }
        heartbeat.enter(.communication)
        if saved?.step != state.step || saved?.stepInEpoch != state.stepInEpoch { try save(isTold: false) }
        heartbeat.enter(.validation)
        let result = try measure { try validator.watch(step.state, communicator: communicator) { heartbeat.beat() } }
        heartbeat.enter(.communication)
        return result
    }

    /// Compares the weights over ranks where it is due: after equal steps they are equal to the last bit.
    private func compareWeights() throws {
        let every = recipe.communication.compareWeightsEverySteps
        guard every > 0, state.step % every == 0, communicator.size > 1 else { return }
        try requireEqualWeights(weightsChecksum(step.arenas), step: state.step, on: communicator)
    }

    /// Says what another number of epochs means for a schedule that is stretched over all of them.
    private func noteSchedule(before old: Recipe) {
        let (was, rate) = (LearningRateSchedule(old, stepsPerEpoch: plan.stepsPerEpoch).rate(step: state.step), schedule.rate(step: state.step))
        guard was != rate else { return }
        files?.note(
            "schedule.name \(recipe.schedule.name.rawValue) spans all epochs: the next learning rate is \(rate) instead of \(was), "
                + "and the run is not the one that had \(recipe.epochs) epochs from the beginning")
    }

    private func describe() -> String {
        let network = step.state.network
        let method = recipe.methodText.isEmpty ? "" : "\nmethod: \(recipe.methodText)"
        let salience = data.dataset.hasSalience ? "\nsalience: \(data.salienceCounts.summary)" : ""
        return """
            \(recipe.mode.rawValue) training of \(recipe.model.name) (\(network.parameterCount) parameters) on \(data.training.count) images of \
            \(data.dataset.name), \(data.validation.count) held out\(salience)\(method)
            \(communicator.size) rank\(communicator.size == 1 ? "" : "s"), batch \(recipe.data.batch) in micro-batches of \(recipe.data.microBatch), \
            \(plan.stepsPerEpoch) steps per epoch\(state.step > 0 ? ", resuming after step \(state.step)" : "")
            \(state.compute.map(\.description) ?? "")
            """
    }
}
