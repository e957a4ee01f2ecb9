internal import COpenMPI
import Diagnostics

/// Collectives with a count for each rank. Blocks lie one after the other in the order of ranks, without gaps.
///
/// `counts` (elements of each rank) is given, and must be the same, on all ranks: so all agree on whether the whole is
/// too large for C ints, and then send it piece by piece. All are collective.
extension Communicator {
    /// Collects `source`, `counts[rank]` elements, of every rank on `root`.
    ///
    /// MPI-3.1 §5.5: `int MPI_Gatherv(const void *sendbuf, int sendcount, MPI_Datatype sendtype, void *recvbuf,
    /// const int recvcounts[], const int displs[], MPI_Datatype recvtype, int root, MPI_Comm comm)`.
    /// - Parameter destination: only used on `root`; may be nil elsewhere.
    public func gather<T: MPIType>(
        _ source: UnsafeBufferPointer<T>, into destination: UnsafeMutableBufferPointer<T>?, counts: [Int], root: Int = 0
    ) throws {
        let blocks = try Blocks(counts, size: size)
        try require(source.count, equals: counts[rank], "the source of a gather")
        if rank == root { try require(destination?.count ?? 0, equals: blocks.total, "the result of a gather") }
        if blocks.total <= chunkLimit {
            return try check(
                MPI_Gatherv(
                    source.baseAddress, Int32(source.count), T.datatype.raw, destination?.baseAddress, blocks.counts,
                    blocks.offsets, T.datatype.raw, Int32(root), raw),
                "MPI_Gatherv")
        }
        guard rank == root, let destination else { return try transmit(source, to: root, tag: reservedTag) }
        for peer in 0..<size {
            let block = UnsafeMutableBufferPointer(rebasing: destination[blocks.range(peer)])
            if peer == root {
                _ = block.update(from: source)
            } else {
                try accept(into: block, from: peer, tag: reservedTag)
            }
        }
    }

    /// Collects `source`, `counts[rank]` elements, of every rank on all ranks.
    ///
    /// MPI-3.1 §5.7: `int MPI_Allgatherv(const void *sendbuf, int sendcount, MPI_Datatype sendtype, void *recvbuf,
    /// const int recvcounts[], const int displs[], MPI_Datatype recvtype, MPI_Comm comm)`.
    public func allgather<T: MPIType>(
        _ source: UnsafeBufferPointer<T>, into destination: UnsafeMutableBufferPointer<T>, counts: [Int]
    ) throws {
        let blocks = try Blocks(counts, size: size)
        try require(source.count, equals: counts[rank], "the source of an allgather")
        try require(destination.count, equals: blocks.total, "the result of an allgather")
        if blocks.total <= chunkLimit {
            return try check(
                MPI_Allgatherv(
                    source.baseAddress, Int32(source.count), T.datatype.raw, destination.baseAddress, blocks.counts,
                    blocks.offsets, T.datatype.raw, raw),
                "MPI_Allgatherv")
        }
        _ = UnsafeMutableBufferPointer(rebasing: destination[blocks.range(rank)]).update(from: source)
        for root in 0..<size {
            try broadcast(UnsafeMutableBufferPointer(rebasing: destination[blocks.range(root)]), root: root)
        }
    }

    /// Deals `source` of `root` out, `counts[rank]` elements to each rank.
    ///
    /// MPI-3.1 §5.6: `int MPI_Scatterv(const void *sendbuf, const int sendcounts[], const int displs[],
    /// MPI_Datatype sendtype, void *recvbuf, int recvcount, MPI_Datatype recvtype, int root, MPI_Comm comm)`.
    /// - Parameter source: only used on `root`; may be nil elsewhere.
    public func scatter<T: MPIType>(
        _ source: UnsafeBufferPointer<T>?, into destination: UnsafeMutableBufferPointer<T>, counts: [Int], root: Int = 0
    ) throws {
        let blocks = try Blocks(counts, size: size)
        try require(destination.count, equals: counts[rank], "the result of a scatter")
        if rank == root { try require(source?.count ?? 0, equals: blocks.total, "the source of a scatter") }
        if blocks.total <= chunkLimit {
            return try check(
                MPI_Scatterv(
                    source?.baseAddress, blocks.counts, blocks.offsets, T.datatype.raw, destination.baseAddress,
                    Int32(destination.count), T.datatype.raw, Int32(root), raw),
                "MPI_Scatterv")
        }
        guard rank == root, let source else { return try accept(into: destination, from: root, tag: reservedTag) }
        for peer in 0..<size {
            let block = UnsafeBufferPointer(rebasing: source[blocks.range(peer)])
            if peer == root {
                _ = destination.update(from: block)
            } else {
                try transmit(block, to: peer, tag: reservedTag)
            }
        }
    }
}

/// Consecutive blocks, as MPI's counts and displacements.
private struct Blocks {
    let total: Int
    private let sizes: [Int]

    init(_ counts: [Int], size: Int) throws {
        try require(counts.count, equals: size, "the list of counts")
        guard counts.allSatisfy({ $0 >= 0 }) else { throw Failure.internalError("negative counts: \(counts)") }
        sizes = counts
        total = counts.reduce(0, +)
    }

    /// Only where `total` fits.
    var counts: [Int32] { sizes.map { Int32($0) } }

    var offsets: [Int32] {
        var sum: Int32 = 0
        return sizes.map { count in
            defer { sum += Int32(count) }
            return sum
        }
    }

    func range(_ rank: Int) -> Range<Int> {
        let start = sizes[..<rank].reduce(0, +)
        return start..<start + sizes[rank]
    }
}
