import Synchronization

/// What a rank is doing, readable from other threads while it does it.
package final class Heartbeat: Sendable {
    package enum Phase: Int, Sendable {
        case starting
        /// Reading images and maps, estimating salience.
        case loading
        /// Ready for the first step, when others may not be.
        case meeting
        case data
        case attack
        case update
        case communication
        case optimizer
        case validation
        case checkpoint

        package var text: String {
            switch self {
            case .starting: "starting"
            case .loading: "loading data"
            case .meeting: "waiting for the other ranks to load"
            case .data: "waiting for data"
            case .attack: "making adversarial examples"
            case .update: "in forward and backward"
            case .communication: "waiting for other ranks"
            case .optimizer: "updating the weights"
            case .validation: "validating"
            case .checkpoint: "writing a checkpoint"
            }
        }

        /// Whether a run may be ended here at once without losing anything.
        package var mayBeGivenUp: Bool {
            switch self {
            case .starting, .loading, .meeting, .validation: true
            case .data, .attack, .update, .communication, .optimizer, .checkpoint: false
            }
        }
    }

    private let beats = Atomic(0)
    private let stepNumber = Atomic(0)
    private let phaseNumber = Atomic(0)

    private let onEntering: (@Sendable (Phase) -> Void)?

    /// - Parameter onEntering: called by the thread that enters a phase, once it is in it.
    package init(onEntering: (@Sendable (Phase) -> Void)? = nil) { self.onEntering = onEntering }

    /// Enters a phase.
    package func enter(_ phase: Phase) {
        phaseNumber.store(phase.rawValue, ordering: .relaxed)
        beat()
        onEntering?(phase)
    }

    /// Begins a step.
    package func begin(step: Int) { stepNumber.store(step, ordering: .relaxed) }

    /// Tells that something was done. Costs a few nanoseconds.
    package func beat() { beats.add(1, ordering: .relaxed) }

    package var count: Int { beats.load(ordering: .relaxed) }
    package var step: Int { stepNumber.load(ordering: .relaxed) }
    package var phase: Phase { Phase(rawValue: phaseNumber.load(ordering: .relaxed))! }
}
