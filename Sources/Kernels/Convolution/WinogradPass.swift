/// Winograd convolution F(4×4, 3×3) for stride 1: each 4 × 4 tile of the result costs 36 multiplications per pair of
/// channels instead of 144.
///
/// A block of tiles is transformed, multiplied tap by tap with the transformed filter, and transformed back, so that
/// what lies between stays in cache. Rounding errors are about those of a direct sum in
/// channel order, 10⁻⁶ of the largest result.
struct WinogradPass: ConvolutionPass {
    private let filter: TransformedFilter<WinogradTransforms>
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
        let grid = TileGrid(height: result.height, width: result.width)
        // Transforming a filter over and over costs little where it meets many tiles. 3 million values are 12 MB.
        let streams = 36 * shape.filterCount / 9 > 3_000_000 && grid.count >= 4
        filter = TransformedFilter(shape, turned: turned, streams: streams)
        self.source = source
        self.result = result
        self.padding = padding
        self.grid = grid
        blockTiles = tileBlock(rowStep: WinogradProduct.rowStep, filter)
    }

    /// Room for whole groups of four tiles.
    private var roundedTiles: Int { (blockTiles + 3) / 4 * 4 }
    /// Values between two channel blocks of a block of transformed tiles: [channel block][tile][tap][16], which the
    /// transforms write and read fastest, or [channel block][tap][tile][16] where the products go over the tiles so
    /// often, and from so far in the memory hierarchy, that they should lie side by side. A cache line is left between.
    private var pitch: Int { filter.streams ? 36 * (roundedTiles + 1) * lanes : roundedTiles * WinogradProduct.rowStep }
    /// Values between two taps of a tile.
    private var tapStep: Int { filter.streams ? (roundedTiles + 1) * lanes : lanes }
    /// Values between two tiles.
    private var tileStep: Int { filter.streams ? TapProduct.rowStep : WinogradProduct.rowStep }

    var filterCount: Int { filter.count }

    var workspaceCount: Int {
        pitch * (filter.sourceBlocks + filter.resultGroup) + WinogradTransforms.scratchCount + filter.scratchCount
    }

    func prepare(_ filter: UnsafePointer<Float>, into prepared: UnsafeMutablePointer<Float>) {
        self.filter.prepare(filter, into: prepared)
    }

    func run(
        _ input: UnsafePointer<Float>, prepared: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, batch: Int,
        epilogue: Epilogue, workspace: UnsafeMutablePointer<Float>
    ) {
        let scratch = workspace
        let transformed = scratch + WinogradTransforms.scratchCount
        let products = transformed + pitch * filter.sourceBlocks
        let tiles = batch * grid.count
        let reader = TileReader(source, grid, padding: padding)
        var first = 0
        while first < tiles {
            let count = min(blockTiles, tiles - first)
            reader.transformInput(
                input, first: first, count: count, scratch: scratch, to: transformed, pitch: pitch, tileStep: tileStep,
                tapStep: tapStep)
            filter.forEachGroup(of: prepared, scratch: products + filter.resultGroup * pitch) { panels in
                for tap in 0..<36 {
                    let (a, c) = (transformed + tap * tapStep, products + tap * tapStep)
                    if filter.streams {
                        TapProduct.multiply(a, aPitch: pitch, panels, tap: tap, into: c, cPitch: pitch, rows: count)
                    } else {
                        WinogradProduct.multiply(a, aPitch: pitch, panels, tap: tap, into: c, cPitch: pitch, rows: count)
                    }
                }
                guard panels.source.upperBound == filter.sourceBlocks else { return }
                writeTiles(products, first: first, count: count, blocks: panels.result, scratch: scratch, to: output, epilogue)
            }
            first += count
        }
    }

    /// Transforms the products of `count` tiles and some channel blocks back and writes their values, through the epilogue.
    @inline(never)
    private func writeTiles(
        _ products: UnsafePointer<Float>, first: Int, count: Int, blocks: Range<Int>, scratch: UnsafeMutablePointer<Float>,
        to output: UnsafeMutablePointer<Float>, _ epilogue: Epilogue
    ) {
        let (height, width, channels) = (result.height, result.width, result.channels)
        var position = grid.position(first)
        for tile in 0..<count {
            let start = ((position.image * height + position.row) * width + position.column) * channels
            let rows = min(4, height - position.row)
            let columns = min(4, width - position.column)
            for (place, block) in blocks.enumerated() {
                let channel = block * lanes
                let used = min(lanes, channels - channel)
                WinogradTransforms.transformOutputColumns(
                    products + tile * tileStep + place * pitch, tapStep: tapStep, to: scratch)
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
