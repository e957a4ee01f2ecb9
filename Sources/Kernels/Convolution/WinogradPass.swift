/// Winograd convolution F(4×4, 3×3) for stride 1: each 4 × 4 tile of the result costs 36 multiplications per pair of
/// channels instead of 144.
///
/// A block of tiles is transformed, multiplied tap by tap with the transformed filter, and transformed back, so that
/// what lies between stays in cache. Rounding errors are about those of a direct sum in
/// channel order, 10⁻⁶ of the largest result.
struct WinogradPass: ConvolutionPass {
    private let shape: ConvolutionShape
    /// Whether the filter is turned by 180° with its channels exchanged, as an input gradient needs it.
    private let turned: Bool
    private let source: ImageShape
    private let result: ImageShape
    /// Zeros before the first row and column of the source.
    private let padding: Int
    private let grid: TileGrid
    let blockTiles: Int

    init(forward shape: ConvolutionShape) {
        self.init(shape, turned: false, from: shape.input, to: shape.output, padding: shape.padding)
    }

    /// The pass from the output gradient to the input gradient.
    init(inputGradient shape: ConvolutionShape) {
        self.init(shape, turned: true, from: shape.output, to: shape.input, padding: 2 - shape.padding)
    }

    private init(_ shape: ConvolutionShape, turned: Bool, from source: ImageShape, to result: ImageShape, padding: Int) {
        self.shape = shape
        self.turned = turned
        self.source = source
        self.result = result
        self.padding = padding
        grid = TileGrid(height: result.height, width: result.width)
        // As many tiles as keep what lies between the transforms in a level-2 cache, but enough to be worth a reading of
        // the filter.
        let perTile = 2 * WinogradProduct.rowStep * channelBlocks(max(source.channels, result.channels))
        let filterCount = TransformedFilter.count(
            sourceBlocks: channelBlocks(source.channels), resultBlocks: channelBlocks(result.channels))
        blockTiles = max(filterCount > 3_000_000 ? 32 : 16, min(192, 200_000 / perTile / 4 * 4))
    }

    private var sourceBlocks: Int { channelBlocks(source.channels) }
    private var resultBlocks: Int { channelBlocks(result.channels) }

    /// Values between two channel blocks of a block of transformed tiles, [channel block][tile][tap][16]. There is room
    /// for whole groups of four tiles.
    private var pitch: Int { (blockTiles + 3) / 4 * 4 * WinogradProduct.rowStep }

    var filterCount: Int { TransformedFilter.count(sourceBlocks: sourceBlocks, resultBlocks: resultBlocks) }

    var workspaceCount: Int { pitch * (sourceBlocks + resultBlocks) + WinogradTransforms.scratchCount }

    func prepare(_ filter: UnsafePointer<Float>, into prepared: UnsafeMutablePointer<Float>) {
        TransformedFilter.write(filter, shape, turned: turned, into: prepared) { nine, step, target, pitch in
            WinogradTransforms.transformFilter(nine, step: step, to: target, tapPitch: pitch)
        }
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
                WinogradProduct.multiply(
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
                    products + tile * WinogradProduct.rowStep + block * pitch, to: scratch)
                var offset = start + channel
                for i in 0..<rows {
                    let values = WinogradTransforms.transformOutputRow(scratch + i * 6 * lanes)
                    epilogue.write(
                        values, columns: columns, used: used, channel: channel, to: output, offset: offset,
                        step: channels)
                    offset += width * channels
                }
            }
            grid.advance(&position)
        }
    }
}
