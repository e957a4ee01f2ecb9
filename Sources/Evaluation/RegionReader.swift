import Datasets
import Diagnostics
import Kernels

/// Images of a data set with the mask of a region, read one by one when they are wanted.
package final class RegionReader {
    package let dataset: any ImageSource
    /// Indices in the data set, by position.
    package let indices: [Int]
    private let threshold: Float
    private let seed: UInt64
    private let bytes: UnsafeMutableBufferPointer<UInt8>
    private let map: FloatBuffer

    package init(_ dataset: any ImageSource, indices: [Int], threshold: Float, seed: UInt64) {
        self.dataset = dataset
        self.indices = indices
        self.threshold = threshold
        self.seed = seed
        bytes = .allocate(capacity: dataset.imageShape.count)
        map = FloatBuffer(count: dataset.imageShape.pixels)
    }

    deinit { bytes.deallocate() }

    /// - Parameters:
    ///   - image: [height, width, channels], filled with values in [0, 1].
    ///   - mask: [height, width], filled with 1 where the region's attacker may change a pixel, else 0.
    package func load(
        _ position: Int, region: EvaluationProtocol.Region, image: UnsafeMutablePointer<Float>, mask: UnsafeMutablePointer<Float>
    ) throws -> (label: Int, index: Int) {
        let (index, shape) = (indices[position], dataset.imageShape)
        let geometry = try dataset.read(index, .none, into: bytes.baseAddress!)
        for i in 0..<shape.count { image[i] = Float(bytes[i]) / 255 }
        // Most evaluations never look at a map.
        let hasMap = region == .all ? false : try dataset.readMap(index, geometry, into: map.pointer)
        _ = RegionMask(region: region, threshold: threshold, seed: seed).write(
            salience: hasMap ? UnsafePointer(map.pointer) : nil, shape: shape, index: index, into: mask)
        return (Int(dataset.labels[index]), index)
    }

    /// The pixels that may change, by region.
    func freePixels(_ position: Int, regions: [EvaluationProtocol.Region], image: UnsafeMutablePointer<Float>, mask: UnsafeMutablePointer<Float>) throws -> [String: Int] {
        var counts: [String: Int] = [:]
        for region in regions {
            _ = try load(position, region: region, image: image, mask: mask)
            counts[region.rawValue] = (0..<dataset.imageShape.pixels).count { mask[$0] > 0 }
        }
        return counts
    }
}
