import TestSupport
import Testing
import Training

/// The reproducible reduction: same bits on any number of ranks.
@Suite(.serialized)
struct ReductionTests {
    @Test(arguments: 1...4)
    func scenarios(ranks: Int) throws {
        let names = ["reduce-gradients", "reduce-gradients-mpi", "reduce-gradients-bf16", "reduce-memory", "reduce-bytes"]
        let run = try ProgramRun.mpirun(ranks: ranks, try builtProgram("mpi-fixture"), ["checks"] + names, timeout: 60)
        #expect(run.status == 0 && run.output == "ok\n", "\(run)")
    }

    /// Eight ranks halve in three rounds; most own one micro-batch or none.
    @Test func manyRanks() throws {
        let run = try ProgramRun.mpirun(ranks: 8, try builtProgram("mpi-fixture"), ["reduce-gradients"], timeout: 60)
        #expect(run.status == 0 && run.output == "ok\n", "\(run)")
    }

    @Test func everyMicroBatchHasOneOwner() {
        for total in 0...20 {
            for size in 1...9 {
                let ranges = (0..<size).map { ownedMicroBatches(total: total, rank: $0, size: size) }
                #expect(ranges.flatMap(Array.init) == Array(0..<total))
                #expect(ranges.map(\.count).max()! - ranges.map(\.count).min()! <= 1)
            }
        }
        #expect((0..<4).map { ownedMicroBatches(total: 8, rank: $0, size: 4) } == [0..<2, 2..<4, 4..<6, 6..<8])
        #expect((0..<3).map { ownedMicroBatches(total: 2, rank: $0, size: 3) } == [0..<1, 1..<2, 2..<2])
    }

    @Test func bucketsStartAtParametersFromTheTail() {
        let boundaries = [0, 10, 20, 70, 75]
        #expect(gradientBuckets(boundaries: boundaries, count: 80, bucketBytes: 40) == [70..<80, 20..<70, 10..<20, 0..<10])
        #expect(gradientBuckets(boundaries: boundaries, count: 80, bucketBytes: 41) == [20..<80, 0..<20])
        #expect(gradientBuckets(boundaries: boundaries, count: 80, bucketBytes: 1000) == [0..<80])
        #expect(gradientBuckets(boundaries: [0], count: 0, bucketBytes: 40) == [])
    }
}
