import Dispatch

/// Seconds that a step spent in each of its parts.
package struct StepTimings: Sendable, Hashable, Codable {
    /// Waiting for the loader.
    package var data = 0.0
    /// Freezing the weights and making adversarial examples.
    package var attack = 0.0
    /// Preparing filters, forward and backward in training mode, with the communication that hides behind them.
    package var update = 0.0
    /// Waiting for other ranks and for gradients on their way after the backward pass.
    package var communication = 0.0
    package var optimizer = 0.0

    package init() {}

    package var total: Double { data + attack + update + communication + optimizer }

    package static func += (left: inout StepTimings, right: StepTimings) {
        left.data += right.data
        left.attack += right.attack
        left.update += right.update
        left.communication += right.communication
        left.optimizer += right.optimizer
    }
}

/// Seconds of a clock that never goes back.
package func monotonicSeconds() -> Double { Double(DispatchTime.now().uptimeNanoseconds) * 1e-9 }
