import Kernels

/// Which samples each step of an epoch uses, and how its batch is cut into micro-batches.
///
/// An epoch is one permutation of the training indices, keyed by (seed, shuffle, epoch); step s takes the next
/// `batchSize` of it. The last batch may be smaller, so every sample is used exactly once per epoch. Nothing here
/// depends on ranks: they only decide who owns which micro-batches.
package struct EpochPlan: Sendable {
    /// Global indices into the data set.
    package let trainingIndices: [Int]
    /// Samples per step over all ranks.
    package let batchSize: Int
    /// Samples per micro-batch; the last one of a batch may be smaller.
    package let microBatchSize: Int
    package let seed: UInt64

    package init(trainingIndices: [Int], batchSize: Int, microBatchSize: Int, seed: UInt64) {
        precondition(batchSize > 0 && microBatchSize > 0, "batch sizes must be positive")
        self.trainingIndices = trainingIndices
        self.batchSize = batchSize
        self.microBatchSize = microBatchSize
        self.seed = seed
    }

    package var stepsPerEpoch: Int { (trainingIndices.count + batchSize - 1) / batchSize }

    /// All training indices in the order of `epoch`. O(count): about 10 ns per sample.
    package func order(epoch: Int) -> [Int] {
        Philox(seed: seed, purpose: .shuffle, epoch: epoch).permutation(trainingIndices.count).map { trainingIndices[$0] }
    }

    /// Where the batch of `step` lies within `order(epoch:)`.
    package func batchRange(step: Int) -> Range<Int> {
        precondition(step >= 0 && step < stepsPerEpoch, "step \(step) of \(stepsPerEpoch)")
        return step * batchSize..<min((step + 1) * batchSize, trainingIndices.count)
    }

    /// The global indices of the samples of one step, all ranks together. O(count), see `order(epoch:)`.
    package func indices(epoch: Int, step: Int) -> ArraySlice<Int> {
        order(epoch: epoch)[batchRange(step: step)]
    }

    package func microBatchCount(step: Int) -> Int {
        (batchRange(step: step).count + microBatchSize - 1) / microBatchSize
    }

    /// The samples of micro-batch `index`, counted from the beginning of the step's batch.
    package func microBatch(_ index: Int, step: Int) -> Range<Int> {
        let size = batchRange(step: step).count
        precondition(index >= 0 && index * microBatchSize < size, "no micro-batch \(index) in step \(step)")
        return index * microBatchSize..<min((index + 1) * microBatchSize, size)
    }

    /// The samples of consecutive micro-batches, counted from the beginning of the step's batch.
    package func samples(ofMicroBatches range: Range<Int>, step: Int) -> Range<Int> {
        let size = batchRange(step: step).count
        return min(range.lowerBound * microBatchSize, size)..<min(range.upperBound * microBatchSize, size)
    }
}
