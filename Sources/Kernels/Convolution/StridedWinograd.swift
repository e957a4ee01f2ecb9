/// A 3 × 3 convolution with stride 2 and one zero on every side, by tiles of 4 × 4 outputs: 81 multiplications per pair of
/// channels instead of 144, as `StridedTransforms` describes.
struct StridedTiles: Sendable {
    let shape: ConvolutionShape
    let grid: TileGrid
    let filter: TransformedFilter<StridedTransforms>
    let blockTiles: Int

    /// - Parameter turned: from outputs to inputs.
    init(_ shape: ConvolutionShape, turned: Bool) {
        self.shape = shape
        grid = TileGrid(height: shape.outputHeight, width: shape.outputWidth)
        filter = TransformedFilter(shape, turned: turned, streams: false)
        blockTiles = tileBlock(rowStep: StridedProduct.rowStep, filter)
    }

    /// Values between two channel blocks of a block of transformed tiles, [channel block][tile][tap][16].
    var pitch: Int { (blockTiles + 3) / 4 * 4 * StridedProduct.rowStep }
    var workspaceCount: Int {
        pitch * (filter.sourceBlocks + filter.resultGroup) + StridedTransforms.scratchCount + filter.scratchCount
    }

    /// The products of `count` tiles, as many channel blocks at a time as the filter has panels for: sixteen taps share one matrix of the filter, the
    /// others' are their own.
    ///
    /// - Parameters:
    ///   - workspace: room for the products, then the filter's scratch.
    ///   - write: gets the products and the channel blocks they are of.
    func multiply(
        _ tiles: UnsafePointer<Float>, _ prepared: UnsafePointer<Float>, count: Int, workspace: UnsafeMutablePointer<Float>,
        write: (_ products: UnsafePointer<Float>, _ blocks: Range<Int>) -> Void
    ) {
        filter.forEachGroup(of: prepared, scratch: workspace + filter.resultGroup * pitch) { panels in
            for tap in 0..<81 {
                let (i, j) = tap.quotientAndRemainder(dividingBy: 9)
                StridedProduct.multiply(
                    tiles + tap * lanes, aPitch: pitch, panels,
                    tap: 6 * StridedTransforms.filterTap(i) + StridedTransforms.filterTap(j), into: workspace + tap * lanes,
                    cPitch: pitch, rows: count)
            }
            if panels.source.upperBound == filter.sourceBlocks { write(workspace, panels.result) }
        }
    }
}

/// Outputs from inputs.
struct StridedWinogradForward: ConvolutionPass {
    private let tiles: StridedTiles

    init(_ shape: ConvolutionShape) {
        tiles = StridedTiles(shape, turned: false)
    }

    var filterCount: Int { tiles.filter.count }
    var workspaceCount: Int { tiles.workspaceCount }

    func prepare(_ filter: UnsafePointer<Float>, into prepared: UnsafeMutablePointer<Float>) {
        tiles.filter.prepare(filter, into: prepared)
    }

    func run(
        _ input: UnsafePointer<Float>, prepared: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, batch: Int,
        epilogue: Epilogue, workspace: UnsafeMutablePointer<Float>
    ) {
        let transformed = workspace + StridedTransforms.scratchCount
        let products = transformed + tiles.pitch * tiles.filter.sourceBlocks
        let total = batch * tiles.grid.count
        var first = 0
        while first < total {
            let count = min(tiles.blockTiles, total - first)
            transformInput(input, first: first, count: count, scratch: workspace, to: transformed)
            tiles.multiply(transformed, prepared, count: count, workspace: products) { products, blocks in
                writeOutput(products, first: first, count: count, blocks, scratch: workspace, to: output, epilogue)
            }
            first += count
        }
    }

    @inline(never)
    private func transformInput(
        _ images: UnsafePointer<Float>, first: Int, count: Int, scratch: UnsafeMutablePointer<Float>,
        to target: UnsafeMutablePointer<Float>
    ) {
        let input = tiles.shape.input
        let (channels, rowStep, pitch) = (input.channels, input.width * input.channels, tiles.pitch)
        var position = tiles.grid.position(first)
        for tile in 0..<count {
            let patch = Patch(input, position.image, row: 2 * position.row - 1, column: 2 * position.column - 1, size: 9)
            for block in 0..<channelBlocks(channels) {
                let used = min(lanes, channels - block * lanes)
                let full = patch.columns.count == 9 && used == lanes
                var source = images + patch.start + block * lanes
                for i in 0..<9 {
                    let row = scratch + i * 9 * lanes
                    if !patch.rows.contains(i) {
                        for j in 0..<9 { store(Vector(), to: row + j * lanes) }
                    } else if full {
                        let s = (
                            load(source), load(source + channels), load(source + 2 * channels),
                            load(source + 3 * channels), load(source + 4 * channels), load(source + 5 * channels),
                            load(source + 6 * channels), load(source + 7 * channels), load(source + 8 * channels)
                        )
                        StridedTransforms.transformInputRow(s, to: row)
                    } else {
                        let s = (
                            patch.load(source, 0, used), patch.load(source, 1, used), patch.load(source, 2, used),
                            patch.load(source, 3, used), patch.load(source, 4, used), patch.load(source, 5, used),
                            patch.load(source, 6, used), patch.load(source, 7, used), patch.load(source, 8, used)
                        )
                        StridedTransforms.transformInputRow(s, to: row)
                    }
                    source += rowStep
                }
                StridedTransforms.transformInputColumns(
                    scratch, to: target + block * pitch + tile * StridedProduct.rowStep)
            }
            tiles.grid.advance(&position)
        }
    }

