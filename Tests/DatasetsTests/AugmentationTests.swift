import Datasets
import Kernels
import Testing

@Suite("Augmentation")
struct AugmentationTests {
    private let shape = ImageShape(height: 6, width: 5, channels: 3)

    /// The image padded in a larger array (with zeros, or with its nearest values), cropped out of it, then mirrored:
    /// three separate steps.
    private func reference(
        _ image: [Float], channels: Int, padding: Int, placement: Placement, nearest: Bool = false
    ) -> [Float] {
        let (h, w) = (shape.height, shape.width)
        var padded = [[[Float]]](
            repeating: [[Float]](repeating: [Float](repeating: 0, count: channels), count: w + 2 * padding), count: h + 2 * padding)
        for y in 0..<h {
            for x in 0..<w { padded[y + padding][x + padding] = (0..<channels).map { image[(y * w + x) * channels + $0] } }
        }
        if nearest {
            for y in 0..<h + 2 * padding {
                for x in 0..<w + 2 * padding {
                    padded[y][x] = padded[min(max(y, padding), padding + h - 1)][min(max(x, padding), padding + w - 1)]
                }
            }
        }
        let (top, left) = (placement.rowOffset + padding, placement.columnOffset + padding)
        let cropped = (top..<top + h).map { y in (left..<left + w).map { x in padded[y][x] } }
        return cropped.flatMap { row in (placement.flipped ? row.reversed() : row).flatMap { $0 } }
    }

    private func fill(_ dataset: ImageDataset, _ augmentation: Augmentation, epoch: Int, seed: UInt64 = 7) -> Batch {
        let plan = EpochPlan(trainingIndices: Array(0..<dataset.count), batchSize: dataset.count, microBatchSize: 4, seed: 1)
        let assembler = BatchAssembler(dataset: dataset, plan: plan, augmentation: augmentation, seed: seed) { 0..<$0 }
        let batch = assembler.makeBatch()
        try! assembler.fill(batch, epoch: epoch, step: 0, order: plan.order(epoch: epoch))
        return batch
    }

    /// Image and map go through the same geometry, at paddings up to beyond the image's size.
    @Test(arguments: [0, 1, 4, 8], [false, true])
    func cropsAndFlipsAgainstReference(padding: Int, flip: Bool) {
        let dataset = makeDataset(count: 40, shape: shape)
        let augmentation = Augmentation(cropPadding: padding, horizontalFlip: flip)
        for epoch in 0..<4 {
            let batch = fill(dataset, augmentation, epoch: epoch)
            for position in 0..<40 {
                let index = batch.sampleIndices[position]
                let placement = augmentation.placement(seed: 7, epoch: epoch, sample: index)
                let image = (0..<shape.count).map { Float(dataset.pixels[index * shape.count + $0]) / 255 }
                let map = (0..<shape.pixels).map { dataset.ownSalience![index * shape.pixels + $0] }
                let contents = BatchContents(batch, samples: position..<position + 1)
                #expect(contents.images == reference(image, channels: 3, padding: padding, placement: placement))
                #expect(contents.salience == reference(map, channels: 1, padding: padding, placement: placement, nearest: true))
                #expect(contents.labels == [dataset.labels[index]])
            }
        }
    }

    /// The map of the test data set is the image's first channel: it must stay so wherever both went, outside of the
    /// padding.
    @Test func imageAndMapMoveTogether() {
        let dataset = makeDataset(count: 30, shape: shape)
        let batch = fill(dataset, Augmentation(cropPadding: 2, horizontalFlip: true), epoch: 1)
        let inside = (0..<30 * shape.pixels).filter { batch.images[3 * $0] != 0 }
        #expect(inside.count > 15 * shape.pixels)
        #expect(inside.allSatisfy { batch.salience[$0] == batch.images[3 * $0] })
    }

    @Test func offsetsAndFlipsAreUniform() {
        let augmentation = Augmentation(cropPadding: 1, horizontalFlip: true)
        var counts: [Placement: Int] = [:]
        for sample in 0..<3600 { counts[augmentation.placement(seed: 3, epoch: 2, sample: sample), default: 0] += 1 }
        // 18 cells of 200 expected; a binomial standard deviation is below 14.
        #expect(counts.count == 18)
        #expect(counts.values.allSatisfy { abs($0 - 200) < 70 })
    }

    @Test func drawsChangeWithEpochAndSeed() {
        let dataset = makeDataset(count: 64, shape: shape)
        let augmentation = Augmentation(cropPadding: 4, horizontalFlip: true)
        func placements(_ seed: UInt64, _ epoch: Int) -> [Placement] {
            (0..<64).map { augmentation.placement(seed: seed, epoch: epoch, sample: $0) }
        }
        #expect(placements(1, 0) != placements(1, 1))
        #expect(placements(1, 0) != placements(2, 0))
        #expect(BatchContents(fill(dataset, augmentation, epoch: 3)) == BatchContents(fill(dataset, augmentation, epoch: 3)))
    }

    @Test func noneIsTheIdentity() {
        #expect((0..<100).allSatisfy { Augmentation(cropPadding: 0, horizontalFlip: false).placement(seed: 1, epoch: 1, sample: $0) == .identity })
    }
}
