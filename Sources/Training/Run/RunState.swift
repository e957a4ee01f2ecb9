import Checkpoints
import Datasets
import Diagnostics
import Foundation
import Kernels
import NeuralNet
import Recipes

/// Where a run stands between two steps, apart from its arenas: the `state.json` of a checkpoint.
package struct RunState: Codable, Sendable, Hashable {
    /// Steps taken since the beginning.
    package var step = 0
    /// The epoch under way and the steps taken in it; all of them where its validation is still due.
    package var epoch = 0
    package var stepInEpoch = 0
    /// Sums over the epoch so far.
    package var samples = 0
    package var loss = 0.0
    package var correct = 0.0
    /// Images of the epoch so far whose first gradient in the attack was zero; absent in older checkpoints.
    package var zeroGradients: Int?
    /// The best validation so far, and how many came after it.
    package var bestMetric: Double?
    package var bestEpoch: Int?
    package var validationsSinceBest = 0
    package var isFinished = false
    /// The best that the watch saw, the step at which it last saw nothing bad, and what it stopped the run for.
    package var bestWatched: WatchedAccuracy?
    package var lastGoodStep: Int?
    package var collapse: String?

    package var recipe: Recipe
    /// Identifies the training images.
    package var data: String
    /// What the model is for; absent in older checkpoints.
    package var images: Images?
    /// SHA-256 of the file that the run began from; absent where it began at random.
    package var initialWeights: String?
    /// What computed the last steps; absent in older checkpoints.
    package var compute: ComputeEnvironment?
    /// Ranks that the run had when this was written; any number may go on.
    package var worldSize: Int
    /// SHA-256 of parameters and running statistics as they lie in `weights.safetensors`.
    package var weightsHash = ""

    /// The images that the model takes, and what it calls them.
    package struct Images: Codable, Sendable, Hashable {
        package var height: Int
        package var width: Int
        package var channels: Int
        package var classNames: [String]

        init(_ dataset: any ImageSource) {
            let shape = dataset.imageShape
            (height, width, channels) = (shape.height, shape.width, shape.channels)
            classNames = dataset.classNames
        }
    }

    package init(recipe: Recipe, data: String, worldSize: Int) {
        self.recipe = recipe
        self.data = data
        self.worldSize = worldSize
    }
}

/// The files of a checkpoint, written and read.
package enum RunFiles {
    package static let weights = "weights.safetensors"
    /// The weights' moving average, where a run keeps one.
    package static let average = "average.safetensors"
    /// Free training's perturbation, in a checkpoint inside an epoch.
    static let perturbation = "perturbation.safetensors"
    package static let optimizer = "optimizer.safetensors"
    private static let momentumFile = optimizer
    package static let state = "state.json"

    /// Everything a run needs to go on.
    ///
    /// - Parameter perturbation: free training's, of all ranks, where the next step needs it.
    static func checkpoint(_ state: RunState, step: TrainingStep, perturbation: [Float]?) throws -> [CheckpointFile] {
        let (model, optimizer) = (step.state, step.optimizer)
        let network = model.network
        let momentum = network.parameters.map { layout in
            SafetensorsTensor(
                name: "momentum.\(layout.name)", shape: layout.shape,
                floats: {
                    var values = [Float](repeating: 0, count: layout.count)
                    layout.export(from: optimizer.momentum.pointer, into: &values)
                    return values
                })
        }
        var more: [CheckpointFile] = []
        if let average = step.average {
            more.append(CheckpointFile(name: self.average, safetensors: ModelWeights.writer(average.state, steps: state.step)))
        }
        if let perturbation {
            let tensor = SafetensorsTensor(name: "perturbation", shape: [perturbation.count], floats: { perturbation })
            more.append(CheckpointFile(name: self.perturbation, safetensors: SafetensorsWriter([tensor])))
        }
        return more + [
            CheckpointFile(name: weights, safetensors: ModelWeights.writer(model, steps: state.step)),
            CheckpointFile(name: momentumFile, safetensors: SafetensorsWriter(momentum)),
            CheckpointFile(name: RunFiles.state, bytes: try jsonBytes(state)),
        ]
    }

    package static func state(of checkpoint: Checkpoint) throws -> RunState {
        let bytes = try checkpoint.contents(of: state)
        do {
            return try decodedJSON(RunState.self, from: bytes)
        } catch {
            throw Failure.badData(
                "\(checkpoint.path)/\(state): not understood: \(decodingComplaint(error))",
                remedy: "the checkpoint was written by another version of sipat")
        }
    }

    /// Loads a checkpoint's arenas.
    ///
    /// - Returns: free training's perturbation, if it holds one.
    static func restore(_ checkpoint: Checkpoint, into step: TrainingStep) throws -> [Float]? {
        let (model, optimizer) = (step.state, step.optimizer)
        if let average = step.average { try ModelWeights.load(checkpoint.path(of: Self.average), into: average.state) }
        try ModelWeights.load(checkpoint.path(of: weights), into: model)
        let file = try SafetensorsFile(checkpoint.path(of: RunFiles.optimizer))
        try file.require(model.network.parameters.map { ("momentum.\($0.name)", $0.shape) }, mayHave: { _ in false })
        for layout in model.network.parameters {
            layout.load(from: try file.floats(of: "momentum.\(layout.name)"), into: optimizer.momentum.pointer)
        }
        guard checkpoint.files.contains(perturbation) else { return nil }
        return try SafetensorsFile(checkpoint.path(of: perturbation)).floats(of: "perturbation")
    }
}
