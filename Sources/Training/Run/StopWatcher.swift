import Diagnostics
import Foundation
import MPI
import Synchronization

/// Ends a run that is asked to stop where its ranks do not meet for long and nothing is lost: while data is read, salience
/// estimated, the model built, or a model validated of which there is a checkpoint.
///
/// A thread on each rank looks four times a second. Within about three seconds of the request (or before the end of the
/// time budget) the process exits with 75; whatever is on the disk, a resumed run goes on from it as if it had not begun
/// what was given up. Elsewhere the ranks agree between steps.
package final class StopWatcher: Sendable {
    /// Seconds within which every rank is gone.
    package static let patience = 3.0

    private let heartbeat: Heartbeat
    private let request: StopRequest
    private let rank: Int
    private let isStopped = Atomic(false)

    package init(_ heartbeat: Heartbeat, request: StopRequest, rank: Int) {
        self.heartbeat = heartbeat
        self.request = request
        self.rank = rank
        let thread = Thread { [self] in watch() }
        thread.name = "stop watcher"
        thread.start()
    }

    package func stop() { isStopped.store(true, ordering: .relaxed) }

    private func watch() {
        var seen = StopReason.none
        var since = 0.0
        while !isStopped.load(ordering: .relaxed) {
            Thread.sleep(forTimeInterval: 0.25)
            guard heartbeat.phase.mayBeGivenUp else {
                seen = .none
                continue
            }
            if seen == .none {
                seen = request.reason(reserving: Self.patience)
                since = monotonicSeconds()
            }
            // Rank 0 speaks first; the launcher then usually ends the others.
            if seen != .none, monotonicSeconds() - since >= (rank == 0 ? 0.25 : 1.5) { giveUp(seen) }
        }
    }

    /// What the process says as it goes.
    package static func farewell(_ reason: StopReason, in phase: Heartbeat.Phase, place: String) -> String {
        let what = phase == .validation ? "in a validation, which is done again when the run is resumed" : "before this process took a step: nothing is lost"
        return "\(place)stopped by \(reason.text) \(what); start it again with --resume-if-present"
    }

    private func giveUp(_ reason: StopReason) -> Never {
        if reason == .stopFile, rank == 0 { request.clear() }
        let text = Self.farewell(reason, in: heartbeat.phase, place: rank == 0 ? "" : "rank \(rank) on \(Host.name): ") + "\n"
        _ = text.utf8.withContiguousStorageIfAvailable { write(STDERR_FILENO, $0.baseAddress, $0.count) }
        _exit(Failure.Kind.requeue.rawValue)
    }
}
