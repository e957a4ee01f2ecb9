import Diagnostics

/// A training step in the log.
package struct StepLine: Encodable {
    let type = "step"
    /// Steps taken since the beginning, this one included.
    let step: Int
    /// Counted from 0.
    let epoch: Int
    let learningRate: Float
    /// Mean over the batch's (perturbed) samples, all ranks together.
    let loss: Double
    /// Share of them predicted rightly, 0 to 1.
    let accuracy: Double
    let imagesPerSecond: Double
}

/// An epoch in the log.
package struct EpochLine: Encodable {
    let type = "epoch"
    /// Steps taken since the beginning.
    let step: Int
    /// Counted from 0.
    let epoch: Int
    /// Means over the epoch's (perturbed) training samples.
    let loss: Double
    let accuracy: Double
    /// Accuracies on the validation images, 0 to 1; absent in epochs without validation.
    let cleanAccuracy: Double?
    let robustAccuracy: Double?
    /// How far the one of them that picks the best checkpoint lies below its best so far: robust overfitting, where `accuracy`
    /// grows meanwhile.
    let belowBest: Double?
    /// What the watch for catastrophic overfitting saw; absent in epochs without it.
    let watched: WatchedAccuracy?
    /// Training images whose first gradient in the attack was zero everywhere: a sign of masked gradients.
    let zeroGradients: Int
    /// SHA-256 of the weights.
    let weights: String
    /// SHA-256 of their moving average, which the accuracies are of; absent where none is kept.
    let average: String?
    /// Training and validation together.
    let seconds: Double
    /// Where the time of the steps went.
    let timing: TimingLine
}

/// The end of a run that the watch took back to an earlier epoch, in the log. It depends on the state alone: whoever writes it again
/// writes the same.
struct CollapseLine: Encodable {
    let type = "collapse"
    /// Steps taken up to the weights that were kept, and their epoch, counted from 0.
    let step: Int
    let epoch: Int
    /// In words.
    let collapse: String

    /// Nil where nothing collapsed.
    init?(_ state: RunState) {
        guard let collapse = state.collapse else { return nil }
        (step, epoch, self.collapse) = (state.step, state.epoch - 1, collapse)
    }
}

/// An epoch as the log has it.
struct LoggedEpoch: Decodable {
    let type: String
    let step: Int
    /// Counted from 0.
    let epoch: Int
    let cleanAccuracy: Double?
    let robustAccuracy: Double?
    let watched: WatchedAccuracy?
    let weights: String?
    let average: String?

    /// Those in `metrics.jsonl`, in order.
    static func all(in metrics: [UInt8]) -> [LoggedEpoch] {
        metrics.split(separator: 0x0A).compactMap { line in
            guard let found = try? decodedJSON(LoggedEpoch.self, from: line), found.type == "epoch" else { return nil }
            return found
        }
    }
}

/// A change of the recipe with which the run was resumed, in the log.
struct RecipeLine: Encodable {
    struct Change: Encodable {
        let old: String
        let new: String
    }

    let type = "recipe"
    /// Steps taken before it.
    let step: Int
    /// By key.
    let changes: [String: Change]
}

/// A change of what computes with which the run was resumed, in the log.
struct ComputeLine: Encodable {
    let type = "compute"
    /// Steps taken before it.
    let step: Int
    /// In words.
    let changes: [String]
}

/// Seconds of an epoch's steps, in the log.
struct TimingLine: Encodable {
    /// The median rank's parts.
    let data: Double
    let attack: Double
    let forward: Double
    let backward: Double
    let exposedCommunication: Double
    let hiddenCommunication: Double
    let optimizer: Double
    /// The rank that computed longest, its host, and how much longer than the median: 0.1 is a tenth.
    let slowestRank: Int
    let slowestHost: String
    let imbalance: Double

    init(_ profile: EpochProfile) {
        data = profile.median(\.timings.data)
        attack = profile.median(\.timings.attack)
        forward = profile.median(\.timings.forward)
        backward = profile.median(\.timings.backward)
        exposedCommunication = profile.median(\.timings.communication)
        hiddenCommunication = profile.median(\.hidden)
        optimizer = profile.median(\.timings.optimizer)
        slowestRank = profile.slowest
        slowestHost = profile.ranks[profile.slowest].host
        imbalance = profile.imbalance
    }
}
