import Datasets
import Diagnostics
import Foundation
import Kernels
import Testing

@Suite("Batches and loaders", .timeLimit(.minutes(1)))
struct LoaderTests {
    private let shape = ImageShape(height: 5, width: 4, channels: 3)
    private let augmentation = Augmentation(cropPadding: 2, horizontalFlip: true)

    private func plan(_ dataset: ImageDataset, batch: Int = 12, microBatch: Int = 5) -> EpochPlan {
        EpochPlan(trainingIndices: Array(0..<dataset.count), batchSize: batch, microBatchSize: microBatch, seed: 2)
    }

    /// A contiguous share of the micro-batches.
    private func share(_ rank: Int, of size: Int) -> BatchAssembler.Ownership {
        { total in rank * total / size..<(rank + 1) * total / size }
    }

    private func loader(_ dataset: ImageDataset, rank: Int = 0, of size: Int = 1) -> TrainingLoader {
        TrainingLoader(dataset: dataset, plan: plan(dataset), augmentation: augmentation, seed: 8, owned: share(rank, of: size))
    }

    /// 50 samples in steps of 12, 12, 12, 12, 2 with micro-batches of 5, 5, 2: joined over ranks, the batches are the
    /// same as those of one rank.
    @Test(arguments: 1...5)
    func contentsDoNotDependOnTheRanks(ranks: Int) throws {
        let dataset = makeDataset(count: 50, shape: shape)
        let plan = plan(dataset)
        for step in 0..<plan.stepsPerEpoch {
            let order = plan.order(epoch: 1)
            let whole = BatchAssembler(dataset: dataset, plan: plan, augmentation: augmentation, seed: 8, owned: share(0, of: 1))
            let reference = whole.makeBatch()
            try whole.fill(reference, epoch: 1, step: step, order: order)
            #expect(BatchContents(reference).indices == Array(plan.indices(epoch: 1, step: step)))

            var samples = 0
            var microBatches = 0
            for rank in 0..<ranks {
                let part = BatchAssembler(
                    dataset: dataset, plan: plan, augmentation: augmentation, seed: 8, owned: share(rank, of: ranks))
                let batch = part.makeBatch()
                try part.fill(batch, epoch: 1, step: step, order: order)
                #expect(batch.globalCount == reference.count && batch.totalMicroBatches == reference.microBatches.count)
                #expect(batch.epoch == 1 && batch.step == step)
                for (i, range) in batch.microBatches.enumerated() {
                    #expect(batch.firstMicroBatch + i == microBatches)
                    let same = reference.microBatches[microBatches]
                    #expect(BatchContents(batch, samples: range) == BatchContents(reference, samples: same))
                    microBatches += 1
                }
                samples += batch.count
            }
            #expect(samples == reference.count && microBatches == reference.microBatches.count)
        }
    }

    @Test func prefetchEqualsDirect() throws {
        let dataset = makeDataset(count: 50, shape: shape)
        let plan = plan(dataset)
        let assembler = BatchAssembler(dataset: dataset, plan: plan, augmentation: augmentation, seed: 8, owned: share(1, of: 2))
        let direct = assembler.makeBatch()
        let loader = loader(dataset, rank: 1, of: 2)
        for epoch in 0..<3 {
            loader.start(epoch: epoch)
            var step = 0
            while let batch = try loader.next() {
                try assembler.fill(direct, epoch: epoch, step: step, order: plan.order(epoch: epoch))
                #expect(batch.step == step && batch.epoch == epoch && batch.microBatches == direct.microBatches)
                #expect(BatchContents(batch) == BatchContents(direct))
                step += 1
            }
            #expect(step == plan.stepsPerEpoch)
            #expect(try loader.next() == nil)
        }
    }

