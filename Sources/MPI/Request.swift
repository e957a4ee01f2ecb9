internal import COpenMPI
import Diagnostics

/// A nonblocking operation under way (MPI-3.1 §3.7).
///
/// It keeps the owner of its buffers alive until it is complete, and must be completed by `wait()` or a `test()` that
/// returns true. Dropping it before is a programming error: its memory stays valid for the rest of the session, but
/// the next nonblocking call, or the session's end, throws.
///
/// One thread at a time may use a request.
public final class Request: @unchecked Sendable {
    private var handle: MPI_Request? = shim_request_null()
    /// The further pieces of an operation on more elements than one MPI call takes.
    private var others: [MPI_Request?] = []
    private var owner: AnyObject?
    private let state: SessionState
    /// For a receive: what must have arrived, and from whom, for the message.
    private let expected: (datatype: MPI_Datatype, count: Int, what: String)?
    private var received = 0

    init(
        state: SessionState, owner: AnyObject?, expecting expected: (datatype: MPI_Datatype, count: Int, what: String)? = nil
    ) throws {
        try state.requireNothingAbandoned()
        self.state = state
        self.owner = owner
        self.expected = expected
    }

    /// Adds one MPI operation, which `start` begins.
    func add(_ call: StaticString, _ start: (UnsafeMutablePointer<MPI_Request?>) -> Int32) throws {
        var new: MPI_Request? = shim_request_null()
        try check(start(&new), call)
        if handle == shim_request_null() {
            handle = new
        } else {
            others.append(new)
        }
    }

    deinit {
        for pending in [handle] + others where pending != shim_request_null() { state.park(pending, owner: owner) }
    }

    /// Whether a wait or test has seen the end of the operation.
    public private(set) var isComplete = false

    /// Blocks until the operation is complete; then its buffers may be used again.
    ///
    /// MPI-3.1 §3.7.3: `int MPI_Wait(MPI_Request *request, MPI_Status *status)`.
    /// - Throws: also if a receive got fewer elements than its buffer holds.
    public func wait() throws {
        guard !isComplete else { return }
        state.requireActive()
        try wait(&handle)
        for i in others.indices { try wait(&others[i]) }
        try finish()
    }

    /// Whether the operation is complete; lets MPI make progress.
    ///
    /// MPI-3.1 §3.7.3: `int MPI_Test(MPI_Request *request, int *flag, MPI_Status *status)`.
    public func test() throws -> Bool {
        guard !isComplete else { return true }
        state.requireActive()
        guard try test(&handle) else { return false }
        for i in others.indices {
            guard try test(&others[i]) else { return false }
        }
        try finish()
        return true
    }

    /// Waits for all of them.
    public static func waitAll(_ requests: some Sequence<Request>) throws {
        for request in requests { try request.wait() }
    }

    /// Whether all are complete; lets MPI make progress.
    public static func testAll(_ requests: some Sequence<Request>) throws -> Bool {
        for request in requests {
            guard try request.test() else { return false }
        }
        return true
    }

    private func wait(_ handle: inout MPI_Request?) throws {
        guard handle != shim_request_null() else { return }
        var status = MPI_Status()
        try check(MPI_Wait(&handle, &status), "MPI_Wait")
        try note(status)
    }

    private func test(_ handle: inout MPI_Request?) throws -> Bool {
        guard handle != shim_request_null() else { return true }
        var status = MPI_Status()
        var done: Int32 = 0
        try check(MPI_Test(&handle, &done, &status), "MPI_Test")
        if done != 0 { try note(status) }
        return done != 0
    }

    private func note(_ status: MPI_Status) throws {
        if let expected { received += try MessageStatus(status).elements(expected.datatype) }
    }

    private func finish() throws {
        isComplete = true
        owner = nil
        if let expected { try require(received, equals: expected.count, expected.what) }
    }
}