    @inline(never)
    private func writeOutput(
        _ products: UnsafePointer<Float>, first: Int, count: Int, _ blocks: Range<Int>, scratch: UnsafeMutablePointer<Float>,
        to result: UnsafeMutablePointer<Float>, _ epilogue: Epilogue
    ) {
        let output = tiles.shape.output
        let (channels, rowStep, pitch) = (output.channels, output.width * output.channels, tiles.pitch)
        var position = tiles.grid.position(first)
        for tile in 0..<count {
            let start = ((position.image * output.height + position.row) * output.width + position.column) * channels
            let rows = min(4, output.height - position.row)
            let columns = min(4, output.width - position.column)
            for (place, block) in blocks.enumerated() {
                let channel = block * lanes
                let used = min(lanes, channels - channel)
                StridedTransforms.transformOutputColumns(
                    products + tile * StridedProduct.rowStep + place * pitch, to: scratch)
                for i in 0..<rows {
                    epilogue.write(
                        StridedTransforms.transformOutputRow(scratch + i * 9 * lanes), columns: columns, used: used,
                        channel: channel, to: result, offset: start + channel + i * rowStep, step: channels)
                }
            }
            tiles.grid.advance(&position)
        }
    }
}

/// The input gradient from the output gradient.
struct StridedWinogradInputGradient: ConvolutionPass {
    private let tiles: StridedTiles

    init(_ shape: ConvolutionShape) {
        tiles = StridedTiles(shape, turned: true)
    }

    var filterCount: Int { tiles.filter.count }
    var workspaceCount: Int { tiles.workspaceCount }

    func prepare(_ filter: UnsafePointer<Float>, into prepared: UnsafeMutablePointer<Float>) {
        tiles.filter.prepare(filter, into: prepared)
    }

    func run(
        _ input: UnsafePointer<Float>, prepared: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, batch: Int,
        epilogue: Epilogue, workspace: UnsafeMutablePointer<Float>
    ) {
        let transformed = workspace + StridedTransforms.scratchCount
        let products = transformed + tiles.pitch * tiles.filter.sourceBlocks
        let total = batch * tiles.grid.count
        var first = 0
        while first < total {
            let count = min(tiles.blockTiles, total - first)
            transformOutputGradient(input, first: first, count: count, scratch: workspace, to: transformed)
            tiles.multiply(transformed, prepared, count: count, workspace: products) { products, blocks in
                writeInputGradient(products, first: first, count: count, blocks, scratch: workspace, to: output, epilogue)
            }
            first += count
        }
    }

    @inline(never)
    private func transformOutputGradient(
        _ images: UnsafePointer<Float>, first: Int, count: Int, scratch: UnsafeMutablePointer<Float>,
        to target: UnsafeMutablePointer<Float>
    ) {
        let output = tiles.shape.output
        let (channels, rowStep, pitch) = (output.channels, output.width * output.channels, tiles.pitch)
        var position = tiles.grid.position(first)
        for tile in 0..<count {
            let patch = Patch(output, position.image, row: position.row, column: position.column, size: 5)
            for block in 0..<channelBlocks(channels) {
                let used = min(lanes, channels - block * lanes)
                var source = images + patch.start + block * lanes
                for i in 0..<5 {
                    let row = scratch + i * 9 * lanes
                    if patch.rows.contains(i) {
                        let d = (
                            patch.load(source, 0, used), patch.load(source, 1, used), patch.load(source, 2, used),
                            patch.load(source, 3, used), patch.load(source, 4, used)
                        )
                        StridedTransforms.transformGradientRow(d, to: row)
                    } else {
                        for j in 0..<9 { store(Vector(), to: row + j * lanes) }
                    }
                    source += rowStep
                }
                StridedTransforms.transformGradientColumns(
                    scratch, to: target + block * pitch + tile * StridedProduct.rowStep)
            }
            tiles.grid.advance(&position)
        }
    }

    @inline(never)
    private func writeInputGradient(
        _ products: UnsafePointer<Float>, first: Int, count: Int, _ blocks: Range<Int>, scratch: UnsafeMutablePointer<Float>,
        to result: UnsafeMutablePointer<Float>, _ epilogue: Epilogue
    ) {
        let input = tiles.shape.input
        let (channels, rowStep, pitch) = (input.channels, input.width * input.channels, tiles.pitch)
        var position = tiles.grid.position(first)
        for tile in 0..<count {
            let (top, left) = (2 * position.row, 2 * position.column)
            let start = ((position.image * input.height + top) * input.width + left) * channels
            let rows = min(8, input.height - top)
            let columns = min(8, input.width - left)
            for (place, block) in blocks.enumerated() {
                let channel = block * lanes
                let used = min(lanes, channels - channel)
                StridedTransforms.transformInputGradientColumns(
                    products + tile * StridedProduct.rowStep + place * pitch, to: scratch)
                for i in 0..<rows {
                    let values = StridedTransforms.transformInputGradientRow(scratch + i * 9 * lanes)
                    let offset = start + channel + i * rowStep
                    epilogue.write(
                        values.0, columns: min(4, columns), used: used, channel: channel, to: result, offset: offset,
                        step: channels)
                    epilogue.write(
                        values.1, columns: max(0, columns - 4), used: used, channel: channel, to: result,
                        offset: offset + 4 * channels, step: channels)
                }
            }
            tiles.grid.advance(&position)
        }
    }
}
