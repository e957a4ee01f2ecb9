import Checkpoints
import Diagnostics
import Foundation
import Kernels
import MPI
import NeuralNet
import Recipes

/// What a run writes to go on from, and how it begins from that or from other weights.
extension TrainingRun {
    /// Writes a checkpoint. Collective.
    ///
    /// - Parameter isTold: whether the log says so.
    func save(isTold: Bool) throws {
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

    /// Loads the weights to begin from on rank 0 and gives them to all.
    func begin(from load: ((ModelState) throws -> (notes: [String], hash: String))?) throws {
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
    func restore() throws {
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
        if let collapse = state.collapse, recipe.watchAction != .stop {
            files?.note("the run had been stopped (\(collapse)) and goes on: watch.action is \(recipe.watchAction.rawValue)")
            (state.collapse, state.isFinished) = (nil, false)
        }
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

    /// Takes back the epochs since the watch last saw nothing bad, and ends the run there. Collective.
    ///
    /// - Returns: whether there was a checkpoint to go back to.
    func goBack(_ collapse: String) throws -> Bool {
        guard let good = state.lastGoodStep else { return false }
        var encoded = ""
        try communicator.agreeing {
            guard let old = try files?.goBack(from: state, to: good, collapse: collapse, into: step) else { return }
            encoded = String(decoding: try jsonBytes(old, .line), as: UTF8.self)
        }
        encoded = try communicator.broadcast(encoded)
        guard !encoded.isEmpty else { return false }
        state = try decodedJSON(RunState.self, from: encoded.utf8)
        lastMetric = nil
        for arena in step.arenas {
            try communicator.broadcast(UnsafeMutableBufferPointer(start: arena.pointer, count: arena.count))
        }
        try save(isTold: false)
        return true
    }
}
