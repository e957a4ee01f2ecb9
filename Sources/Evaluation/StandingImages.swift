import Datasets
import Kernels

/// Memory for the images of a batch that are still to be attacked, side by side, so that no work is spent on the others.
final class StandingImages {
    let images: FloatBuffer
    let adversarial: FloatBuffer
    let masks: FloatBuffer
    let labels: UnsafeMutablePointer<Int32>
    /// Indices in the data set, from which random starts are drawn.
    let indices: UnsafeMutablePointer<Int>
    private let shape: ImageShape

    init(capacity: Int, shape: ImageShape) {
        self.shape = shape
        images = FloatBuffer(count: capacity * shape.count)
        adversarial = FloatBuffer(count: capacity * shape.count)
        masks = FloatBuffer(count: capacity * shape.pixels)
        labels = .allocate(capacity: capacity)
        labels.initialize(repeating: 0, count: capacity)
        indices = .allocate(capacity: capacity)
        indices.initialize(repeating: 0, count: capacity)
    }

    deinit {
        labels.deallocate()
        indices.deallocate()
    }

    /// Copies the samples `targets` of `batch`, and their masks where there are any.
    func gather(_ targets: [Int], of batch: Batch, masks all: UnsafePointer<Float>?) {
        for (place, i) in targets.enumerated() {
            (images.pointer + place * shape.count).update(from: batch.images.pointer + i * shape.count, count: shape.count)
            if let all { (masks.pointer + place * shape.pixels).update(from: all + i * shape.pixels, count: shape.pixels) }
            labels[place] = batch.labels[i]
            indices[place] = batch.sampleIndices[i]
        }
    }
}
