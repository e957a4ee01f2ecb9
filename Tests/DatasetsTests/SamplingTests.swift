import Datasets
import Diagnostics
import Kernels
import Testing

@Suite("Validation split and epoch plan")
struct SamplingTests {
    /// Classes of 100, 50, 7 and 1 images, mixed.
    private let labels: [Int32] = (0..<158).map { i in
        let scattered = i * 61 % 158
        return scattered < 100 ? 0 : scattered < 150 ? 1 : scattered < 157 ? 2 : 3
    }

    private func share(_ indices: [Int], _ label: Int32) -> Int { indices.count { labels[$0] == label } }

    @Test(arguments: [0.0, 0.1, 0.25, 0.5, 0.9])
    func splitIsStratified(fraction: Double) throws {
        let split = try ValidationSplit(labels: labels, fraction: fraction, seed: 4)
        #expect((split.training + split.validation).sorted() == Array(0..<158))
        #expect(split.training == split.training.sorted() && split.validation == split.validation.sorted())
        #expect(split.validation.count == Int((fraction * 158).rounded()))
        for (label, size) in [100, 50, 7, 1].enumerated() {
            let exact = Double(size * split.validation.count) / 158
            #expect(abs(Double(share(split.validation, Int32(label))) - exact) < 1)
        }
    }

    @Test func splitDependsOnTheSeedOnly() throws {
        let split = try ValidationSplit(labels: labels, count: 30, seed: 4)
        #expect(try ValidationSplit(labels: labels, count: 30, seed: 4) == split)
        #expect(try ValidationSplit(labels: labels, count: 30, seed: 5) != split)
        #expect(split.validation.count == 30)
    }

    @Test func impossibleSplits() {
        expectFailure(.usage, ["158", "0 to 157"]) { _ = try ValidationSplit(labels: labels, count: 158, seed: 0) }
        expectFailure(.usage, ["-1"]) { _ = try ValidationSplit(labels: labels, count: -1, seed: 0) }
        expectFailure(.usage, ["1.5", "below 1"]) { _ = try ValidationSplit(labels: labels, fraction: 1.5, seed: 0) }
        expectFailure(.usage, ["nan"]) { _ = try ValidationSplit(labels: labels, fraction: .nan, seed: 0) }
    }

    @Test func limitIsBalanced() {
        let all = Array(0..<158)
        let limited = ValidationSplit.classBalanced(all, labels: labels, limit: 30)
        // Class 3 has one image and class 2 seven: the others make up for them.
        #expect((0..<4).map { share(limited, Int32($0)) } == [11, 11, 7, 1])
        #expect(limited == limited.sorted() && Set(limited).count == 30)
        #expect(ValidationSplit.classBalanced(all.reversed(), labels: labels, limit: 500) == all)
        #expect(ValidationSplit.classBalanced(all, labels: labels, limit: 0) == [])
    }

    @Test(arguments: [(1, 1, 1), (7, 3, 2), (100, 10, 4), (101, 10, 10), (97, 128, 32), (103, 25, 7)])
    func everySampleOncePerEpoch(count: Int, batch: Int, microBatch: Int) {
        let indices = (0..<count).map { 3 * $0 + 5 }
        let plan = EpochPlan(trainingIndices: indices, batchSize: batch, microBatchSize: microBatch, seed: 9)
        #expect(plan.stepsPerEpoch == (count - 1) / batch + 1)
        for epoch in 0..<3 {
            var seen: [Int] = []
            for step in 0..<plan.stepsPerEpoch {
                let samples = Array(plan.indices(epoch: epoch, step: step))
                #expect(samples.count == batch || step == plan.stepsPerEpoch - 1)
                seen += samples
                // The micro-batches tile the batch in order, all but the last of full size.
                var covered = 0
                for i in 0..<plan.microBatchCount(step: step) {
                    let range = plan.microBatch(i, step: step)
                    #expect(range.lowerBound == covered && !range.isEmpty)
                    #expect(range.count == microBatch || i == plan.microBatchCount(step: step) - 1)
                    covered = range.upperBound
                }
                #expect(covered == samples.count)
            }
            #expect(seen.sorted() == indices)
        }
    }

    @Test func epochsAndSeedsShuffleDifferently() {
        func order(_ seed: UInt64, _ epoch: Int) -> [Int] {
            EpochPlan(trainingIndices: Array(0..<200), batchSize: 8, microBatchSize: 4, seed: seed).order(epoch: epoch)
        }
        #expect(order(1, 0) == order(1, 0))
        #expect(order(1, 0) != order(1, 1))
        #expect(order(1, 0) != order(2, 0))
        #expect(order(1, 0) != Array(0..<200))
    }
}
