internal import COpenMPI
import Diagnostics

/// A group of ranks and a private space of messages between them (MPI-3.1 §6).
///
/// Every method documented as collective must be called by all ranks of the communicator, in the same order.
/// Threads may call as the session's thread level allows; a communicator must not be in two collectives at once.
///
/// Counts are `Int`. MPI's are C ints: what exceeds 2³¹−1 elements goes in several calls.
public final class Communicator: @unchecked Sendable {
    public let rank: Int
    public let size: Int

    /// The most elements given to one MPI call. The same on all ranks; tests lower it.
    let chunkLimit: Int
    let state: SessionState
    private let handle: MPI_Comm
    private var freed = false

    /// Takes over a handle and makes its errors return codes instead of ending the job.
    init(adopting handle: MPI_Comm, state: SessionState, chunkLimit: Int = Int(Int32.max)) throws {
        precondition(chunkLimit > 0 && chunkLimit <= Int(Int32.max))
        self.handle = handle
        self.state = state
        self.chunkLimit = chunkLimit
        try check(MPI_Comm_set_errhandler(handle, shim_errors_return()), "MPI_Comm_set_errhandler")
        var rank: Int32 = 0
        var size: Int32 = 0
        try check(MPI_Comm_rank(handle, &rank), "MPI_Comm_rank")
        try check(MPI_Comm_size(handle, &size), "MPI_Comm_size")
        self.rank = Int(rank)
        self.size = Int(size)
    }

    /// The handle for a call.
    var raw: MPI_Comm {
        state.requireActive()
        precondition(!freed, "an MPI communicator is used after it was freed")
        return handle
    }

    /// A communicator of the same ranks with its own message space. Collective.
    ///
    /// MPI-3.1 §6.4.2: `int MPI_Comm_dup(MPI_Comm comm, MPI_Comm *newcomm)`.
    /// - Parameter chunkLimit: the most elements in one MPI call, the same on all ranks; nil takes over this one's.
    public func duplicate(chunkLimit: Int? = nil) throws -> Communicator {
        var new: MPI_Comm? = nil
        try check(MPI_Comm_dup(raw, &new), "MPI_Comm_dup")
        return try Communicator(adopting: new!, state: state, chunkLimit: chunkLimit ?? self.chunkLimit)
    }

    /// One communicator for each `color` (0 or more), its ranks ordered by `key`, then by rank here. Collective.
    ///
    /// MPI-3.1 §6.4.2: `int MPI_Comm_split(MPI_Comm comm, int color, int key, MPI_Comm *newcomm)`.
    /// - Returns: nil on ranks whose color is nil (MPI_UNDEFINED).
    public func split(color: Int?, key: Int = 0) throws -> Communicator? {
        guard color.map({ $0 >= 0 && $0 <= Int(Int32.max) }) ?? true else {
            throw Failure.internalError("a communicator cannot be split by color \(color!): colors go from 0 to 2³¹−1")
        }
        var new: MPI_Comm? = nil
        try check(
            MPI_Comm_split(raw, color.map { Int32($0) } ?? Int32(MPI_UNDEFINED), Int32(clamping: key), &new), "MPI_Comm_split")
        guard let new, new != shim_comm_null() else { return nil }
        return try Communicator(adopting: new, state: state, chunkLimit: chunkLimit)
    }

    /// The ranks that share memory with this one, that is, those on its host, ordered by rank here. Collective.
    ///
    /// MPI-3.1 §6.4.2:
    /// `int MPI_Comm_split_type(MPI_Comm comm, int split_type, int key, MPI_Info info, MPI_Comm *newcomm)`.
    public func splitShared() throws -> Communicator {
        var new: MPI_Comm? = nil
        try check(
            MPI_Comm_split_type(raw, Int32(MPI_COMM_TYPE_SHARED), Int32(rank), shim_info_null(), &new),
            "MPI_Comm_split_type")
        return try Communicator(adopting: new!, state: state, chunkLimit: chunkLimit)
    }

    /// Gives the communicator back. Collective, and therefore not left to `deinit`, whose order ranks do not agree on.
    /// What is never freed lasts as long as the session.
    ///
    /// MPI-3.1 §6.4.3: `int MPI_Comm_free(MPI_Comm *comm)`.
    public func free() throws {
        precondition(handle != shim_comm_world(), "the world cannot be freed")
        var raw: MPI_Comm? = self.raw
        try check(MPI_Comm_free(&raw), "MPI_Comm_free")
        freed = true
    }

    /// Ends the whole job at once, whatever its ranks are doing. Not collective.
    ///
    /// MPI-3.1 §8.7: `int MPI_Abort(MPI_Comm comm, int errorcode)`.
    /// - Parameter code: the exit code of the job, which mpirun passes on.
    public func abort(code: Int32) -> Never {
        MPI_Abort(handle, code)
        fatalError("MPI_Abort returned")
    }

    /// Calls `body` with the offset and length of each piece of `count` elements that fits into one MPI call.
    func forEachChunk(of count: Int, _ body: (_ offset: Int, _ count: Int32) throws -> Void) rethrows {
        var offset = 0
        while offset < count {
            let length = min(chunkLimit, count - offset)
            try body(offset, Int32(length))
            offset += length
        }
    }
}
