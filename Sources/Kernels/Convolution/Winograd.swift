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

        /// Values between two channel blocks of a block of transformed tiles, [channel block][tile][tap][16]. There is room
        /// for whole groups of four tiles.
        var pitch: Int { (blockTiles + 3) / 4 * 4 * PanelProduct.rowStep }

        var workspaceCount: Int { pitch * (sourceBlocks + resultBlocks) + WinogradTransforms.scratchCount }
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
        let transformed = scratch + WinogradTransforms.scratchCount
        let products = transformed + pitch * sourceBlocks
        let tiles = batch * grid.count
        let reader = TileReader(source, grid, padding: padding)
        var first = 0
        while first < tiles {
            let count = min(blockTiles, tiles - first)
            reader.transformInput(input, first: first, count: count, scratch: scratch, to: transformed, pitch: pitch)
            for tap in 0..<36 {
                PanelProduct.multiply(
                    transformed + tap * lanes, aPitch: pitch, prepared + tap * filterCount / 36,
                    into: products + tap * lanes, cPitch: pitch, rows: count, kBlocks: sourceBlocks, nBlocks: resultBlocks)
            }
            writeTiles(products, first: first, count: count, scratch: scratch, to: output, epilogue)
            first += count
        }
    }

    /// Transforms the products of `count` tiles back and writes their pixels, through the epilogue.
    @inline(never)
    private func writeTiles(
        _ products: UnsafePointer<Float>, first: Int, count: Int, scratch: UnsafeMutablePointer<Float>,
        to output: UnsafeMutablePointer<Float>, _ epilogue: Epilogue
    ) {
        let (height, width, channels) = (result.height, result.width, result.channels)
        let (blocks, pitch) = (resultBlocks, pitch)
        var position = grid.position(first)
        for tile in 0..<count {
            let start = ((position.image * height + position.row) * width + position.column) * channels
            let rows = min(4, height - position.row)
            let columns = min(4, width - position.column)
            for block in 0..<blocks {
                let channel = block * lanes
                let used = min(lanes, channels - channel)
                WinogradTransforms.transformOutputColumns(
                    products + tile * PanelProduct.rowStep + block * pitch, to: scratch)
                var offset = start + channel
                for i in 0..<rows {
                    let values = WinogradTransforms.transformOutputRow(scratch + i * 6 * lanes)
                    if columns == 4, used == lanes {
                        epilogue.write(values, channel: channel, to: output, offset: offset, step: channels)
                    } else {
                        writePart(values, output, offset, columns, channel, used, epilogue)
                    }
                    offset += width * channels
                }
            }
            grid.advance(&position)
        }
    }

    /// Writes the first `columns` pixels and `used` channels of a row of a tile.
    @inline(never)
    private func writePart(
        _ values: WinogradTransforms.Four, _ output: UnsafeMutablePointer<Float>, _ offset: Int, _ columns: Int,
        _ channel: Int, _ used: Int, _ epilogue: Epilogue
    ) {
        for j in 0..<columns {
            let value = j < 2 ? (j == 0 ? values.0 : values.1) : (j == 2 ? values.2 : values.3)
            let offset = offset + j * result.channels
            if used == lanes {
                store(epilogue.apply(value, channel: channel, offset: offset), to: output + offset)
            } else {
                let finished = epilogue.apply(value, channel: channel, offset: offset, count: used)
                store(finished, to: output + offset, count: used)
            }
        }
    }
}
