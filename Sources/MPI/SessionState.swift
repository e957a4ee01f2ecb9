internal import COpenMPI
import Diagnostics
import Foundation

/// What all communicators and requests of a session share.
///
/// A request that is dropped while MPI may still touch its buffers is a mistake of the program, but trapping in its
/// `deinit` would hide the error that unwinds the stack, and waiting there could last forever. Such a request is parked
/// here with its owner, so memory stays valid; the next nonblocking call, or the end of the session, reports it.
final class SessionState: @unchecked Sendable {
    private let lock = NSLock()
    private var active = true
    private var isAgreeing = false
    private var agreed: AgreedFailure?
    private var abandoned: [(handle: MPI_Request?, owner: AnyObject?)] = []

    /// Keeps `owner` alive for as long as the process lives.
    func park(_ handle: MPI_Request?, owner: AnyObject?) {
        lock.withLock { abandoned.append((handle, owner)) }
    }

    /// Throws when a request was dropped before it was complete.
    func requireNothingAbandoned() throws {
        let count = lock.withLock { abandoned.count }
        guard count == 0 else {
            throw Failure.internalError("MPI requests dropped before they were complete: \(count), each must be waited for")
        }
    }

    /// Every call passes here: a communicator that outlives its session is a programming error.
    func requireActive() {
        let (isOpen, isBlocked) = lock.withLock { (active, isAgreeing) }
        precondition(isOpen, "MPI is used after its session ended")
        precondition(!isBlocked, "MPI is used in a block that another rank may have left by a throw (Communicator.agreeing)")
    }

    /// Between these two, no rank may count on another.
    func beginAgreement() { lock.withLock { isAgreeing = true } }
    func endAgreement() { lock.withLock { isAgreeing = false } }

    /// Remembers the last failure that ranks agreed on.
    func note(_ failure: AgreedFailure) { lock.withLock { agreed = failure } }

    /// What is known of `error` if all ranks of the world are throwing it.
    func agreement(on error: any Error, worldSize: Int) -> AgreedFailure? {
        guard let agreed = lock.withLock({ agreed }), agreed.communicatorSize == worldSize else { return nil }
        return error as? Failure == agreed.failure ? agreed : nil
    }

    func end() { lock.withLock { active = false } }
}
