import Diagnostics
import Foundation
import MPI
import Synchronization

/// Why a run ends before it is finished.
package enum StopReason: Int, Sendable, CaseIterable {
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

/// The last signal that asked this process to stop: what a handler may write, and others read.
private let receivedSignal = Atomic<Int32>(0)

/// Whether the run should stop: SIGTERM, SIGINT, SIGHUP, SIGUSR1 or SIGUSR2, a file `stop` in the run's folder, or a time
/// budget that is used up.
///
/// Between steps all ranks agree on it (`agree`); where they do not meet for long, a `StopWatcher` looks on each.
package struct StopRequest: Sendable {
    private let stopFile: String
    private let deadline: Double?

    /// - Parameter budget: seconds from now.
    package init(folder: String, budget: Double?) {
        stopFile = folder + "/stop"
        deadline = budget.map { monotonicSeconds() + $0 }
        Self.watchSignals()
    }

    /// From now on the signals end no process, but ask it to stop. One that is ignored (nohup) stays so.
    package static func watchSignals() {
        for number in [SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2] {
            var current = sigaction()
            guard sigaction(number, nil, &current) == 0 else { continue }
            if unsafeBitCast(current.__sigaction_handler.sa_handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self) { continue }
            signal(number) { receivedSignal.store($0, ordering: .relaxed) }
        }
    }

    /// Seconds that are left of the time budget; nil without one.
    package var secondsLeft: Double? { deadline.map { $0 - monotonicSeconds() } }

    /// What this process knows of, for itself.
    ///
    /// - Parameter seconds: what the time budget must still hold.
    package func reason(reserving seconds: Double) -> StopReason {
        if receivedSignal.load(ordering: .relaxed) != 0 { return .signal }
        if FileManager.default.fileExists(atPath: stopFile) { return .stopFile }
        if let left = secondsLeft, left < seconds { return .timeBudget }
        return .none
    }

    /// Whether any rank was asked to stop, and the sum of `count` over the ranks. Collective: one allreduce of four integers.
    ///
    /// - Parameter seconds: what comes next will probably take so long, which the time budget must still hold.
    package func agree(_ communicator: Communicator, reserving seconds: Double, summing count: Int = 0) throws -> (reason: StopReason, count: Int) {
        var votes = [0, 0, 0, count]
        // Budget and file are rank 0's affair: clocks differ, and a folder need not be shared.
        let own = communicator.rank == 0 ? reason(reserving: seconds) : receivedSignal.load(ordering: .relaxed) != 0 ? .signal : .none
        if own != .none { votes[own.rawValue - 1] = 1 }
        try communicator.allreduce(&votes, .sum)
        return (StopReason.allCases.first { $0 != .none && votes[$0.rawValue - 1] > 0 } ?? .none, votes[3])
    }

    /// Removes the stop file, so that the run can be resumed.
    package func clear() { try? FileManager.default.removeItem(atPath: stopFile) }
}
