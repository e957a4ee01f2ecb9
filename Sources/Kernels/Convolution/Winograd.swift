/// Winograd convolution F(4×4, 3×3) for stride 1: each 4 × 4 tile of the result costs 36 multiplications per pair of
/// channels instead of 144.
///
/// A block of tiles is transformed, multiplied tap by tap with the transformed filter, and transformed back, so that
/// what lies between stays in cache. The relative error is about 3·10⁻⁶, that of a direct sum about 10⁻⁷.
struct Winograd: Sendable {
    /// Source to result: forward, or from the output gradient to the input gradient.
    struct Pass: Sendable {
        let source: ImageShape
        let result: ImageShape
        /// Zeros before the first row and column of the source.
        let padding: Int
        let grid: TileGrid
        let blockTiles: Int

        var sourceBlocks: Int { channelBlocks(source.channels) }
        var resultBlocks: Int { channelBlocks(result.channels) }
        var filterCount: Int { 36 * lanes * lanes * sourceBlocks * resultBlocks }

        /// Values between two channel blocks, and between two taps, of a block of transformed tiles. Both avoid powers
        /// of two, whose addresses would compete for the same lines of a cache.
        var pitch: Int { (blockTiles + 1) * lanes }
        func tapPitch(_ blocks: Int) -> Int { blocks * pitch + lanes }

        var workspaceCount: Int {
            36 * (tapPitch(sourceBlocks) + tapPitch(resultBlocks)) + 36 * lanes
        }
    }

    let shape: ConvolutionShape
    let forwardPass: Pass
    let inputGradientPass: Pass

    static func supports(_ shape: ConvolutionShape) -> Bool {
        shape.kernel == 3 && shape.stride == 1 && shape.padding <= 2
    }

    init(_ shape: ConvolutionShape) {
        precondition(Winograd.supports(shape), "Winograd convolution needs a 3 × 3 filter and stride 1")
        self.shape = shape
        let input = ImageShape(height: shape.height, width: shape.width, channels: shape.inputChannels)
        let output = ImageShape(height: shape.outputHeight, width: shape.outputWidth, channels: shape.outputChannels)
        forwardPass = Pass(from: input, to: output, padding: shape.padding)
        inputGradientPass = Pass(from: output, to: input, padding: 2 - shape.padding)
    }

    var workspaceCount: Int {
        max(forwardPass.workspaceCount, inputGradientPass.workspaceCount, filterGradientWorkspaceCount)
    }
}

/// The 4 × 4 tiles that cover an image; tiles are numbered through the images of a batch.
struct TileGrid: Sendable {
    let rows: Int
    let columns: Int

    init(height: Int, width: Int) {
        rows = (height + 3) / 4
        columns = (width + 3) / 4
    }

    var count: Int { rows * columns }

    /// The image of a tile, and the row and column of its first pixel.
    @inline(__always)
    func position(_ tile: Int) -> (image: Int, row: Int, column: Int) {
        let (image, rest) = tile.quotientAndRemainder(dividingBy: count)
        let (row, column) = rest.quotientAndRemainder(dividingBy: columns)
        return (image, row * 4, column * 4)
    }
}

extension Winograd.Pass {
    init(from source: ImageShape, to result: ImageShape, padding: Int) {
        self.source = source
        self.result = result
        self.padding = padding
        grid = TileGrid(height: result.height, width: result.width)
        blockTiles = Winograd.blockTiles(channels: max(source.channels, result.channels))
    }

    func run(
        _ input: UnsafePointer<Float>, prepared: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, batch: Int,
        epilogue: Epilogue, workspace: UnsafeMutablePointer<Float>
    ) {
        let scratch = workspace
        let transformed = scratch + 36 * lanes
        let products = transformed + 36 * tapPitch(sourceBlocks)
        let tiles = batch * grid.count
        var first = 0
        while first < tiles {
            let count = min(blockTiles, tiles - first)
            for tile in 0..<count {
                TileReader(source, top: padding, left: padding).transformInput(
                    input, grid.position(first + tile), scratch: scratch, to: transformed + tile * lanes,
                    blockPitch: pitch, tapPitch: tapPitch(sourceBlocks))
            }
            for tap in 0..<36 {
                PanelProduct.multiply(
                    transformed + tap * tapPitch(sourceBlocks), aPitch: pitch,
                    prepared + tap * lanes * lanes * sourceBlocks * resultBlocks,
                    into: products + tap * tapPitch(resultBlocks), cPitch: pitch, rows: count, kBlocks: sourceBlocks,
                    nBlocks: resultBlocks)
            }
            for tile in 0..<count {
                writeTile(products + tile * lanes, grid.position(first + tile), output, epilogue)
            }
            first += count
        }
    }

