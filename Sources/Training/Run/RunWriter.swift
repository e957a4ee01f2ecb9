import Checkpoints
import Diagnostics
import Foundation
import NeuralNet
import Recipes

/// Everything rank 0 writes: the terminal, the metrics, the checkpoints.
final class RunWriter {
    private let directory: RunDirectory
    private let store: CheckpointStore
    private var progress = ProgressLine()
    private var metrics: MetricsLog?
    private var epochStart = monotonicSeconds()

    init(_ directory: RunDirectory, recipe: Recipe, keep: Int) throws {
        self.directory = directory
        store = CheckpointStore(run: directory.path, keep: keep)
        if let warning = directory.lockWarning { progress.note("warning: \(warning)") }
        let text = "# The resolved recipe of this run.\n" + recipe.yaml(commented: false)
        try writeAtomically(Array(text.utf8), to: directory.path + "/recipe.yaml")
    }

    /// Opens the metrics; lines after the step to go on from are dropped.
    func open(after state: RunState) throws {
        metrics = try MetricsLog(folder: directory.path, after: state.step, epoch: state.epoch)
        epochStart = monotonicSeconds()
    }

    func note(_ text: String) { progress.note(text) }

    func beginEpoch() { epochStart = monotonicSeconds() }

    func log(_ state: RunState, _ result: StepResult, rate: Float, stepsPerEpoch: Int, epochs: Int) throws {
        let samples = Double(result.samples)
        try metrics?.append(
            StepLine(
                step: state.step, epoch: state.epoch, learningRate: rate, loss: result.loss / samples,
                accuracy: result.correct / samples, imagesPerSecond: samples / result.timings.total))
        progress.show(
            epoch: state.epoch, epochs: epochs, step: state.stepInEpoch - 1, steps: stepsPerEpoch,
            loss: state.loss / Double(state.samples), accuracy: state.correct / Double(state.samples),
            samples: result.samples, seconds: result.timings.total, remaining: epochs * stepsPerEpoch - state.step,
            now: monotonicSeconds())
    }

    func logEpoch(
        _ state: RunState, epoch: Int, sums: (samples: Int, loss: Double, correct: Double),
        accuracy: (clean: Double, robust: Double)?, isBest: Bool, profile: EpochProfile, showsProfile: Bool
    ) throws {
        let samples = Double(max(sums.samples, 1))
        let seconds = monotonicSeconds() - epochStart
        try metrics?.append(
            EpochLine(
                step: state.step, epoch: epoch, loss: sums.loss / samples, accuracy: sums.correct / samples,
                cleanAccuracy: accuracy?.clean, robustAccuracy: accuracy?.robust, weights: state.weightsHash,
                seconds: seconds, timing: TimingLine(profile)))
        var text = "epoch \(epoch + 1): loss \(decimal(sums.loss / samples, 4)), training accuracy \(percent(sums.correct / samples))"
        if let accuracy {
            text += ", validation \(percent(accuracy.clean)) clean, \(percent(accuracy.robust)) robust\(isBest ? " (best)" : "")"
        }
        progress.note(text + ", \(duration(seconds)), weights \(state.weightsHash.prefix(12))")
        if let warning = profile.warning { progress.note(warning) }
        if showsProfile { progress.note(profile.table) }
    }

    func save(_ state: RunState, model: ModelState, optimizer: Optimizer, isBest: Bool) throws {
        let metric = state.recipe.picksByCleanAccuracy ? "validation.clean" : "validation.robust"
        let result = try store.save(
            step: state.step, RunFiles.checkpoint(state, model: model, optimizer: optimizer),
            best: isBest ? (metric, state.bestMetric ?? 0) : nil)
        for warning in result.warnings { progress.note("warning: \(warning)") }
        // At the end of an epoch, the epoch's own line has told it.
        if state.stepInEpoch > 0 { progress.note("checkpoint after step \(state.step), weights \(state.weightsHash.prefix(12))") }
    }

    /// The state of the newest good checkpoint, its arenas loaded.
    func restore(into model: ModelState, _ optimizer: Optimizer) throws -> RunState {
        let (checkpoint, skipped) = try store.latestValid()
        for (path, reason) in skipped { progress.note("warning: \(path) is damaged and passed over: \(reason.message)") }
        guard let checkpoint else {
            throw Failure.badData(
                "\(directory.path): there is no good checkpoint to resume from"
                    + (skipped.isEmpty ? "" : " (\(skipped.count) damaged)"),
                remedy: "start anew in another folder (--output)")
        }
        try RunFiles.restore(checkpoint, into: model, optimizer)
        return try RunFiles.state(of: checkpoint)
    }
}
