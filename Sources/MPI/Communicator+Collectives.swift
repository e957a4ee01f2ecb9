internal import COpenMPI
import Diagnostics

/// Collectives on typed memory. `n` is the number of bytes of the buffer and `p` the number of ranks.
///
/// All are collective. Counts that must agree between ranks cannot be checked here; those that a rank can check are.
extension Communicator {
    /// Returns when all ranks have called it.
    ///
    /// MPI-3.1 §5.3: `int MPI_Barrier(MPI_Comm comm)`. O(log p) messages.
    public func barrier() throws {
        try check(MPI_Barrier(raw), "MPI_Barrier")
    }

    /// Copies `buffer` of rank `root` to all ranks. Every rank receives n bytes.
    ///
    /// MPI-3.1 §5.4: `int MPI_Bcast(void *buffer, int count, MPI_Datatype datatype, int root, MPI_Comm comm)`.
    public func broadcast<T: MPIType>(_ buffer: UnsafeMutableBufferPointer<T>, root: Int = 0) throws {
        try forEachChunk(of: buffer.count) { offset, count in
            try check(MPI_Bcast(buffer.baseAddress! + offset, count, T.datatype.raw, Int32(root), raw), "MPI_Bcast")
        }
    }

    /// Reduces `buffer` elementwise over the ranks, in place: all ranks get the result.
    ///
    /// The order of the operands is MPI's choice and may depend on the number of ranks.
    ///
    /// MPI-3.1 §5.9.6: `int MPI_Allreduce(const void *sendbuf, void *recvbuf, int count, MPI_Datatype datatype,
    /// MPI_Op op, MPI_Comm comm)` with MPI_IN_PLACE. At best 2·(p−1)/p·n bytes sent per rank.
    public func allreduce<T: MPIType>(inPlace buffer: UnsafeMutableBufferPointer<T>, _ operation: Reduction) throws {
        try forEachChunk(of: buffer.count) { offset, count in
            try check(
                MPI_Allreduce(shim_in_place(), buffer.baseAddress! + offset, count, T.datatype.raw, operation.raw, raw),
                "MPI_Allreduce")
        }
    }

    /// Reduces `source` elementwise over the ranks into `destination`, which must not overlap it, on all ranks.
    ///
    /// See `allreduce(inPlace:_:)`.
    public func allreduce<T: MPIType>(
        _ source: UnsafeBufferPointer<T>, into destination: UnsafeMutableBufferPointer<T>, _ operation: Reduction
    ) throws {
        try require(destination.count, equals: source.count, "the result of an allreduce")
        try forEachChunk(of: source.count) { offset, count in
            try check(
                MPI_Allreduce(
                    source.baseAddress! + offset, destination.baseAddress! + offset, count, T.datatype.raw,
                    operation.raw, raw),
                "MPI_Allreduce")
        }
    }

    /// Reduces `buffer` elementwise over the ranks, in place on `root`; elsewhere it is only read.
    ///
    /// MPI-3.1 §5.9.1: `int MPI_Reduce(const void *sendbuf, void *recvbuf, int count, MPI_Datatype datatype, MPI_Op op,
    /// int root, MPI_Comm comm)`.
    public func reduce<T: MPIType>(
        inPlace buffer: UnsafeMutableBufferPointer<T>, _ operation: Reduction, root: Int = 0
    ) throws {
        try forEachChunk(of: buffer.count) { offset, count in
            let piece = buffer.baseAddress! + offset
            let code =
                rank == root
                ? MPI_Reduce(shim_in_place(), piece, count, T.datatype.raw, operation.raw, Int32(root), raw)
                : MPI_Reduce(piece, nil, count, T.datatype.raw, operation.raw, Int32(root), raw)
            try check(code, "MPI_Reduce")
        }
    }

