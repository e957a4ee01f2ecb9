import Kernels

/// The samples that one rank works on in one step: whole micro-batches, contiguous in memory.
///
/// The memory is allocated once, for `capacity` samples, and reused from step to step. Whoever holds a batch is the
/// only one to touch it (a loader hands it over and takes it back): hence `@unchecked Sendable`.
package final class Batch: @unchecked Sendable {
    package let imageShape: ImageShape
    /// The most samples it can hold.
    package let capacity: Int

    /// [n, H, W, C] in [0, 1].
    package let images: FloatBuffer
    /// [n, H, W, C], 0 to 255: the same images as they are read.
    private let bytes: UnsafeMutablePointer<UInt8>
    /// [n] in 0..<classes.
    package let labels: UnsafeMutablePointer<Int32>
    /// [n, H, W] in [0, 1]; zeros where there is no map.
    package let salience: FloatBuffer
    /// [n]: whether the image has a map of its own.
    package let annotated: UnsafeMutablePointer<Bool>
    /// [n]: index of the sample in the data set, the key of its randomness.
    package let sampleIndices: UnsafeMutablePointer<Int>

    /// Samples in this batch.
    package internal(set) var count = 0
    /// The owned micro-batches as ranges of this batch's samples.
    package internal(set) var microBatches: [Range<Int>] = []
    /// Index of the first owned micro-batch among the step's `totalMicroBatches`.
    package internal(set) var firstMicroBatch = 0
    /// Micro-batches of the step over all ranks.
    package internal(set) var totalMicroBatches = 0
    /// Samples of the step over all ranks.
    package internal(set) var globalCount = 0
    package internal(set) var epoch = 0
    package internal(set) var step = 0

    package init(capacity: Int, imageShape: ImageShape) {
        self.capacity = capacity
        self.imageShape = imageShape
        images = FloatBuffer(count: capacity * imageShape.count)
        bytes = .allocate(capacity: capacity * imageShape.count)
        bytes.initialize(repeating: 0, count: capacity * imageShape.count)
        labels = .allocate(capacity: capacity)
        labels.initialize(repeating: 0, count: capacity)
        salience = FloatBuffer(count: capacity * imageShape.pixels)
        annotated = .allocate(capacity: capacity)
        annotated.initialize(repeating: false, count: capacity)
        sampleIndices = .allocate(capacity: capacity)
        sampleIndices.initialize(repeating: 0, count: capacity)
    }

    deinit {
        bytes.deallocate()
        labels.deallocate()
        annotated.deallocate()
        sampleIndices.deallocate()
    }

    /// Says which step of which epoch this is the batch of.
    package func place(epoch: Int, step: Int) {
        self.epoch = epoch
        self.step = step
    }

    /// Puts sample `index` of `source` at `position`, in its place. Different positions may be set at the same time.
    ///
    /// - Throws: `Failure` when the source cannot read the image or its map.
    func setSample(at position: Int, to index: Int, of source: any ImageSource, draw: SampleDraw) throws {
        precondition(position >= 0 && position < capacity, "sample \(index) at \(position)")
        sampleIndices[position] = index
        labels[position] = source.labels[index]
        let shape = imageShape
        let bytes = bytes + position * shape.count
        let geometry = try source.read(index, draw, into: bytes)
        let image = images.pointer + position * shape.count
        for i in 0..<shape.count { image[i] = Float(bytes[i]) / 255 }
        let map = salience.pointer + position * shape.pixels
        annotated[position] = try source.readMap(index, geometry, epoch: draw.epoch, into: map)
        if !annotated[position] { map.update(repeating: 0, count: shape.pixels) }
    }
}
