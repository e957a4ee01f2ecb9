/// The filter gradient as the product of the images' values under the filter, transposed, with the output gradient.
struct DirectFilterGradient: FilterGradientPass {
    private let shape: ConvolutionShape
    private let padded: PaddedImages
    private let blockImages: Int

    init(_ shape: ConvolutionShape) {
        self.shape = shape
        let (rows, columns) = (shape.outputHeight - 1, shape.outputWidth - 1)
        padded = PaddedImages(
            shape.input, top: shape.padding, left: shape.padding,
            bottom: rows * shape.stride + shape.kernel - shape.padding - shape.height,
            right: columns * shape.stride + shape.kernel - shape.padding - shape.width)
        blockImages = DirectPass.blockImages(shape.output)
    }

    /// Output pixels whose products are summed before the sum goes back to memory.
    private var pixelsTogether: Int { 256 }

    private var outputBlocks: Int { channelBlocks(shape.outputChannels) }

    /// Whether the output gradient and the sum need columns of zeros to make whole channel blocks.
    private var padsChannels: Bool { shape.outputChannels % lanes != 0 }

    /// Whether the images are copied: for their zeros, or because groups of eight values would end beyond them.
    private var copiesImages: Bool { padded.isNeeded || shape.inputChannels % 8 != 0 }

    private var outputPixels: Int { shape.outputHeight * shape.outputWidth }

    var workspaceCount: Int {
        let images = copiesImages ? blockImages * padded.imageCount + 8 : 0
        let columns = outputBlocks * lanes
        let rows = shape.kernel * shape.kernel * shape.inputChannels
        return images + (padsChannels ? columns * (blockImages * outputPixels + rows) : 0)
    }

    func run(
        input: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>, filterGradient: UnsafeMutablePointer<Float>,
        batch: Int, workspace: UnsafeMutablePointer<Float>
    ) {
        let rowCount = shape.kernel * shape.kernel * shape.inputChannels
        let columns = padsChannels ? outputBlocks * lanes : shape.outputChannels
        let copies = workspace
        let gradientCopies = copies + (copiesImages ? blockImages * padded.imageCount + 8 : 0)
        let sum = padsChannels ? gradientCopies + blockImages * outputPixels * columns : filterGradient
        sum.update(repeating: 0, count: rowCount * columns)

        var first = 0
        while first < batch {
            let images = min(blockImages, batch - first)
            var source = input + first * shape.inputCount
            if copiesImages {
                padded.copy(source, images: images, to: copies)
                source = UnsafePointer(copies)
            }
            var gradient = outputGradient + first * shape.outputCount
            if padsChannels {
                copyChannels(gradient, pixels: images * outputPixels, to: gradientCopies)
                gradient = UnsafePointer(gradientCopies)
            }
            addProducts(source, gradient, columns, images, to: sum)
            first += images
        }
        if padsChannels {
            for row in 0..<rowCount {
                (filterGradient + row * shape.outputChannels).update(
                    from: sum + row * columns, count: shape.outputChannels)
            }
        }
    }

    private func copyChannels(_ values: UnsafePointer<Float>, pixels: Int, to target: UnsafeMutablePointer<Float>) {
        let (channels, columns) = (shape.outputChannels, outputBlocks * lanes)
        for pixel in 0..<pixels {
            let row = target + pixel * columns
            row.update(from: values + pixel * channels, count: channels)
            (row + channels).update(repeating: 0, count: columns - channels)
        }
    }

    /// Adds the products of `images` images to `sum`, [kernel · kernel · inputChannels, columns].
    private func addProducts(
        _ source: UnsafePointer<Float>, _ gradient: UnsafePointer<Float>, _ columns: Int, _ images: Int,
        to sum: UnsafeMutablePointer<Float>
    ) {
        let channels = shape.inputChannels
        let runLength = shape.kernel * channels
        let pitch = padded.width * channels
        let rows = max(1, min(shape.outputHeight, pixelsTogether / shape.outputWidth))
        var y = 0
        while y < shape.outputHeight {
            let size = OuterTile.Size(
                images: images, rows: min(rows, shape.outputHeight - y), columns: shape.outputWidth,
                sourceImage: padded.imageCount, sourceRow: shape.stride * pitch, sourceColumn: shape.stride * channels,
                gradientImage: outputPixels * columns, gradientColumn: columns)
            let left = source + y * size.sourceRow
            let right = gradient + y * shape.outputWidth * columns
            var column = 0
            while column < columns {
                let wide = column + lanes < columns
                for row in 0..<shape.kernel {
                    var i = 0
                    while i < runLength {
                        let target = sum + (row * runLength + i) * columns + column
                        OuterTile.add(
                            left + row * pitch + i, right + column, size, blocks: wide ? 2 : 1,
                            count: min(8, runLength - i), to: target, step: columns)
                        i += 8
                    }
                }
                column += wide ? 2 * lanes : lanes
            }
            y += rows
        }
    }
}
