import Diagnostics
import Foundation
import Kernels
import MPI
import Training

/// Value `j` of micro-batch `i`'s gradient: of all magnitudes between 2⁻¹⁰ and 2¹⁰, so that the order of addition shows.
private func gradient(_ i: Int, count: Int, step: Int) -> [Float] {
    let stream = Philox(seed: 77, purpose: .test, epoch: step, sample: i)
    return (0..<count).map { j in
        (stream.uniform(2 * j) - 0.5) * Float(sign: .plus, exponent: stream.uniform(2 * j + 1, below: 21) - 10, significand: 1)
    }
}

/// The definition of the result, by rows: neighbours are added until one is left; an odd one moves up as it is.
private func pairwiseSum(_ total: Int, count: Int, step: Int) -> [Float] {
    var row = (0..<total).map { gradient($0, count: count, step: step) }
    while row.count > 1 {
        row = stride(from: 0, to: row.count, by: 2).map { i in
            i + 1 < row.count ? zip(row[i], row[i + 1]).map { $0 + $1 } : row[i]
        }
    }
    return row[0]
}

private func sequentialSum(_ total: Int, count: Int, step: Int) -> [Double] {
    (0..<total).reduce(into: [Double](repeating: 0, count: count)) { sum, i in
        for (j, value) in gradient(i, count: count, step: step).enumerated() { sum[j] += Double(value) }
    }
}

/// Completes all buckets of the owned micro-batches in an order that differs from rank to rank and step to step.
private func shuffledStep(_ reducer: GradientReducer, rank: Int, count: Int, step: Int) throws {
    let buckets = reducer.ranges
    let events = reducer.owned.flatMap { i in buckets.indices.map { (i, $0) } }
    let order = Philox(seed: 5, purpose: .shuffle, epoch: step, sample: rank).permutation(events.count)
    for event in order {
        let (i, bucket) = events[event]
        let values = gradient(i, count: count, step: step)
        let arena = reducer.arena(forMicroBatch: i)
        for j in buckets[bucket] { arena[j] = values[j] }
        reducer.completed(microBatch: i, bucket: bucket)
        if event % 3 == 0 { try reducer.progress() }
    }
}

/// Several threads run different micro-batches, each completing its buckets from tail to head.
private func threadedStep(_ reducer: GradientReducer, count: Int, step: Int) {
    let buckets = reducer.ranges
    let owned = reducer.owned
    DispatchQueue.concurrentPerform(iterations: owned.count) { k in
        let i = owned.lowerBound + k
        let values = gradient(i, count: count, step: step)
        let arena = reducer.arena(forMicroBatch: i)
        for (bucket, range) in buckets.enumerated() {
            for j in range { arena[j] = values[j] }
            reducer.completed(microBatch: i, bucket: bucket)
        }
    }
}

private let totals = [8, 1, 2, 3, 4, 5, 8, 13]
/// Unequal buckets that divide evenly by nothing; one is shorter than a slice's alignment for 4 ranks.
private let layout = [2000..<2531, 37..<2000, 30..<37, 0..<30]

