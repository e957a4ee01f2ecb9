import Images
import Kernels

/// The random geometry of a training image: a crop out of the zero-padded image, then perhaps a horizontal flip.
package struct Augmentation: Sendable, Hashable {
    /// Zero pixels added on each side before a crop of the original size is taken; 0: no crop. As PyTorch's
    /// `RandomCrop(size, padding: cropPadding)`.
    package var cropPadding: Int
    /// Whether half of the images are mirrored left to right. As PyTorch's `RandomHorizontalFlip`.
    package var horizontalFlip: Bool

    /// A rule of `GeometryRule.randomResizedCrop` that takes the place of padding and cropping; nil: none.
    package var randomResizedCrop: GeometryRule?

    /// Images as they are.
    package static let none = Augmentation(cropPadding: 0, horizontalFlip: false)

    package init(cropPadding: Int, horizontalFlip: Bool, randomResizedCrop: GeometryRule? = nil) {
        precondition(cropPadding >= 0, "negative padding")
        self.cropPadding = cropPadding
        self.horizontalFlip = horizontalFlip
        self.randomResizedCrop = randomResizedCrop
    }

    /// The geometry of one sample in one epoch, keyed by (seed, crop or flip, epoch, sample): the same on any rank.
    package func placement(seed: UInt64, epoch: Int, sample: Int) -> Placement {
        var placement = Placement.identity
        if cropPadding > 0 {
            let crop = Philox(seed: seed, purpose: .crop, epoch: epoch, sample: sample)
            placement.rowOffset = crop.uniform(0, below: 2 * cropPadding + 1) - cropPadding
            placement.columnOffset = crop.uniform(1, below: 2 * cropPadding + 1) - cropPadding
        }
        if horizontalFlip {
            placement.flipped = Philox(seed: seed, purpose: .flip, epoch: epoch, sample: sample).uniform(0, below: 2) == 1
        }
        return placement
    }
}

/// Where the pixels of an augmented image come from: output (y, x) is input (y + rowOffset, x′ + columnOffset) with
/// x′ = width − 1 − x if flipped, else x; outside of the input it is zero.
package struct Placement: Sendable, Hashable {
    package var rowOffset: Int
    package var columnOffset: Int
    package var flipped: Bool

    package static let identity = Placement(rowOffset: 0, columnOffset: 0, flipped: false)

    package init(rowOffset: Int, columnOffset: Int, flipped: Bool) {
        self.rowOffset = rowOffset
        self.columnOffset = columnOffset
        self.flipped = flipped
    }

    /// Writes an image of 8-bit values in its new place. Zero padding.
    func apply(_ input: UnsafePointer<UInt8>, to output: UnsafeMutablePointer<UInt8>, shape: ImageShape) {
        let (height, width, channels) = (shape.height, shape.width, shape.channels)
        if rowOffset != 0 || columnOffset != 0 { output.update(repeating: 0, count: shape.count) }
        // The part of the output that shows the input, before the flip.
        let rows = Placement.visible(height, offset: rowOffset)
        let columns = Placement.visible(width, offset: columnOffset)
        for y in rows {
            let source = input + ((y + rowOffset) * width + columns.lowerBound + columnOffset) * channels
            let row = output + y * width * channels
            if !flipped {
                (row + columns.lowerBound * channels).update(from: source, count: columns.count * channels)
            } else {
                let target = row + (width - 1 - columns.lowerBound) * channels
                for x in 0..<columns.count {
                    for c in 0..<channels { target[c - x * channels] = source[x * channels + c] }
                }
            }
        }
    }

    /// Writes a map of one value per pixel in its new place. What was added is as meaningful as the pixel of the image
    /// next to it, so that a map that is the same everywhere stays so: then SIP-AT is natural or adversarial training.
    func apply(_ input: UnsafePointer<Float>, to output: UnsafeMutablePointer<Float>, shape: ImageShape) {
        let (height, width) = (shape.height, shape.width)
        for y in 0..<height {
            let row = input + min(max(y + rowOffset, 0), height - 1) * width
            for x in 0..<width {
                output[y * width + (flipped ? width - 1 - x : x)] = row[min(max(x + columnOffset, 0), width - 1)]
            }
        }
    }

    private static func visible(_ size: Int, offset: Int) -> Range<Int> {
        let first = max(0, -offset)
        return first..<max(first, min(size, size - offset))
    }
}
