internal import COpenMPI
import Diagnostics

/// Operations that return at once. The buffers belong to MPI until the request is complete: they must not be written
/// (sends: nor received into), and `owner`, which the request retains, must keep their memory alive.
///
/// Costs beyond the blocking forms: one small allocation for the request.
extension Communicator {
    /// MPI-3.1 §3.7.2: `int MPI_Isend(const void *buf, int count, MPI_Datatype datatype, int dest, int tag,
    /// MPI_Comm comm, MPI_Request *request)`.
    public func isend<T: MPIType>(
        _ buffer: UnsafeBufferPointer<T>, to destination: Int, tag: Int = 0, keeping owner: AnyObject?
    ) throws -> Request {
        try validate(peer: destination, tag: tag)
        let request = try Request(state: state, owner: owner)
        try forEachMessage(of: buffer.count) { offset, count in
            try request.add("MPI_Isend") {
                MPI_Isend(
                    buffer.baseAddress.map { $0 + offset }, count, T.datatype.raw, Int32(destination), Int32(tag), raw, $0)
            }
        }
        return request
    }

    /// Receives exactly `buffer.count` elements.
    ///
    /// MPI-3.1 §3.7.2: `int MPI_Irecv(void *buf, int count, MPI_Datatype datatype, int source, int tag, MPI_Comm comm,
    /// MPI_Request *request)`.
    public func ireceive<T: MPIType>(
        into buffer: UnsafeMutableBufferPointer<T>, from source: Int, tag: Int = 0, keeping owner: AnyObject?
    ) throws -> Request {
        try validate(peer: source, tag: tag)
        let request = try Request(
            state: state, owner: owner,
            expecting: (T.datatype.raw, buffer.count, "a message from rank \(source) with tag \(tag)"))
        try forEachMessage(of: buffer.count) { offset, count in
            try request.add("MPI_Irecv") {
                MPI_Irecv(
                    buffer.baseAddress.map { $0 + offset }, count, T.datatype.raw, Int32(source), Int32(tag), raw, $0)
            }
        }
        return request
    }

    /// In-place allreduce. Collective.
    ///
    /// MPI-3.1 §5.12.8: `int MPI_Iallreduce(const void *sendbuf, void *recvbuf, int count, MPI_Datatype datatype,
    /// MPI_Op op, MPI_Comm comm, MPI_Request *request)` with MPI_IN_PLACE.
    public func iallreduce<T: MPIType>(
        inPlace buffer: UnsafeMutableBufferPointer<T>, _ operation: Reduction, keeping owner: AnyObject?
    ) throws -> Request {
        let request = try Request(state: state, owner: owner)
        try forEachChunk(of: buffer.count) { offset, count in
            try request.add("MPI_Iallreduce") {
                MPI_Iallreduce(
                    shim_in_place(), buffer.baseAddress! + offset, count, T.datatype.raw, operation.raw, raw, $0)
            }
        }
        return request
    }

    /// Complete when all ranks have started it. Collective.
    ///
    /// MPI-3.1 §5.12.1: `int MPI_Ibarrier(MPI_Comm comm, MPI_Request *request)`.
    public func ibarrier() throws -> Request {
        let request = try Request(state: state, owner: nil)
        try request.add("MPI_Ibarrier") { MPI_Ibarrier(raw, $0) }
        return request
    }
}