    /// Transforms the products of one tile back and writes its pixels, through the epilogue.
    @inline(__always)
    private func writeTile(
        _ products: UnsafePointer<Float>, _ position: (image: Int, row: Int, column: Int),
        _ output: UnsafeMutablePointer<Float>, _ epilogue: Epilogue
    ) {
        let rows = min(4, result.height - position.row)
        let columns = min(4, result.width - position.column)
        let channels = result.channels
        let start = ((position.image * result.height + position.row) * result.width + position.column) * channels
        for block in 0..<resultBlocks {
            let channel = block * lanes
            let used = min(lanes, channels - channel)
            let from = products + block * pitch
            if rows == 4, columns == 4, used == lanes {
                WinogradTransforms.transformOutput(
                    from, tapPitch: tapPitch(resultBlocks), to: output, offset: start + channel,
                    rowStep: result.width * channels, columnStep: channels, channel: channel, epilogue)
            } else {
                writePart(from, output, start + channel, rows, columns, channel, used, epilogue)
            }
        }
    }

    /// Writes the first `rows` × `columns` pixels and `used` channels of a tile.
    @inline(never)
    private func writePart(
        _ products: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, _ start: Int, _ rows: Int,
        _ columns: Int, _ channel: Int, _ used: Int, _ epilogue: Epilogue
    ) {
        let tile = WinogradTransforms.transformOutput(products, tapPitch: tapPitch(resultBlocks))
        for i in 0..<rows {
            for j in 0..<columns {
                let offset = start + (i * result.width + j) * result.channels
                if used == lanes {
                    store(epilogue.apply(tile[i][j], channel: channel, offset: offset), to: output + offset)
                } else {
                    let value = epilogue.apply(tile[i][j], channel: channel, offset: offset, count: used)
                    store(value, to: output + offset, count: used)
                }
            }
        }
    }
}

/// Reads tiles of images, with zeros around them, and transforms them.
struct TileReader {
    private let image: ImageShape
    private let top: Int
    private let left: Int

    /// - Parameters:
    ///   - top, left: zeros before the image's first row and column.
    @inline(__always)
    init(_ image: ImageShape, top: Int, left: Int) {
        self.image = image
        self.top = top
        self.left = left
    }

    /// Bᵀ·d·B of the 6 × 6 patch of a tile, in every channel block.
    @inline(__always)
    func transformInput(
        _ images: UnsafePointer<Float>, _ position: (image: Int, row: Int, column: Int),
        scratch: UnsafeMutablePointer<Float>, to target: UnsafeMutablePointer<Float>, blockPitch: Int, tapPitch: Int
    ) {
        let (row, column) = (position.row - top, position.column - left)
        let start = images + ((position.image * image.height + row) * image.width + column) * image.channels
        let inside = contains(row, column, size: 6)
        for block in 0..<channelBlocks(image.channels) {
            let to = target + block * blockPitch
            if inside, (block + 1) * lanes <= image.channels {
                WinogradTransforms.transformInput(
                    start + block * lanes, rowStep: image.width * image.channels, columnStep: image.channels, to: to,
                    tapPitch: tapPitch)
            } else {
                copy(start, row, column, size: 6, block: block, to: scratch)
                WinogradTransforms.transformInput(
                    scratch, rowStep: 6 * lanes, columnStep: lanes, to: to, tapPitch: tapPitch)
            }
        }
    }

    /// A·g·Aᵀ of a 4 × 4 tile, in every channel block.
    @inline(__always)
    func transformOutputGradient(
        _ images: UnsafePointer<Float>, _ position: (image: Int, row: Int, column: Int),
        scratch: UnsafeMutablePointer<Float>, to target: UnsafeMutablePointer<Float>, blockPitch: Int, tapPitch: Int
    ) {
        let (row, column) = (position.row - top, position.column - left)
        let start = images + ((position.image * image.height + row) * image.width + column) * image.channels
        let inside = contains(row, column, size: 4)
        for block in 0..<channelBlocks(image.channels) {
            let to = target + block * blockPitch
            if inside, (block + 1) * lanes <= image.channels {
                WinogradTransforms.transformOutputGradient(
                    start + block * lanes, rowStep: image.width * image.channels, columnStep: image.channels, to: to,
                    tapPitch: tapPitch)
            } else {
                copy(start, row, column, size: 4, block: block, to: scratch)
                WinogradTransforms.transformOutputGradient(
                    scratch, rowStep: 4 * lanes, columnStep: lanes, to: to, tapPitch: tapPitch)
            }
        }
    }

    @inline(__always)
    private func contains(_ row: Int, _ column: Int, size: Int) -> Bool {
        row >= 0 && column >= 0 && row + size <= image.height && column + size <= image.width
    }

    /// Copies one channel block of a `size` × `size` patch, with zeros outside the image and beyond its channels.
    @inline(never)
    private func copy(
        _ start: UnsafePointer<Float>, _ row: Int, _ column: Int, size: Int, block: Int,
        to scratch: UnsafeMutablePointer<Float>
    ) {
        let used = min(lanes, image.channels - block * lanes)
        var target = scratch
        for i in 0..<size {
            let rowInside = row + i >= 0 && row + i < image.height
            for j in 0..<size {
                let pixel = start + (i * image.width + j) * image.channels + block * lanes
                if rowInside, column + j >= 0, column + j < image.width {
                    store(used == lanes ? load(pixel) : load(pixel, count: used), to: target)
                } else {
                    store(Vector(), to: target)
                }
                target += lanes
            }
        }
    }
}