let reductionScenarios: [String: Scenario] = [
    // The same bits as the definition, for every number of micro-batches, way of travelling and order.
    "reduce-gradients": Scenario { world in
        let count = layout.map(\.upperBound).max()!
        for method in [nil, .whole, .direct, .halving] as [ExchangeMethod?] {
            let reducer = GradientReducer(
                channel: try world.duplicate(), count: count, buckets: layout, exchangeMethod: method)
            for (step, total) in totals.enumerated() {
                let expected = pairwiseSum(total, count: count, step: step).map(\.bitPattern)
                reducer.beginStep(microBatches: total)
                if step % 2 == 0 {
                    try shuffledStep(reducer, rank: world.rank, count: count, step: step)
                } else {
                    threadedStep(reducer, count: count, step: step)
                }
                let sums = try reducer.finish().array.map(\.bitPattern)
                guard sums == expected else {
                    let wrong = zip(sums, expected).enumerated().filter { $1.0 != $1.1 }.map(\.offset)
                    throw Failure.internalError(
                        "\(total) micro-batches, \(String(describing: method)): \(wrong.count) sums differ, the first at \(wrong[0])")
                }
            }
            try expect(reducer.takeStatistics().steps, totals.count, "steps")
            try reducer.close()
        }
    },

    "reduce-gradients-mpi": Scenario { world in
        let count = layout.map(\.upperBound).max()!
        let reducer = GradientReducer(channel: try world.duplicate(), count: count, buckets: layout, algorithm: .mpi)
        for (step, total) in totals.enumerated() {
            reducer.beginStep(microBatches: total)
            try shuffledStep(reducer, rank: world.rank, count: count, step: step)
            let sums = try reducer.finish()
            let expected = sequentialSum(total, count: count, step: step)
            for j in 0..<count where abs(Double(sums[j]) - expected[j]) > 1e-3 {
                throw Failure.internalError("\(total) micro-batches: sum \(j) is \(sums[j]), expected \(expected[j])")
            }
        }
        try reducer.close()
    },

    // The same gradients in every step: thanks to error feedback, the mean over steps comes ever closer to the exact sum,
    // far beyond the 2⁻⁹ of one rounding. All ranks get the same bits.
    "reduce-gradients-bf16": Scenario { world in
        let count = layout.map(\.upperBound).max()!
        let gradients = (0..<8).map { gradient($0, count: count, step: 0) }
        for total in [8, 3] {
            let reducer = GradientReducer(
                channel: try world.duplicate(), count: count, buckets: layout, algorithm: .bfloat16)
            let exact = sequentialSum(total, count: count, step: 0)
            var sums = [Double](repeating: 0, count: count)
            let steps = 64
            for step in 0..<steps {
                reducer.beginStep(microBatches: total)
                try shuffledStep(reducer, rank: world.rank, count: count, step: 0)
                let result = try reducer.finish().array
                for j in 0..<count {
                    sums[j] += Double(result[j])
                    let inputs = (0..<total).reduce(0) { $0 + abs(Double(gradients[$1][j])) }
                    guard abs(Double(result[j]) - exact[j]) <= inputs * 0x1p-6 + 1e-6 else {
                        throw Failure.internalError("step \(step): sum \(j) is \(result[j]), expected about \(exact[j])")
                    }
                }
                let fingerprint = result.reduce(UInt64(0)) { $0 &* 31 &+ UInt64($1.bitPattern) }
                try expect(
                    try world.allgather(fingerprint), Array(repeating: fingerprint, count: world.size), "fingerprints of ranks")
            }
            for j in 0..<count {
                let inputs = (0..<total).reduce(0) { $0 + abs(Double(gradients[$1][j])) }
                let bound = inputs * 0x1p-6 / Double(steps) * 2 + inputs * 0x1p-20
                guard abs(sums[j] / Double(steps) - exact[j]) <= bound else {
                    throw Failure.internalError("mean of sum \(j) is \(sums[j] / Double(steps)), expected \(exact[j])")
                }
            }
            try reducer.close()
        }
    },

    // Micro-batches in order need log₂k + 1 arenas for k of them, and later steps no more.
    "reduce-memory": Scenario { world in
        let reducer = GradientReducer(channel: try world.duplicate(), count: 100, buckets: [50..<100, 0..<50])
        for _ in 0..<3 {
            reducer.beginStep(microBatches: 16 * world.size)
            for i in reducer.owned {
                reducer.arena(forMicroBatch: i).fill(Float(i))
                for bucket in 0..<2 { reducer.completed(microBatch: i, bucket: bucket) }
            }
            let last = 16 * world.size - 1
            try expect(try reducer.finish()[7], Float(last * (last + 1) / 2), "sum")
            try expect(reducer.arenaCount, 5, "arenas")
        }
        try reducer.close()
    },

    // Bytes sent are the least possible where every rank has one block.
    "reduce-bytes": Scenario { world in
        let count = 64 * world.size * world.size
        for method in [.direct, .halving] as [ExchangeMethod] {
            let reducer = GradientReducer(
                channel: try world.duplicate(), count: count, buckets: [0..<count], exchangeMethod: method)
            reducer.beginStep(microBatches: 2 * world.size)
            for i in reducer.owned {
                reducer.arena(forMicroBatch: i).fill(1)
                reducer.completed(microBatch: i, bucket: 0)
            }
            try expect(try reducer.finish().array, Array(repeating: Float(2 * world.size), count: count), "sums")
            let share = 4 * count / world.size
            try expect(
                reducer.takeStatistics().bytesSent, 2 * (world.size - 1) * share, "bytes sent by \(method)")
            try reducer.close()
        }
    },

    // Arguments: bucket size in bytes, repetitions, sizes in bytes. Prints a table; checks nothing.
    "reduce-benchmark": Scenario { session, arguments in
        let numbers = arguments.compactMap { Int($0) }
        let rows = try ReductionBenchmark.run(
            communicator: session.world, sizes: Array(numbers.dropFirst(2)), bucketBytes: numbers[0], repetitions: numbers[1])
        guard session.world.rank == 0 else { return 0 }
        for row in rows {
            print(
                String(
                    format: "%10d bytes: reproducible %9.1f µs, Iallreduce %9.1f µs, Allreduce %9.1f µs, ratio %.2f",
                    row.bytes, row.reproducible * 1e6, row.nonblocking * 1e6, row.allreduce * 1e6, row.ratio))
        }
        return 0
    },

    // Arguments: layers, microseconds and floats of each, repetitions.
    "overlap-benchmark": Scenario { session, arguments in
        let numbers = arguments.compactMap { Int($0) }
        try overlapBenchmark(
            session.world, layers: numbers[0], microseconds: numbers[1], floats: numbers[2], repetitions: numbers[3])
        return 0
    },
]
