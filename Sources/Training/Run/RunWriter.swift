import Checkpoints
import Datasets
import Diagnostics
import Foundation
import Kernels
import NeuralNet
import Recipes
import Salience

/// Everything rank 0 writes: the terminal, the metrics, the checkpoints.
final class RunWriter {
    private let start: RunStart
    private let directory: RunDirectory
    private let store: CheckpointStore
    /// The run's folder.
    var folder: String { directory.path }
    private var progress = ProgressLine()
    private var metrics: MetricsLog?
    private var events: TensorBoardLog?
    private var epochStart = monotonicSeconds()

    init(_ start: RunStart, recipe: Recipe) throws {
        self.start = start
        directory = start.directory
        store = CheckpointStore(run: directory.path, keep: recipe.checkpoint.keep, files: start.files)
        if let warning = directory.lockWarning { progress.note("warning: \(warning)") }
        for note in start.notes { progress.note(note) }
        try removeLeftovers()
        let text = "# The resolved recipe of this run.\n" + recipe.yaml(commented: false)
        try writeAtomically(Array(text.utf8), to: directory.path + "/recipe.yaml", using: start.files)
    }

    /// Opens the metrics; lines after the step to go on from are dropped, and what changed in the recipe is recorded.
    func open(after state: RunState) throws {
        let log = try openLogs(after: state)
        epochStart = monotonicSeconds()
        // Also where the run goes on from there in spite of it.
        if let line = start.state.flatMap({ CollapseLine($0) }) { try log.append(line) }
        try recordCompute(after: state, to: log)
        guard !start.changes.isEmpty else { return }
        for change in start.changes { progress.note("\(change.field.path) was \(change.old), is now \(change.new)") }
        let changes = start.changes.map { ($0.field.path, RecipeLine.Change(old: "\($0.old)", new: "\($0.new)")) }
        try log.append(RecipeLine(step: state.step, changes: Dictionary(uniqueKeysWithValues: changes)))
    }

    /// Opens what is logged, without what comes after `state`.
    private func openLogs(after state: RunState) throws -> MetricsLog {
        let log = try MetricsLog(folder: directory.path, after: state.step, epoch: state.epoch, using: start.files)
        metrics = log
        if state.recipe.logging.tensorboard {
            // A checkpoint after an epoch's last step may be older than its validation.
            events = try TensorBoardLog(folder: directory.path, after: state.step, hasEpoch: state.stepInEpoch == 0, using: start.files)
        }
        return log
    }

    /// Says and records that the steps to come are computed by something else than those taken.
    private func recordCompute(after state: RunState, to log: MetricsLog) throws {
        guard let old = start.state?.compute, let new = state.compute else { return }
        let changes = new.differences(from: old)
        guard !changes.isEmpty else { return }
        progress.note(
            "warning: \(changes.joined(separator: ", ")): the run goes on, but not to the last bit as it would have without the interruption")
        try log.append(ComputeLine(step: state.step, changes: changes))
    }

    /// What a process that was killed left half written.
    private func removeLeftovers() throws {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? [] where name.hasPrefix(incompletePrefix) {
            do { try start.files.removeTree(directory.path + "/" + name) } catch {
                throw Failure.writing(directory.path + "/" + name, error: error)
            }
        }
    }

    /// Writes on whose word pixels are protected, where the maps are not the data set's own.
    func record(_ data: TrainingData) throws {
        guard let salience = data.dataset.salience else { return }
        let record = SalienceOfRun(
            path: salience.path, fingerprint: data.dataset.salienceFingerprint ?? "", training: data.salienceCounts, origins: salience.origins)
        try writeAtomically(jsonBytes(record), to: directory.path + "/salience.json", using: start.files)
    }

    func note(_ text: String) { progress.note(text) }

    func beginEpoch() { epochStart = monotonicSeconds() }