    @Test func startsInTheMiddleAndStartsAgain() throws {
        let dataset = makeDataset(count: 50, shape: shape)
        let loader = loader(dataset)
        loader.start(epoch: 4)
        let all = try (0..<5).map { _ in BatchContents(try #require(try loader.next())) }
        loader.start(epoch: 4, fromStep: 3)
        #expect(BatchContents(try #require(try loader.next())) == all[3])
        loader.start(epoch: 7)
        _ = try loader.next()
        loader.start(epoch: 4, fromStep: 1)
        for step in 1..<5 { #expect(BatchContents(try #require(try loader.next())) == all[step]) }
        #expect(try loader.next() == nil)
        loader.start(epoch: 4, fromStep: 5)
        #expect(try loader.next() == nil)
    }

    @Test func nothingBeforeStart() throws {
        #expect(try loader(makeDataset(count: 9, shape: shape)).next() == nil)
    }

    /// Dropped at any moment, the loader takes its thread along.
    @Test func dropsWithoutHanging() throws {
        let dataset = makeDataset(count: 50, shape: shape)
        for used in 0..<8 {
            weak var memory: Batch?
            do {
                let loader = loader(dataset)
                if used > 0 { loader.start(epoch: 0) }
                for _ in 1..<max(1, used) { memory = try loader.next() ?? memory }
            }
            // The thread that has ended may hold on to its closure for a moment longer.
            for _ in 0..<500 where memory != nil { usleep(10_000) }
            #expect(memory == nil)
        }
    }

    private final class Slot: Sendable {}

    private struct Broken: Error {}

    @Test func failureOnTheThreadIsThrown() throws {
        let prefetcher = Prefetcher(items: [Slot(), Slot(), Slot()], name: "test") { _, epoch, step in
            if epoch == 0 && step == 3 { throw Broken() }
        }
        prefetcher.start(epoch: 0, steps: 0..<10)
        for _ in 0..<3 { #expect(try prefetcher.next() != nil) }
        #expect(throws: Broken.self) { try prefetcher.next() }
        #expect(try prefetcher.next() == nil)
        prefetcher.start(epoch: 1, steps: 0..<10)
        for _ in 0..<10 { #expect(try prefetcher.next() != nil) }
        #expect(try prefetcher.next() == nil)
    }

    @Test func batchesWithoutAnnotation() throws {
        let plain = makeDataset(count: 10, shape: shape, salience: false)
        let maps = [Float](repeating: 0.5, count: 10 * shape.pixels)
        let partly = try plain.attachingSalience(maps: maps, annotated: (0..<10).map { $0 % 2 == 0 }, source: "maps.npy")
        let cases: [(any ImageSource, (Int) -> Bool)] = [(plain, { _ in false }), (partly, { $0 % 2 == 0 })]
        for (dataset, isAnnotated) in cases {
            let batches = EvaluationBatches(dataset: dataset, indices: [4, 1, 7, 2], batchSize: 4)
            let batch = batches.makeBatch()
            try batches.fill(batch, 0)
            for (i, index) in [4, 1, 7, 2].enumerated() {
                #expect(batch.annotated[i] == isAnnotated(index))
                let map = BatchContents(batch, samples: i..<i + 1).salience
                #expect(map == [Float](repeating: isAnnotated(index) ? 0.5 : 0, count: shape.pixels))
            }
        }
    }

    @Test(arguments: 1...4)
    func evaluationBatchesCoverEverySampleOnce(ranks: Int) throws {
        let dataset = makeDataset(count: 23, shape: shape)
        let indices = Array((0..<23).reversed())
        let batches = EvaluationBatches(dataset: dataset, indices: indices, batchSize: 4)
        #expect(batches.batchCount == 6)
        var found = [Int: [Int]]()
        for rank in 0..<ranks {
            let batch = batches.makeBatch()
            for index in batches.owned(by: rank, of: ranks) {
                try batches.fill(batch, index)
                #expect(batch.step == index && index % ranks == rank && batch.globalCount == 23)
                #expect(batch.microBatches == [0..<batch.count])
                let contents = BatchContents(batch)
                found[index] = contents.indices
                let expected: [Float] = contents.indices.flatMap { sample in
                    (0..<shape.count).map { Float(dataset.pixels[sample * shape.count + $0]) / 255 }
                }
                #expect(contents.images == expected)
                #expect(contents.labels == contents.indices.map { dataset.labels[$0] })
            }
        }
        #expect((0..<6).flatMap { found[$0]! } == indices)
    }
}
