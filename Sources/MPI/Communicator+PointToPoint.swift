internal import COpenMPI
import Diagnostics

/// What is known of a message that arrived or waits to be received (MPI-3.1 §3.2.5).
public struct MessageStatus: Sendable {
    public let source: Int
    public let tag: Int
    private let status: MPI_Status

    init(_ status: MPI_Status) {
        self.status = status
        source = Int(status.MPI_SOURCE)
        tag = Int(status.MPI_TAG)
    }

    /// `int MPI_Get_count(const MPI_Status *status, MPI_Datatype datatype, int *count)`, MPI-3.1 §3.2.5.
    public func count<T: MPIType>(of type: T.Type) throws -> Int {
        try elements(T.datatype.raw)
    }

    func elements(_ datatype: MPI_Datatype) throws -> Int {
        var status = status
        var count: Int32 = 0
        try check(MPI_Get_count(&status, datatype, &count), "MPI_Get_count")
        guard count != MPI_UNDEFINED else {
            throw Failure.internalError("a message from rank \(source) with tag \(tag) is not of the type it is received as")
        }
        return Int(count)
    }
}

/// Messages between two ranks. Tags are 0 to 32 766, which every MPI supports.
///
/// Messages of more than 2³¹−1 elements are sent in pieces; receiver and sender count alike, so they agree on these.
extension Communicator {
    /// Tag of large variable-count collectives, out of the way of users' tags.
    var reservedTag: Int { 32_767 }

    /// Sends `buffer` and returns when it may be reused, which may be after the receiver has come.
    ///
    /// MPI-3.1 §3.2.1: `int MPI_Send(const void *buf, int count, MPI_Datatype datatype, int dest, int tag,
    /// MPI_Comm comm)`.
    public func send<T: MPIType>(_ buffer: UnsafeBufferPointer<T>, to destination: Int, tag: Int = 0) throws {
        try validate(peer: destination, tag: tag)
        try transmit(buffer, to: destination, tag: tag)
    }

    /// Receives exactly `buffer.count` elements; a longer or shorter message is an error.
    ///
    /// MPI-3.1 §3.2.4: `int MPI_Recv(void *buf, int count, MPI_Datatype datatype, int source, int tag, MPI_Comm comm,
    /// MPI_Status *status)`.
    public func receive<T: MPIType>(into buffer: UnsafeMutableBufferPointer<T>, from source: Int, tag: Int = 0) throws {
        try validate(peer: source, tag: tag)
        try accept(into: buffer, from: source, tag: tag)
    }

    /// Waits for a message without receiving it.
    ///
    /// MPI-3.1 §3.8.1: `int MPI_Probe(int source, int tag, MPI_Comm comm, MPI_Status *status)`.
    /// - Parameter source: nil for any rank.
    public func probe(from source: Int?, tag: Int = 0) throws -> MessageStatus {
        try validate(peer: source ?? 0, tag: tag)
        var status = MPI_Status()
        try check(MPI_Probe(source.map { Int32($0) } ?? Int32(MPI_ANY_SOURCE), Int32(tag), raw, &status), "MPI_Probe")
        return MessageStatus(status)
    }

    /// The status of a message that has arrived, or nil. Lets MPI make progress.
    ///
    /// MPI-3.1 §3.8.1: `int MPI_Iprobe(int source, int tag, MPI_Comm comm, int *flag, MPI_Status *status)`.
    /// - Parameter source: nil for any rank.
    public func probeNow(from source: Int?, tag: Int = 0) throws -> MessageStatus? {
        try validate(peer: source ?? 0, tag: tag)
        var status = MPI_Status()
        var arrived: Int32 = 0
        try check(
            MPI_Iprobe(source.map { Int32($0) } ?? Int32(MPI_ANY_SOURCE), Int32(tag), raw, &arrived, &status), "MPI_Iprobe")
        return arrived != 0 ? MessageStatus(status) : nil
    }

    func transmit<T: MPIType>(_ buffer: UnsafeBufferPointer<T>, to destination: Int, tag: Int) throws {
        try forEachMessage(of: buffer.count) { offset, count in
            try check(
                MPI_Send(
                    buffer.baseAddress.map { $0 + offset }, count, T.datatype.raw, Int32(destination), Int32(tag), raw),
                "MPI_Send")
        }
    }

    func accept<T: MPIType>(into buffer: UnsafeMutableBufferPointer<T>, from source: Int, tag: Int) throws {
        try forEachMessage(of: buffer.count) { offset, count in
            var status = MPI_Status()
            try check(
                MPI_Recv(
                    buffer.baseAddress.map { $0 + offset }, count, T.datatype.raw, Int32(source), Int32(tag), raw, &status),
                "MPI_Recv")
            let received = try MessageStatus(status).elements(T.datatype.raw)
            try require(received, equals: Int(count), "a message from rank \(source) with tag \(tag)")
        }
    }

    func validate(peer: Int, tag: Int) throws {
        guard (0..<size).contains(peer) else {
            throw Failure.internalError("a message is addressed to rank \(peer) of a communicator of \(size) ranks")
        }
        guard (0..<reservedTag).contains(tag) else {
            throw Failure.internalError("message tag \(tag) is not in 0..<\(reservedTag)")
        }
    }

    /// Like `forEachChunk`, but an empty buffer is one empty message.
    func forEachMessage(of count: Int, _ body: (_ offset: Int, _ count: Int32) throws -> Void) rethrows {
        if count == 0 { return try body(0, 0) }
        try forEachChunk(of: count, body)
    }
}