    func log(_ state: RunState, _ result: StepResult, rate: Float, stepsPerEpoch: Int, epochs: Int) throws {
        let samples = Double(result.samples)
        let line = StepLine(
            step: state.step, epoch: state.epoch, learningRate: rate, loss: result.loss / samples, accuracy: result.correct / samples,
            imagesPerSecond: samples / result.timings.total)
        try metrics?.append(line)
        try events?.append(line)
        progress.show(
            epoch: state.epoch, epochs: epochs, step: state.stepInEpoch - 1, steps: stepsPerEpoch,
            loss: state.loss / Double(state.samples), accuracy: state.correct / Double(state.samples),
            samples: result.samples, seconds: result.timings.total, remaining: epochs * stepsPerEpoch - state.step,
            now: monotonicSeconds())
    }

    func logEpoch(
        _ state: RunState, epoch: Int, sums: (samples: Int, loss: Double, correct: Double, zeroGradients: Int),
        accuracy: (clean: Double, robust: Double)?, isBest: Bool, watched: WatchedAccuracy?, average: String?, profile: EpochProfile, showsProfile: Bool
    ) throws {
        let samples = Double(max(sums.samples, 1))
        let seconds = monotonicSeconds() - epochStart
        let line = EpochLine(
            step: state.step, epoch: epoch, loss: sums.loss / samples, accuracy: sums.correct / samples, cleanAccuracy: accuracy?.clean,
            robustAccuracy: accuracy?.robust, belowBest: accuracy.flatMap { Self.belowBest($0, state) }, watched: watched, zeroGradients: sums.zeroGradients, weights: state.weightsHash, average: average, seconds: seconds,
            timing: TimingLine(profile))
        try metrics?.append(line)
        try events?.append(line)
        var text = "epoch \(epoch + 1): loss \(decimal(sums.loss / samples, 4)), training accuracy \(percent(sums.correct / samples))"
        if let accuracy {
            text += ", validation \(percent(accuracy.clean)) clean, \(percent(accuracy.robust)) robust\(isBest ? " (best)" : "")"
            if !isBest, let gap = Self.belowBest(accuracy, state), let best = state.bestEpoch {
                text += " (\(decimal(100 * gap, 1)) points below epoch \(best + 1))"
            }
        }
        if let watched {
            text += ", watched \(percent(watched.everywhere))" + (watched.masked.map { " and \(percent($0)) inside the mask" } ?? "")
        }
        progress.note(text + ", \(duration(seconds)), weights \(state.weightsHash.prefix(12))")
        if sums.zeroGradients > 0 {
            progress.note(
                "warning: the attack's first gradient was zero for \(sums.zeroGradients) of \(sums.samples) images "
                    + "(\(percent(Double(sums.zeroGradients) / samples))): they were trained on as if unattacked, and the model may mask its gradients")
        }
        if let warning = profile.warning { progress.note(warning) }
        if showsProfile { progress.note(profile.table) }
    }

    /// How far a validation lies below the best one, by the accuracy that picks it.
    private static func belowBest(_ accuracy: (clean: Double, robust: Double), _ state: RunState) -> Double? {
        state.bestMetric.map { $0 - (state.recipe.picksByCleanAccuracy ? accuracy.clean : accuracy.robust) }
    }

    /// - Parameters:
    ///   - perturbation: free training's, of all ranks, where the next step needs it.
    ///   - isTold: say so; at the end of an epoch, the epoch's own line does.
    func save(_ state: RunState, step: TrainingStep, perturbation: [Float]?, isTold: Bool) throws {
        // The log of the steps taken first: a checkpoint promises it.
        try metrics?.synchronize()
        try events?.synchronize()
        let result = try store.save(step: state.step, RunFiles.checkpoint(state, step: step, perturbation: perturbation), keeping: state.lastGoodStep.map { [$0] } ?? [])
        for warning in result.warnings { progress.note("warning: \(warning)") }
        if isTold { progress.note("checkpoint after step \(state.step), weights \(state.weightsHash.prefix(12))") }
    }

    /// Records the checkpoint of `state.step`, which has been saved, as the best.
    func markBest(_ state: RunState) throws {
        let metric = state.recipe.picksByCleanAccuracy ? "validation.clean" : "validation.robust"
        try store.markBest(.init(step: state.step, metric: metric, value: state.bestMetric ?? 0))
    }

    /// Removes the checkpoint of the newest step, from which nobody can go on.
    func discard(step: Int) throws { try store.removeLater(than: step - 1) }

