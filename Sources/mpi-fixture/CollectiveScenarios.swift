import Diagnostics
import MPI

/// The value that rank `rank` holds at position `i` in the tests below; small integers, so that sums are exact.
private func value<T: BinaryInteger>(_ rank: Int, _ i: Int, as type: T.Type = T.self) -> T { T(7 * rank + 3 * i + 1) }

private func values(_ rank: Int, count: Int) -> [Int32] { (0..<count).map { value(rank, $0) } }

/// Seven elements: with MPI calls of at most three, the last is a remainder.
private let count = 7

let collectiveScenarios: [String: Scenario] = [
    "broadcast": .inPieces { world in
        for root in 0..<world.size {
            var array = values(world.rank, count: count)
            try world.broadcast(&array, root: root)
            try expect(array, values(root, count: count), "broadcast from \(root)")
            try expect(try world.broadcast(Double(world.rank) + 0.5, root: root), Double(root) + 0.5, "a broadcast value")
            try expect(try world.broadcast("rank \(world.rank) – \u{1F600}", root: root), "rank \(root) – \u{1F600}", "a text")
        }
        var empty: [Float] = []
        try world.broadcast(&empty)
    },

    "allreduce": .inPieces { world in
        let size = world.size
        try allreduceAllTypes(world)
        var least = values(world.rank, count: count)
        try world.allreduce(&least, .min)
        try expect(least, values(0, count: count), "min")
        var greatest = values(world.rank, count: count)
        try world.allreduce(&greatest, .max)
        try expect(greatest, values(size - 1, count: count), "max")

        let source = values(world.rank, count: count)
        var sum = [Int32](repeating: -1, count: count)
        try source.withUnsafeBufferPointer { source in
            try sum.withUnsafeMutableBufferPointer { try world.allreduce(source, into: $0, .sum) }
        }
        try expect(sum, expectedSum(size: size), "out-of-place sum")
        try expect(source, values(world.rank, count: count), "the source of an out-of-place sum")

        try expect(try world.all(true), true, "all true")
        try expect(try world.all(world.rank != size - 1), false, "all but one")
        try expect(try world.any(world.rank == size - 1), true, "any")
        try expect(try world.any(false), false, "none")
    },

    "reduce": .inPieces { world in
        for root in 0..<world.size {
            var array = values(world.rank, count: count)
            try array.withUnsafeMutableBufferPointer { try world.reduce(inPlace: $0, .sum, root: root) }
            let expected = world.rank == root ? expectedSum(size: world.size) : values(world.rank, count: count)
            try expect(array, expected, "reduce to \(root)")
        }
    },

    "reduce-scatter": .inPieces { world in
        let source = values(world.rank, count: 5 * world.size)
        var block = [Int32](repeating: -1, count: 5)
        try source.withUnsafeBufferPointer { source in
            try block.withUnsafeMutableBufferPointer { try world.reduceScatter(source, into: $0, .sum) }
        }
        let expected = (0..<5).map { i in
            (0..<world.size).reduce(Int32(0)) { $0 + value($1, 5 * world.rank + i) }
        }
        try expect(block, expected, "reduce-scatter")
    },

    "gather": .inPieces { world in
        let size = world.size
        let all = (0..<size).flatMap { values($0, count: count) }
        let mine = values(world.rank, count: count)
        for root in 0..<size {
            var gathered = [Int32](repeating: -1, count: world.rank == root ? size * count : 0)
            try mine.withUnsafeBufferPointer { mine in
                try gathered.withUnsafeMutableBufferPointer { try world.gather(mine, into: $0, root: root) }
            }
            try expect(gathered, world.rank == root ? all : [], "gather to \(root)")

            var dealt = [Int32](repeating: -1, count: count)
            try all.withUnsafeBufferPointer { all in
                try dealt.withUnsafeMutableBufferPointer { dealt in
                    try world.scatter(world.rank == root ? all : nil, into: dealt, root: root)
                }
            }
            try expect(dealt, mine, "scatter from \(root)")
        }
        var everywhere = [Int32](repeating: -1, count: size * count)
        try mine.withUnsafeBufferPointer { mine in
            try everywhere.withUnsafeMutableBufferPointer { try world.allgather(mine, into: $0) }
        }
        try expect(everywhere, all, "allgather")
        try expect(try world.allgather(world.rank * 11), (0..<size).map { $0 * 11 }, "allgather of a value")
    },

    // Rank r has 2r elements: rank 0 has none.
    "gather-variable": .inPieces { world in
        let size = world.size
        let counts = (0..<size).map { 2 * $0 }
        let all = (0..<size).flatMap { values($0, count: counts[$0]) }
        let mine = values(world.rank, count: counts[world.rank])
        for root in 0..<size {
            let gathered = try world.gather(mine, root: root)
            let expected = world.rank == root ? (0..<size).map { values($0, count: counts[$0]) } : nil
            try expect(gathered, expected, "gather to \(root)")

            var dealt = [Int32](repeating: -1, count: counts[world.rank])
            try all.withUnsafeBufferPointer { all in
                try dealt.withUnsafeMutableBufferPointer { dealt in
                    try world.scatter(world.rank == root ? all : nil, into: dealt, counts: counts, root: root)
                }
            }
            try expect(dealt, mine, "scatter from \(root)")
        }
        try expect(try world.allgather(mine), all, "allgather")
        let names = try world.gather("rank \(world.rank)")
        try expect(names, world.rank == 0 ? (0..<size).map { "rank \($0)" } : nil, "gather of texts")
    },

    "counts": Scenario { world in
        let source = [Float](repeating: 1, count: 4)
        var destination = [Float](repeating: 0, count: 4 * world.size + 1)
        try source.withUnsafeBufferPointer { source in
            try destination.withUnsafeMutableBufferPointer { destination in
                try expectFailure(.internalError, containing: "holds \(4 * world.size + 1) values, expected 4") {
                    try world.allreduce(source, into: destination, .sum)
                }
                try expectFailure(.internalError, containing: "expected \(4 * world.size)") {
                    try world.allgather(source, into: destination)
                }
                try expectFailure(.internalError, containing: "the list of counts holds 0 values") {
                    try world.allgather(source, into: destination, counts: [])
                }
            }
        }
        // A reduction that MPI has not for floats: an error from MPI itself.
        try expectFailure(.internalError, containing: "MPI_ERR_OP") { _ = try world.allreduce(Float(1), .logicalAnd) }
        try expectFailure(.internalError, containing: "MPI_Bcast failed: MPI_ERR_ROOT") {
            _ = try world.broadcast(Float(1), root: world.size)
        }
        try world.barrier()
    },

    "communicators": Scenario { session, _ in
        let world = session.world
        let twin = try world.duplicate()
        try expect([twin.rank, twin.size], [world.rank, world.size], "a duplicate")
        // Odd and even ranks, in descending order of rank.
        let half = try world.split(color: world.rank % 2, key: -world.rank)
        let members = (0..<world.size).filter { $0 % 2 == world.rank % 2 }
        try expect(half?.size, members.count, "size of a half")
        try expect(try half?.allgather(world.rank), members.reversed(), "members of a half")
        try half?.free()
        let first = try world.split(color: world.rank == 0 ? 0 : nil)
        try expect(first?.size, world.rank == 0 ? 1 : nil, "a part that only rank 0 is in")
        try expectFailure(.internalError, containing: "colors go from 0") { _ = try world.split(color: -1) }
        try expect(try world.splitShared().size, world.size, "ranks on this host")
        try expect([session.local.rank, session.local.size], [world.rank, world.size], "the local communicator")
        try twin.barrier()
        try twin.free()
        return 0
    },
]

private func expectedSum(size: Int) -> [Int32] {
    (0..<count).map { i in (0..<size).reduce(Int32(0)) { $0 + value($1, i) } }
}

private func allreduceAllTypes(_ world: Communicator) throws {
    func check<T: MPIType & Equatable>(_ convert: (Int32) -> T) throws {
        var array = values(world.rank, count: count).map(convert)
        try world.allreduce(&array, .sum)
        try expect(array, expectedSum(size: world.size).map(convert), "sum of \(T.self)")
    }
    try check { Float($0) }
    try check { Double($0) }
    try check { $0 }
    try check { Int64($0) }
    try check { Int($0) }
    try check { UInt8(truncatingIfNeeded: $0) }
    try check { UInt16(truncatingIfNeeded: $0) }
    try check { UInt64($0) }
}
