import Diagnostics
import Foundation
import MPI
import Synchronization

/// Why a run ends before it is finished.
package enum StopReason: Int, Sendable {
    case none = 0
    case signal
    case stopFile
    case timeBudget

    package var text: String {
        switch self {
        case .none: "nothing"
        case .signal: "a signal"
        case .stopFile: "the stop file"
        case .timeBudget: "the time budget"
        }
    }
}

/// The last signal that asked this process to stop: what a handler may write, and a step reads.
private let receivedSignal = Atomic<Int32>(0)

/// Finds out, once per step and on all ranks alike, whether the run should stop.
package struct StopRequest {
    private let stopFile: String
    private let deadline: Double?

    /// Watches SIGTERM, SIGINT and SIGUSR1, a file `stop` in the run's folder, and a time budget.
    ///
    /// - Parameter budget: seconds from now.
    package init(folder: String, budget: Double?) {
        stopFile = folder + "/stop"
        deadline = budget.map { monotonicSeconds() + $0 }
        for number in [SIGTERM, SIGINT, SIGUSR1] { signal(number) { receivedSignal.store($0, ordering: .relaxed) } }
    }

    /// Whether any rank was asked to stop. Collective: one allreduce of an integer.
    ///
    /// - Parameter nextStep: seconds the next step will probably take, which the time budget must still hold.
    package func agree(_ communicator: Communicator, nextStep: Double) throws -> StopReason {
        var reason = StopReason.none
        if communicator.rank == 0 {
            if let deadline, monotonicSeconds() + 2 * nextStep > deadline { reason = .timeBudget }
            if FileManager.default.fileExists(atPath: stopFile) { reason = .stopFile }
        }
        if receivedSignal.load(ordering: .relaxed) != 0 { reason = .signal }
        let agreed = try communicator.allreduce(reason == .none ? Int.max : reason.rawValue, .min)
        return StopReason(rawValue: agreed) ?? .none
    }

    /// Removes the stop file, so that the run can be resumed.
    package func clear() { try? FileManager.default.removeItem(atPath: stopFile) }
}