    /// Reduces `source`, p blocks of `destination.count` elements, and leaves block r on rank r.
    ///
    /// MPI-3.1 §5.10.1: `int MPI_Reduce_scatter_block(const void *sendbuf, void *recvbuf, int recvcount,
    /// MPI_Datatype datatype, MPI_Op op, MPI_Comm comm)`. At best (p−1)/p·n bytes sent per rank, n the size of `source`.
    public func reduceScatter<T: MPIType>(
        _ source: UnsafeBufferPointer<T>, into destination: UnsafeMutableBufferPointer<T>, _ operation: Reduction
    ) throws {
        try require(source.count, equals: destination.count * size, "the source of a reduce-scatter")
        guard source.count > chunkLimit else {
            return try check(
                MPI_Reduce_scatter_block(
                    source.baseAddress, destination.baseAddress, Int32(destination.count), T.datatype.raw, operation.raw,
                    raw),
                "MPI_Reduce_scatter_block")
        }
        for root in 0..<size {
            try forEachChunk(of: destination.count) { offset, count in
                try check(
                    MPI_Reduce(
                        source.baseAddress! + root * destination.count + offset,
                        rank == root ? destination.baseAddress! + offset : nil, count, T.datatype.raw, operation.raw,
                        Int32(root), raw),
                    "MPI_Reduce")
            }
        }
    }

    /// Collects `source` of every rank on `root`, in the order of ranks: p blocks of `source.count` elements.
    ///
    /// MPI-3.1 §5.5: `int MPI_Gather(const void *sendbuf, int sendcount, MPI_Datatype sendtype, void *recvbuf,
    /// int recvcount, MPI_Datatype recvtype, int root, MPI_Comm comm)`.
    /// - Parameter destination: only used on `root`; may be nil elsewhere.
    public func gather<T: MPIType>(
        _ source: UnsafeBufferPointer<T>, into destination: UnsafeMutableBufferPointer<T>?, root: Int = 0
    ) throws {
        if rank == root { try require(destination?.count ?? 0, equals: source.count * size, "the result of a gather") }
        guard source.count * size > chunkLimit else {
            return try check(
                MPI_Gather(
                    source.baseAddress, Int32(source.count), T.datatype.raw, destination?.baseAddress,
                    Int32(source.count), T.datatype.raw, Int32(root), raw),
                "MPI_Gather")
        }
        try gather(source, into: destination, counts: Array(repeating: source.count, count: size), root: root)
    }

    /// Collects `source` of every rank on all ranks, in the order of ranks: p blocks of `source.count` elements.
    ///
    /// MPI-3.1 §5.7: `int MPI_Allgather(const void *sendbuf, int sendcount, MPI_Datatype sendtype, void *recvbuf,
    /// int recvcount, MPI_Datatype recvtype, MPI_Comm comm)`. Every rank receives (p−1)·n bytes.
    public func allgather<T: MPIType>(
        _ source: UnsafeBufferPointer<T>, into destination: UnsafeMutableBufferPointer<T>
    ) throws {
        try require(destination.count, equals: source.count * size, "the result of an allgather")
        guard destination.count > chunkLimit else {
            return try check(
                MPI_Allgather(
                    source.baseAddress, Int32(source.count), T.datatype.raw, destination.baseAddress,
                    Int32(source.count), T.datatype.raw, raw),
                "MPI_Allgather")
        }
        try allgather(source, into: destination, counts: Array(repeating: source.count, count: size))
    }

    /// Deals `source` of `root` out in the order of ranks: p blocks of `destination.count` elements.
    ///
    /// MPI-3.1 §5.6: `int MPI_Scatter(const void *sendbuf, int sendcount, MPI_Datatype sendtype, void *recvbuf,
    /// int recvcount, MPI_Datatype recvtype, int root, MPI_Comm comm)`.
    /// - Parameter source: only used on `root`; may be nil elsewhere.
    public func scatter<T: MPIType>(
        _ source: UnsafeBufferPointer<T>?, into destination: UnsafeMutableBufferPointer<T>, root: Int = 0
    ) throws {
        if rank == root { try require(source?.count ?? 0, equals: destination.count * size, "the source of a scatter") }
        guard destination.count * size > chunkLimit else {
            return try check(
                MPI_Scatter(
                    source?.baseAddress, Int32(destination.count), T.datatype.raw, destination.baseAddress,
                    Int32(destination.count), T.datatype.raw, Int32(root), raw),
                "MPI_Scatter")
        }
        try scatter(source, into: destination, counts: Array(repeating: destination.count, count: size), root: root)
    }
}
