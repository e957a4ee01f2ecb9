import Diagnostics
import Kernels
import MPI
import Recipes

/// Times the reproducible reduction against MPI's.
package enum ReductionBenchmark {
    /// One size. Times are medians over repetitions of the slowest rank's time, in seconds; the same on all ranks.
    package struct Row: Sendable, Codable {
        package let bytes: Int
        /// `GradientReducer` with `.reproducible`, one micro-batch per rank.
        package let reproducible: Double
        /// `GradientReducer` with `.mpi`: MPI_Iallreduce, bucket by bucket.
        package let nonblocking: Double
        /// One MPI_Allreduce from one buffer into another.
        package let allreduce: Double

        /// What reproducibility costs: 1 is nothing.
        package var ratio: Double { reproducible / allreduce }
    }

    /// Collective. The three are timed in turn, repetition by repetition, so that a disturbance hits them alike.
    ///
    /// - Parameters:
    ///   - sizes: in bytes, each at least 4.
    ///   - bucketBytes: buckets of the reducers.
    ///   - repetitions: after one that is not counted.
    /// - Throws: `Failure` if MPI fails.
    package static func run(
        communicator: Communicator, sizes: [Int], bucketBytes: Int = GradientReducer.defaultBucketBytes, repetitions: Int
    ) throws -> [Row] {
        try sizes.map { try time(communicator, count: $0 / 4, bucketBytes: bucketBytes, repetitions: repetitions) }
    }

    private static func time(_ communicator: Communicator, count: Int, bucketBytes: Int, repetitions: Int) throws -> Row {
        let buckets = gradientBuckets(
            boundaries: Array(stride(from: 0, to: count, by: 64)), count: count, bucketBytes: bucketBytes)
        let reproducible = GradientReducer(channel: try communicator.duplicate(), count: count, buckets: buckets)
        let library = GradientReducer(channel: try communicator.duplicate(), count: count, buckets: buckets, algorithm: .mpi)
        let source = FloatBuffer(count: count)
        let destination = FloatBuffer(count: count)

        func reduce(_ reducer: GradientReducer) throws {
            reducer.beginStep(microBatches: communicator.size)
            for bucket in buckets.indices {
                for i in reducer.owned {
                    _ = reducer.arena(forMicroBatch: i)
                    reducer.completed(microBatch: i, bucket: bucket)
                }
            }
            _ = try reducer.finish()
        }
        let bodies: [() throws -> Void] = [
            { try reduce(reproducible) },
            { try reduce(library) },
            {
                try communicator.allreduce(
                    UnsafeBufferPointer(start: source.pointer, count: count),
                    into: UnsafeMutableBufferPointer(start: destination.pointer, count: count), .sum)
            },
        ]
        var times = bodies.map { _ in [Double]() }
        for repetition in 0...repetitions {
            for (i, body) in bodies.enumerated() {
                try communicator.barrier()
                let elapsed = try ContinuousClock().measure(body)
                let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
                let slowest = try communicator.allreduce(seconds, .max)
                if repetition > 0 { times[i].append(slowest) }
            }
        }
        try reproducible.close()
        try library.close()
        let medians = times.map { $0.median() }
        return Row(bytes: 4 * count, reproducible: medians[0], nonblocking: medians[1], allreduce: medians[2])
    }
}
