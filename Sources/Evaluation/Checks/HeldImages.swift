import Attacks
import Kernels

/// Images in memory that live as long as this does.
package struct HeldImages: AttackImages {
    private let shape: ImageShape
    private let images: FloatBuffer
    private let labels: [Int32]
    private let indices: [Int]
    private let mask: FloatBuffer?

    /// - Parameters:
    ///   - images: [labels, height, width, channels]; `mask`: [labels, height, width], nil for all ones.
    ///   - indices: each image's index in its data set.
    package init(_ shape: ImageShape, images: FloatBuffer, labels: [Int32], indices: [Int], mask: FloatBuffer? = nil) {
        self.shape = shape
        self.images = images
        self.labels = labels
        self.indices = indices
        self.mask = mask
    }

    package var count: Int { labels.count }

    package func load(
        _ position: Int, image: UnsafeMutablePointer<Float>, mask: UnsafeMutablePointer<Float>
    ) -> (label: Int, index: Int) {
        image.update(from: images.pointer + position * shape.count, count: shape.count)
        if let own = self.mask { mask.update(from: own.pointer + position * shape.pixels, count: shape.pixels) }
        return (Int(labels[position]), indices[position])
    }
}
