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
    private let heartbeat: Heartbeat
    private let showsProfile: Bool
    /// Since the epoch, or this process, began.
    private var timings = StepTimings()
    private var timedSteps = 0
    /// Seconds that the last of each took in this process; nil before the first.
    private var saveSeconds: Double?
    private var validationSeconds: Double?
    /// Where the newest checkpoint stands.
    private var saved: (step: Int, stepInEpoch: Int)?
    /// What the last validation of this process found, by the accuracy that picks the best.
    private var lastMetric: Double?

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
        if let collapse = state.collapse { files?.note("stopped for good: \(collapse)") }
        if let best = state.bestMetric, let bestEpoch = state.bestEpoch, let last = lastMetric, best - last > 0.02, !recipe.picksByCleanAccuracy {
            files?.note(
                "robust overfitting: robust accuracy was \(percent(best)) after epoch \(bestEpoch + 1) and is \(percent(last)) now; "
                    + "sipat evaluate takes the checkpoint of epoch \(bestEpoch + 1)")
        }
        try communicator.agreeing { try files?.writeCard(state, recipe: recipe, data: data, network: step.state.network) }
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
                    remedy: "lower optimizer.lr or warm up (schedule.warmupEpochs), then --resume goes on from the last good checkpoint")
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
            accuracy = try validator.run(step.resultingState, communicator: communicator) { heartbeat.beat() }
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
        let profile = try EpochProfile.gather(
            timings, step.reducer.takeStatistics(), steps: timedSteps, communicator: communicator)
        (timings, timedSteps) = (StepTimings(), 0)
        try communicator.agreeing {
            guard let files, let profile else { return }
            if isBest { try files.markBest(state) }
            try files.logEpoch(
                state, epoch: epoch, sums: summary, accuracy: accuracy, isBest: isBest, watched: watched, profile: profile,
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
        let result = try validator.watch(step.state, communicator: communicator) { heartbeat.beat() }
        heartbeat.enter(.communication)
        return result
    }

    /// Takes back the epochs since the watch last saw nothing bad, and ends the run there. Collective.
    ///
    /// - Returns: whether there was a checkpoint to go back to.
    private func goBack(_ collapse: String) throws -> Bool {
        guard let good = state.lastGoodStep else { return false }
        let epoch = state.epoch
        var encoded = ""
        try communicator.agreeing {
            guard let files, var old = try files.goBack(to: good, into: step) else { return }
            // The checkpoint is from before its epoch's validation.
            old.epoch += 1
            (old.stepInEpoch, old.samples, old.loss, old.correct, old.zeroGradients) = (0, 0, 0, 0, 0)
            (old.bestMetric, old.bestEpoch, old.validationsSinceBest) = (state.bestMetric, state.bestEpoch, state.validationsSinceBest)
            (old.bestWatched, old.lastGoodStep, old.recipe, old.worldSize, old.compute) = (state.bestWatched, good, recipe, state.worldSize, state.compute)
            old.collapse = "\(collapse) in epoch \(epoch + 1); the weights are those after epoch \(old.epoch), step \(old.step)"
            old.isFinished = true
            encoded = String(decoding: try jsonBytes(old, .line), as: UTF8.self)
        }
        encoded = try communicator.broadcast(encoded)
        guard !encoded.isEmpty else { return false }
        state = try decodedJSON(RunState.self, from: encoded.utf8)
        for arena in step.arenas {
            try communicator.broadcast(UnsafeMutableBufferPointer(start: arena.pointer, count: arena.count))
        }
        try save(isTold: false)
        return true
    }

    private func save(isTold: Bool) throws {
        let start = monotonicSeconds()
        heartbeat.enter(communicator.rank == 0 ? .checkpoint : .communication)
        let perturbation = try gatherPerturbation()
        try communicator.agreeing {
            guard let files else { return }
            state.weightsHash = ModelWeights.hash(step.state)
            try files.save(state, step: step, perturbation: perturbation, isTold: isTold)
        }
        heartbeat.enter(.communication)
        saveSeconds = monotonicSeconds() - start
        saved = (state.step, state.stepInEpoch)
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

    /// Loads the weights to begin from on rank 0 and gives them to all.
    private func begin(from load: ((ModelState) throws -> (notes: [String], hash: String))?) throws {
        try communicator.agreeing {
            guard let files else { return }
            guard let load else { throw Failure.internalError("model.weights is given, but nobody reads it") }
            let (notes, hash) = try load(step.state)
            state.initialWeights = hash
            for note in notes { files.note(note) }
        }
        for arena in [step.state.parameters, step.state.buffers] {
            try communicator.broadcast(UnsafeMutableBufferPointer(start: arena.pointer, count: arena.count))
        }
        step.average?.state.copy(from: step.state)
    }

    /// Loads the newest good checkpoint on rank 0 and gives it to all.
    private func restore() throws {
        var encoded = ""
        var perturbation: [Float]?
        try communicator.agreeing {
            guard let files else { return }
            let (restored, found) = try files.restore(into: step)
            perturbation = found
            guard restored.data == state.data else {
                throw Failure.badData(
                    "the run was trained on \(restored.data), but the data is now \(state.data)",
                    remedy: "point data.directory and salience.maps to the same files, or start a new run")
            }
            encoded = String(decoding: try jsonBytes(restored, .line), as: UTF8.self)
        }
        encoded = try communicator.broadcast(encoded)
        state = try decodedJSON(RunState.self, from: encoded.utf8)
        if files != nil, recipe.communication.reduction != .reproducible, state.worldSize != communicator.size {
            files?.note("warning: the run had \(state.worldSize) ranks and now has \(communicator.size): with communication.reduction \(recipe.communication.reduction.rawValue) its sums depend on that")
        }
        saved = (state.step, state.stepInEpoch)
        state.recipe = recipe
        // Older checkpoints do not say it.
        state.images = RunState.Images(data.dataset)
        state.compute = .current(backend: recipe.kernels.backend)
        state.worldSize = communicator.size
        for arena in step.arenas {
            try communicator.broadcast(UnsafeMutableBufferPointer(start: arena.pointer, count: arena.count))
        }
        try dealPerturbation(perturbation)
    }

    /// How many values of free training's perturbation each rank holds, in the order of the batch.
    private func perturbationCounts() -> [Int] {
        let (size, values) = (communicator.size, step.state.network.input.count)
        return (0..<size).map {
            plan.samples(ofMicroBatches: ownedMicroBatches(total: plan.microBatchCount(step: 0), rank: $0, size: size), step: 0).count * values
        }
    }

    /// Free training's perturbation of all ranks, on rank 0, where the next step begins with it; nil elsewhere. Collective.
    private func gatherPerturbation() throws -> [Float]? {
        guard let free = step.free, state.stepInEpoch > 0, state.stepInEpoch < plan.stepsPerEpoch else { return nil }
        let counts = perturbationCounts()
        var whole = [Float](repeating: 0, count: communicator.rank == 0 ? counts.reduce(0, +) : 0)
        try whole.withUnsafeMutableBufferPointer {
            try communicator.gather(
                UnsafeBufferPointer(start: free.values.pointer, count: counts[communicator.rank]), into: $0, counts: counts)
        }
        return communicator.rank == 0 ? whole : nil
    }

    /// Gives each rank its part of free training's perturbation, where a checkpoint holds one. Collective.
    private func dealPerturbation(_ whole: [Float]?) throws {
        guard let free = step.free, state.stepInEpoch > 0, state.stepInEpoch < plan.stepsPerEpoch else { return }
        let counts = perturbationCounts()
        try communicator.agreeing {
            guard communicator.rank == 0 else { return }
            guard whole?.count == counts.reduce(0, +) else {
                throw Failure.badData(
                    "the checkpoint's \(RunFiles.perturbation) holds \(whole?.count ?? 0) values, expected \(counts.reduce(0, +))",
                    remedy: "the checkpoint was written by another version of sipat")
            }
        }
        try (whole ?? []).withUnsafeBufferPointer {
            try communicator.scatter(
                $0, into: UnsafeMutableBufferPointer(start: free.values.pointer, count: counts[communicator.rank]), counts: counts)
        }
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
