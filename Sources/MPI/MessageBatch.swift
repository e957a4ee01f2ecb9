internal import COpenMPI
import Diagnostics

/// A reusable set of nonblocking messages that are completed together (MPI-3.1 §3.7.5).
///
/// For exchanges that repeat, such as those of every training step: after the first use, nothing is allocated. Like a
/// `Request`, it keeps the owners of its buffers alive until all messages are complete, and must not be dropped before.
///
/// One thread at a time may use a batch.
public final class MessageBatch {
    private let communicator: Communicator
    private var handles: [MPI_Request?] = []
    private var statuses: [MPI_Status] = []
    private var owners: [AnyObject] = []
    /// For each handle: a receive's number of elements and their type; nil for a send.
    private var expected: [(datatype: MPI_Datatype, count: Int)?] = []

    public init(_ communicator: Communicator) {
        self.communicator = communicator
    }

    deinit {
        for handle in handles where handle != shim_request_null() {
            for owner in owners { communicator.state.park(handle, owner: owner) }
        }
    }

    /// Whether there are no messages that have not been seen to complete.
    public var isEmpty: Bool { handles.isEmpty }

    /// `MPI_Isend`; see `Communicator.isend`.
    public func send<T: MPIType>(
        _ buffer: UnsafeBufferPointer<T>, to destination: Int, tag: Int, keeping owner: AnyObject
    ) throws {
        try communicator.validate(peer: destination, tag: tag)
        owners.append(owner)
        try communicator.forEachMessage(of: buffer.count) { offset, count in
            var handle: MPI_Request? = shim_request_null()
            try check(
                MPI_Isend(
                    buffer.baseAddress.map { $0 + offset }, count, T.datatype.raw, Int32(destination), Int32(tag),
                    communicator.raw, &handle),
                "MPI_Isend")
            add(handle, expecting: nil)
        }
    }

    /// `MPI_Irecv` of exactly `buffer.count` elements; see `Communicator.ireceive`.
    public func receive<T: MPIType>(
        into buffer: UnsafeMutableBufferPointer<T>, from source: Int, tag: Int, keeping owner: AnyObject
    ) throws {
        try communicator.validate(peer: source, tag: tag)
        owners.append(owner)
        try communicator.forEachMessage(of: buffer.count) { offset, count in
            var handle: MPI_Request? = shim_request_null()
            try check(
                MPI_Irecv(
                    buffer.baseAddress.map { $0 + offset }, count, T.datatype.raw, Int32(source), Int32(tag),
                    communicator.raw, &handle),
                "MPI_Irecv")
            add(handle, expecting: (T.datatype.raw, Int(count)))
        }
    }

    /// `MPI_Iallreduce` in place; see `Communicator.allreduce`. Collective.
    public func allreduce<T: MPIType>(
        _ buffer: UnsafeMutableBufferPointer<T>, _ operation: Reduction, keeping owner: AnyObject
    ) throws {
        owners.append(owner)
        try communicator.forEachChunk(of: buffer.count) { offset, count in
            var handle: MPI_Request? = shim_request_null()
            try check(
                MPI_Iallreduce(
                    shim_in_place(), buffer.baseAddress! + offset, count, T.datatype.raw, operation.raw,
                    communicator.raw, &handle),
                "MPI_Iallreduce")
            add(handle, expecting: nil)
        }
    }

    /// Whether all messages are complete; lets MPI make progress. Then the batch is empty.
    ///
    /// `int MPI_Testall(int count, MPI_Request array_of_requests[], int *flag, MPI_Status array_of_statuses[])`.
    public func test() throws -> Bool {
        guard !handles.isEmpty else { return true }
        var done: Int32 = 0
        try checkAll(MPI_Testall(Int32(handles.count), &handles, &done, &statuses), "MPI_Testall")
        if done != 0 { try finish() }
        return done != 0
    }

    /// Blocks until all messages are complete. Then the batch is empty.
    ///
    /// `int MPI_Waitall(int count, MPI_Request array_of_requests[], MPI_Status array_of_statuses[])`.
    public func wait() throws {
        guard !handles.isEmpty else { return }
        try checkAll(MPI_Waitall(Int32(handles.count), &handles, &statuses), "MPI_Waitall")
        try finish()
    }

    private func add(_ handle: MPI_Request?, expecting: (MPI_Datatype, Int)?) {
        handles.append(handle)
        statuses.append(MPI_Status())
        expected.append(expecting)
    }

    /// Turns "see the statuses" into the first error there.
    private func checkAll(_ code: Int32, _ call: StaticString) throws {
        if code == MPI_ERR_IN_STATUS {
            for status in statuses where status.MPI_ERROR != MPI_ERR_PENDING { try check(status.MPI_ERROR, call) }
        }
        try check(code, call)
    }

    private func finish() throws {
        defer {
            handles.removeAll(keepingCapacity: true)
            statuses.removeAll(keepingCapacity: true)
            expected.removeAll(keepingCapacity: true)
            owners.removeAll(keepingCapacity: true)
        }
        for (i, expected) in expected.enumerated() {
            guard let expected else { continue }
            let status = MessageStatus(statuses[i])
            try require(
                try status.elements(expected.datatype), equals: expected.count,
                "a message from rank \(status.source) with tag \(status.tag)")
        }
    }
}
