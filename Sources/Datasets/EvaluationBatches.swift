import Kernels

/// Samples in fixed batches without augmentation, dealt out to ranks in whole batches.
///
/// Batch b holds `indices[b · batchSize ..< (b + 1) · batchSize]` (the last one what is left) and belongs to rank
/// b mod ranks. Its contents do not depend on the number of ranks, so neither does what is computed from them.
///
/// ```swift
/// let batch = batches.makeBatch()
/// for index in batches.owned(by: rank, of: size) {
///     batches.fill(batch, index)
///     …
/// }
/// ```
package struct EvaluationBatches: Sendable {
    package let dataset: any ImageSource
    /// Global indices into the data set, in the order of evaluation.
    package let indices: [Int]
    package let batchSize: Int

    package init(dataset: any ImageSource, indices: [Int], batchSize: Int) {
        precondition(batchSize > 0, "batch size must be positive")
        precondition(indices.allSatisfy(dataset.labels.indices.contains), "index outside of \(dataset.name)")
        self.dataset = dataset
        self.indices = indices
        self.batchSize = batchSize
    }

    /// Batches over all ranks.
    package var batchCount: Int { (indices.count + batchSize - 1) / batchSize }

    /// The indices of the batches that `rank` of `size` evaluates, ascending.
    package func owned(by rank: Int, of size: Int) -> StrideTo<Int> {
        precondition(rank >= 0 && rank < size, "rank \(rank) of \(size)")
        return stride(from: rank, to: batchCount, by: size)
    }

    /// Where the samples of batch `index` lie within `indices`.
    package func range(of index: Int) -> Range<Int> {
        precondition(index >= 0 && index < batchCount, "batch \(index) of \(batchCount)")
        return index * batchSize..<min((index + 1) * batchSize, indices.count)
    }

    /// An empty batch for `fill`.
    package func makeBatch() -> Batch {
        Batch(capacity: min(batchSize, indices.count), imageShape: dataset.imageShape)
    }

    /// Fills `batch` with batch `index` as its one micro-batch. `step` and `firstMicroBatch` are `index`,
    /// `totalMicroBatches` is `batchCount`, `globalCount` is the number of samples over all batches. No allocation
    /// after the first call.
    package func fill(_ batch: Batch, _ index: Int) throws {
        let range = range(of: index)
        batch.epoch = 0
        batch.step = index
        batch.count = range.count
        batch.globalCount = indices.count
        batch.firstMicroBatch = index
        batch.totalMicroBatches = batchCount
        batch.microBatches.removeAll(keepingCapacity: true)
        batch.microBatches.append(0..<range.count)
        try ReadingThreads.forEach(range.count, inParallel: dataset.decodes) { position in
            try batch.setSample(at: position, to: indices[range.lowerBound + position], of: dataset, draw: .none)
        }
    }
}
