/// The values under the filter at each output pixel, as rows of a matrix (im2col): [pixels, kernel · kernel · inputChannels].
///
/// Made for some output rows at a time, so that the matrix stays in cache. Where it is cut depends on the shape alone: how a
/// product rounds depends on its size, and an image's results must not depend on the images around it.
struct Patches: Sendable {
    private let shape: ConvolutionShape
    /// One image with its zeros.
    let padded: PaddedImages
    /// Output rows of a block.
    private let rows: Int

    init(_ shape: ConvolutionShape) {
        self.shape = shape
        let (lastRow, lastColumn) = ((shape.outputHeight - 1) * shape.stride, (shape.outputWidth - 1) * shape.stride)
        padded = PaddedImages(
            shape.input, top: shape.padding, left: shape.padding,
            bottom: lastRow + shape.kernel - shape.padding - shape.height,
            right: lastColumn + shape.kernel - shape.padding - shape.width)
        // Half a megabyte of results, which what comes after the product then finds in cache, or a megabyte of patches.
        let pixels =
            shape.isPointwise
            ? max(256, 131_072 / max(shape.inputChannels, shape.outputChannels))
            : 262_144 / (shape.kernel * shape.kernel * shape.inputChannels)
        let most = max(1, min(shape.outputHeight, pixels / max(1, shape.outputWidth)))
        let blocks = (shape.outputHeight + most - 1) / most
        rows = (shape.outputHeight + blocks - 1) / max(1, blocks)
    }

    /// Values of a row.
    var length: Int { shape.kernel * shape.kernel * shape.inputChannels }

    /// Values of a block, for which there must be room; 0 where an image is its own matrix.
    var count: Int { shape.isPointwise ? 0 : rows * shape.outputWidth * length }

    /// Values of one image with its zeros, for which there must be room; 0 where it needs none.
    var imageCount: Int { padded.isNeeded ? padded.imageCount : 0 }

    /// Calls `body` for every block of output rows: its first row, and how many there are.
    @inline(__always)
    func forEachBlock(_ body: (_ first: Int, _ count: Int) -> Void) {
        var first = 0
        while first < shape.outputHeight {
            let count = min(rows, shape.outputHeight - first)
            body(first, count)
            first += count
        }
    }

    /// The matrix of `count` output rows.
    ///
    /// - Parameters:
    ///   - image: with its zeros.
    ///   - matrix: room for `self.count` values.
    func matrix(
        of image: UnsafePointer<Float>, first: Int, count: Int, into matrix: UnsafeMutablePointer<Float>
    ) -> UnsafePointer<Float> {
        guard !shape.isPointwise else { return image + first * shape.width * shape.inputChannels }
        let run = shape.kernel * shape.inputChannels
        let pitch = padded.width * shape.inputChannels
        var target = matrix
        for y in first..<first + count {
            for x in 0..<shape.outputWidth {
                var source = image + shape.stride * (y * pitch + x * shape.inputChannels)
                for _ in 0..<shape.kernel {
                    target.update(from: source, count: run)
                    target += run
                    source += pitch
                }
            }
        }
        return UnsafePointer(matrix)
    }

    /// Adds a matrix of `count` output rows to the pixels that its values belong to: the transpose of `matrix`.
    ///
    /// - Parameter image: with its zeros.
    func add(_ matrix: UnsafePointer<Float>, first: Int, count: Int, to image: UnsafeMutablePointer<Float>) {
        let run = shape.kernel * shape.inputChannels
        let pitch = padded.width * shape.inputChannels
        var source = matrix
        for y in first..<first + count {
            for x in 0..<shape.outputWidth {
                var target = image + shape.stride * (y * pitch + x * shape.inputChannels)
                for _ in 0..<shape.kernel {
                    var i = 0
                    while i + lanes <= run {
                        store(load(target + i) + load(source + i), to: target + i)
                        i += lanes
                    }
                    while i < run {
                        target[i] += source[i]
                        i += 1
                    }
                    source += run
                    target += pitch
                }
            }
        }
    }
}

extension ConvolutionShape {
    /// Whether the convolution is one matrix product over the pixels as they lie.
    var isPointwise: Bool { kernel == 1 && stride == 1 && padding == 0 }
}
