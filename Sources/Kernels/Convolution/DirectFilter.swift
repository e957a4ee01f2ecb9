/// Preparing filters, and the gradient with respect to them.
extension Direct {
    func prepareForward(_ filter: UnsafePointer<Float>, into prepared: UnsafeMutablePointer<Float>) {
        let (inputs, outputs) = (shape.inputChannels, shape.outputChannels)
        prepare(forwardPass, into: prepared) { tap, row, column in filter[(tap * inputs + row) * outputs + column] }
    }

    func prepareInputGradient(_ filter: UnsafePointer<Float>, into prepared: UnsafeMutablePointer<Float>) {
        let (inputs, outputs) = (shape.inputChannels, shape.outputChannels)
        prepare(inputGradientPass, into: prepared) { tap, row, column in filter[(tap * inputs + column) * outputs + row] }
    }

    /// - Parameter value: the filter's value at a tap, a source channel and a result channel.
    @inline(__always)
    private func prepare(
        _ pass: Pass, into prepared: UnsafeMutablePointer<Float>, value: (_ tap: Int, _ row: Int, _ column: Int) -> Float
    ) {
        var target = prepared
        for row in pass.rows {
            for column in pass.columns {
                var block = 0
                while block < pass.resultBlocks {
                    let width = min(2, pass.resultBlocks - block) * lanes
                    for i in 0..<row.taps {
                        for j in 0..<column.taps {
                            let tap = (row.tap + i * row.tapStep) * shape.kernel + column.tap + j * column.tapStep
                            for channel in 0..<pass.source.channels {
                                for lane in 0..<width {
                                    let c = block * lanes + lane
                                    target[lane] = c < pass.result.channels ? value(tap, channel, c) : 0
                                }
                                target += width
                            }
                        }
                    }
                    block += 2
                }
            }
        }
    }

    // MARK: Filter gradient

    /// Output pixels whose products are summed before the sum goes back to memory.
    private var pixelsTogether: Int { 256 }

    private var outputBlocks: Int { channelBlocks(shape.outputChannels) }

    /// Whether the output gradient and the sum need columns of zeros to make whole channel blocks.
    private var padsChannels: Bool { shape.outputChannels % lanes != 0 }

    /// Whether the images are copied: for their zeros, or because groups of eight values would end beyond them.
    private var copiesImages: Bool { forwardPass.padded.isNeeded || shape.inputChannels % 8 != 0 }

    private var outputPixels: Int { shape.outputHeight * shape.outputWidth }

    var filterGradientWorkspaceCount: Int {
        let images = copiesImages ? forwardPass.blockImages * forwardPass.padded.imageCount + 8 : 0
        let columns = outputBlocks * lanes
        let rows = shape.kernel * shape.kernel * shape.inputChannels
        return images + (padsChannels ? columns * (forwardPass.blockImages * outputPixels + rows) : 0)
    }

    func filterGradient(
        input: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>, filterGradient: UnsafeMutablePointer<Float>,
        batch: Int, workspace: UnsafeMutablePointer<Float>
    ) {
        let padded = forwardPass.padded
        let rowCount = shape.kernel * shape.kernel * shape.inputChannels
        let columns = padsChannels ? outputBlocks * lanes : shape.outputChannels
        let copies = workspace
        let gradientCopies = copies + (copiesImages ? forwardPass.blockImages * padded.imageCount + 8 : 0)
        let sum = padsChannels ? gradientCopies + forwardPass.blockImages * outputPixels * columns : filterGradient
        sum.update(repeating: 0, count: rowCount * columns)

        var first = 0
        while first < batch {
            let images = min(forwardPass.blockImages, batch - first)
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
        let padded = forwardPass.padded
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

/// Eight source values times up to 32 channels of the output gradient, summed in registers over a block of pixels.
enum OuterTile {
    /// The pixels of a block, and the values between two images, rows and columns of it.
    struct Size {
        let images: Int
        let rows: Int
        let columns: Int
        let sourceImage: Int
        let sourceRow: Int
        let sourceColumn: Int
        let gradientImage: Int
        let gradientColumn: Int
    }

    /// - Parameters:
    ///   - blocks: 1 or 2 channel blocks.
    ///   - count: rows of `sum` that exist, at most eight; they lie `step` values apart.
    @inline(__always)
    static func add(
        _ source: UnsafePointer<Float>, _ gradient: UnsafePointer<Float>, _ size: Size, blocks: Int, count: Int,
        to sum: UnsafeMutablePointer<Float>, step: Int
    ) {
        if blocks == 2 {
            add2(source, gradient, size, count, sum, step)
        } else {
            add1(source, gradient, size, count, sum, step)
        }
    }

    @inline(never)
    private static func add2(
        _ source: UnsafePointer<Float>, _ gradient: UnsafePointer<Float>, _ size: Size, _ count: Int,
        _ sum: UnsafeMutablePointer<Float>, _ step: Int
    ) {
        addTile(
            InlineArray<8, InlineArray<2, Vector>>(repeating: InlineArray(repeating: Vector())), source, gradient, size,
            count, sum, step)
    }

    @inline(never)
    private static func add1(
        _ source: UnsafePointer<Float>, _ gradient: UnsafePointer<Float>, _ size: Size, _ count: Int,
        _ sum: UnsafeMutablePointer<Float>, _ step: Int
    ) {
        addTile(
            InlineArray<8, InlineArray<1, Vector>>(repeating: InlineArray(repeating: Vector())), source, gradient, size,
            count, sum, step)
    }

    @inline(__always)
    private static func addTile<let N: Int>(
        _ zero: InlineArray<8, InlineArray<N, Vector>>, _ source: UnsafePointer<Float>, _ gradient: UnsafePointer<Float>,
        _ size: Size, _ count: Int, _ sum: UnsafeMutablePointer<Float>, _ step: Int
    ) {
        var sums = zero
        for image in 0..<size.images {
            var b = gradient + image * size.gradientImage
            for row in 0..<size.rows {
                var a = source + image * size.sourceImage + row * size.sourceRow
                for _ in 0..<size.columns {
                    var right = InlineArray<N, Vector>(repeating: Vector())
                    for n in 0..<N { right[n] = load(b + n * lanes) }
                    for r in 0..<8 {
                        let left = Vector(repeating: a[r])
                        for n in 0..<N { sums[r][n] = sums[r][n].addingProduct(left, right[n]) }
                    }
                    a += size.sourceColumn
                    b += size.gradientColumn
                }
            }
        }
        for r in 0..<8 where r < count {
            for n in 0..<N {
                let target = sum + r * step + n * lanes
                store(load(target) + sums[r][n], to: target)
            }
        }
    }
}
