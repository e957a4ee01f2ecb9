import Kernels

/// The random geometry of a training image: a crop out of the zero-padded image, then perhaps a horizontal flip.
package struct Augmentation: Sendable, Hashable {
    /// Zero pixels added on each side before a crop of the original size is taken; 0: no crop. As PyTorch's
    /// `RandomCrop(size, padding: cropPadding)`.
    package var cropPadding: Int
    /// Whether half of the images are mirrored left to right. As PyTorch's `RandomHorizontalFlip`.
    package var horizontalFlip: Bool

    package static let none = Augmentation(cropPadding: 0, horizontalFlip: false)

    package init(cropPadding: Int, horizontalFlip: Bool) {
        precondition(cropPadding >= 0, "negative padding")
        self.cropPadding = cropPadding
        self.horizontalFlip = horizontalFlip
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

    /// Writes an image of 8-bit values in its new place, as `value / 255` in float32. Zero padding.
    func apply(_ input: UnsafePointer<UInt8>, to output: UnsafeMutablePointer<Float>, shape: ImageShape) {
        forEachRow(height: shape.height, width: shape.width, channels: shape.channels, output: output) { from, to, values, step in
            let input = input + from
            let output = output + to
            let channels = shape.channels
            if step > 0 {
                for i in 0..<values { output[i] = Float(input[i]) / 255 }
            } else {
                for pixel in 0..<values / channels {
                    for c in 0..<channels { output[c - pixel * channels] = Float(input[pixel * channels + c]) / 255 }
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

    /// Zeroes `output` where needed, then hands each row's visible part to `body`: the input's offset, the offset of the
    /// output pixel that its first pixel goes to, how many values, and 1 or −1, the direction of the output's pixels.
    private func forEachRow(
        height: Int, width: Int, channels: Int, output: UnsafeMutablePointer<Float>, _ body: (Int, Int, Int, Int) -> Void
    ) {
        if rowOffset != 0 || columnOffset != 0 { output.update(repeating: 0, count: height * width * channels) }
        let first = max(0, -columnOffset)
        let end = min(width, width - columnOffset)
        guard first < end else { return }
        for y in max(0, -rowOffset)..<max(max(0, -rowOffset), min(height, height - rowOffset)) {
            let from = ((y + rowOffset) * width + first + columnOffset) * channels
            let to = (y * width + (flipped ? width - 1 - first : first)) * channels
            body(from, to, (end - first) * channels, flipped ? -1 : 1)
        }
    }
}