    /// Writes the model card. The metrics have been written.
    ///
    /// - Parameter model: what came out in the end.
    func writeCard(_ state: RunState, recipe: Recipe, data: TrainingData, model: ModelState) throws {
        let path = directory.path + "/metrics.jsonl"
        let card = ModelCard(
            recipe: recipe, state: state, data: data, network: model.network, lastHash: ModelWeights.hash(model), metrics: try ReadableFile.contents(of: path, limit: 1 << 32),
            leftOut: recipe.data.skipBad ? leftOut : 0)
        try writeAtomically(Array(card.text.utf8), to: directory.path + "/model-card.md", using: start.files)
    }

    /// Files that the run does without.
    private var leftOut: Int {
        let bytes = try? ReadableFile.contents(of: "\(directory.path)/\(LeftOutFiles.fileName)", limit: 1 << 30)
        return bytes.flatMap { try? decodedJSON(LeftOutFiles.self, from: $0) }?.files.count ?? 0
    }

    /// Takes back what came after an epoch that ended with an earlier step: loads its arenas, and removes later checkpoints and lines of
    /// the logs. A best one among those is replaced by this one.
    ///
    /// - Parameters:
    ///   - current: the state to go back from.
    ///   - collapse: why.
    /// - Returns: the state after that epoch; nil if there is no checkpoint of that step, and nothing was done.
    func goBack(from current: RunState, to number: Int, collapse: String, into step: TrainingStep) throws -> RunState? {
        guard let checkpoint = try store.checkpoint(step: number) else { return nil }
        var state = try RunFiles.state(of: checkpoint)
        _ = try RunFiles.restore(checkpoint, into: step)
        // The checkpoint is from before its epoch's validation, unless the run had once ended there.
        if state.stepInEpoch > 0 { state.epoch += 1 }
        (state.stepInEpoch, state.samples, state.loss, state.correct, state.zeroGradients) = (0, 0, 0, 0, 0)
        (state.bestWatched, state.lastGoodStep, state.recipe) = (current.bestWatched, number, current.recipe)
        (state.worldSize, state.compute) = (current.worldSize, current.compute)
        state.collapse = "\(collapse) in epoch \(current.epoch + 1); the weights are those after epoch \(state.epoch), step \(state.step)"
        state.isFinished = true

        let logged = LoggedEpoch.all(in: try ReadableFile.contents(of: directory.path + "/metrics.jsonl", limit: 1 << 32))
        let keepsBest = (try? store.best()).map { $0.record.step <= number } ?? false
        if keepsBest {
            (state.bestMetric, state.bestEpoch) = (current.bestMetric, current.bestEpoch)
        } else {
            let epoch = logged.last { $0.step == number }
            state.bestMetric = state.recipe.picksByCleanAccuracy ? epoch?.cleanAccuracy : epoch?.robustAccuracy
            state.bestEpoch = state.bestMetric == nil ? nil : epoch?.epoch
            if state.bestMetric != nil {
                try markBest(state)
            } else {
                try store.markBest(.init(step: number, metric: "watch", value: epoch?.watched?.everywhere ?? 0))
            }
        }
        state.validationsSinceBest = logged.count { $0.cleanAccuracy != nil && $0.epoch > state.bestEpoch ?? .max && $0.epoch < state.epoch }
        try store.removeLater(than: number)
        let log = try openLogs(after: state)
        if let line = CollapseLine(state) { try log.append(line) }
        return state
    }

    /// The state to go on from, its arenas loaded, and free training's perturbation if the next step needs it.
    func restore(into step: TrainingStep) throws -> (state: RunState, perturbation: [Float]?) {
        guard let checkpoint = start.checkpoint, let state = start.state else {
            throw Failure.internalError("\(directory.path): a run without a checkpoint is resumed")
        }
        return (state, try RunFiles.restore(checkpoint, into: step))
    }
}

/// `salience.json` of a run.
private struct SalienceOfRun: Encodable {
    /// The maps, as the recipe names them.
    let path: String
    /// SHA-256 over states and maps, as the store's header has it for the training split.
    let fingerprint: String
    /// Training images in each state.
    let training: SalienceCounts
    let origins: [SalienceOrigin]
}
