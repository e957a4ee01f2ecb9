/// Seconds that a step spent in each of its parts.
package struct StepTimings: Sendable, Hashable, Codable {
    /// Waiting for the loader.
    package var data = 0.0
    /// Freezing the weights and making adversarial examples.
    package var attack = 0.0
    /// Preparing filters and the forward pass in training mode. Where several threads run different micro-batches, forward
    /// and backward share the time in proportion to what the threads spent in each.
    package var forward = 0.0
    /// The backward pass, with the communication that hides behind it.
    package var backward = 0.0
    /// Waiting for other ranks and for gradients on their way after the backward pass.
    package var communication = 0.0
    package var optimizer = 0.0

    package init() {}

    package var total: Double { data + attack + forward + backward + communication + optimizer }

    package static func += (left: inout StepTimings, right: StepTimings) {
        left.data += right.data
        left.attack += right.attack
        left.forward += right.forward
        left.backward += right.backward
        left.communication += right.communication
        left.optimizer += right.optimizer
    }
}
