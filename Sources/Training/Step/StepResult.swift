import Diagnostics
import NeuralNet

/// What a step measured, summed over all ranks: the same on each.
package struct StepResult: Sendable {
    package var samples: Int
    /// Sum of the samples' losses.
    package var loss: Double
    package var correct: Double
    /// This rank's own.
    package var timings: StepTimings
}

/// A sum over the batch that is not finite: the run cannot go on from these weights and this learning rate.
package struct Divergence: Error {
    /// What is not finite: a parameter's gradient, a statistic, the loss.
    package let name: String
    /// The micro-batches of this rank whose own loss was not finite, with their samples.
    package let microBatches: [(index: Int, samples: [Int])]
}

extension StepLayout {
    /// What element `index` of a step arena belongs to.
    func name(of index: Int, in network: Network) -> String {
        if index < parameters {
            return "the gradient of \(network.parameters.last { $0.offset <= index }!.name)"
        }
        if index < lossOffset {
            return "the batch statistics \(network.buffers.last { $0.offset <= index - statisticsOffset }!.name)"
        }
        return index == lossOffset ? "the loss" : "the number of correct predictions"
    }
}

/// What a rank notes of one of its micro-batches.
struct MicroBatchOutcome {
    /// Whether its attack and its loss met finite numbers only.
    var isFinite = true
    /// Images whose first gradient in the attack was zero everywhere.
    var zeroGradients = 0
    /// Seconds of its forward and backward passes.
    var forward = 0.0
    var backward = 0.0
}

/// Attributes the time since the last mark to a part of the step.
struct PhaseClock {
    private(set) var timings = StepTimings()
    private var last = monotonicSeconds()

    mutating func mark(_ phase: WritableKeyPath<StepTimings, Double>) {
        let now = monotonicSeconds()
        timings[keyPath: phase] += now - last
        last = now
    }

    /// Attributes the time since the last mark to two parts, in the proportion of `first` to `second`.
    mutating func mark(
        _ phases: (WritableKeyPath<StepTimings, Double>, WritableKeyPath<StepTimings, Double>), first: Double, second: Double
    ) {
        let now = monotonicSeconds()
        let share = first + second > 0 ? first / (first + second) : 0
        timings[keyPath: phases.0] += share * (now - last)
        timings[keyPath: phases.1] += (1 - share) * (now - last)
        last = now
    }
}
