/// The filter gradient by F(4×4, 3×3): dU = Vᵀ·dM for every tap, summed over the tiles, then dW = Gᵀ·dU·G. Each tile costs 36
/// multiplications per pair of channels instead of 144.
struct WinogradFilterGradient: FilterGradientPass {
    private let shape: ConvolutionShape
    private let grid: TileGrid
    private let blockTiles: Int

    init(_ shape: ConvolutionShape) {
        self.shape = shape
        grid = TileGrid(height: shape.outputHeight, width: shape.outputWidth)
        let perTile = 2 * WinogradProduct.rowStep * channelBlocks(max(shape.inputChannels, shape.outputChannels))
        blockTiles = max(24, min(192, 200_000 / perTile / 12 * 12))
    }

    private var inputBlocks: Int { channelBlocks(shape.inputChannels) }
    private var outputBlocks: Int { channelBlocks(shape.outputChannels) }
    private var pitch: Int { (blockTiles + 3) / 4 * 4 * WinogradProduct.rowStep }
    private var tapPitch: Int { inputBlocks * outputBlocks * lanes * lanes }

    var workspaceCount: Int {
        pitch * (inputBlocks + outputBlocks) + WinogradTransforms.scratchCount + 36 * tapPitch
    }

    func run(
        input: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>, filterGradient: UnsafeMutablePointer<Float>,
        batch: Int, workspace: UnsafeMutablePointer<Float>
    ) {
        let scratch = workspace
        let transformed = scratch + WinogradTransforms.scratchCount
        let gradients = transformed + pitch * inputBlocks
        let sum = gradients + pitch * outputBlocks
        let tiles = batch * grid.count
        let inputReader = TileReader(shape.input, grid, padding: shape.padding)
        let outputReader = TileReader(shape.output, grid, padding: 0)
        var first = 0
        while first < tiles {
            let count = min(blockTiles, tiles - first)
            inputReader.transformInput(
                input, first: first, count: count, scratch: scratch, to: transformed, pitch: pitch)
            outputReader.transformOutputGradient(
                outputGradient, first: first, count: count, scratch: scratch, to: gradients, pitch: pitch)
            for tap in 0..<36 {
                WinogradProduct.multiplyTransposed(
                    transformed + tap * lanes, aPitch: pitch, gradients + tap * lanes,
                    bPitch: pitch, into: sum + tap * tapPitch, rows: count, aBlocks: inputBlocks,
                    bBlocks: outputBlocks, first: first == 0)
            }
            first += count
        }
        writeFilterGradient(sum, into: filterGradient)
    }

    private func writeFilterGradient(_ sum: UnsafePointer<Float>, into filterGradient: UnsafeMutablePointer<Float>) {
        let (inputs, outputs) = (shape.inputChannels, shape.outputChannels)
        let (rows, blocks) = (inputBlocks * lanes, outputBlocks)
        for block in 0..<blocks {
            let used = min(lanes, outputs - block * lanes)
            for row in 0..<inputs {
                let nine = WinogradTransforms.transformFilterGradient(
                    sum + TransformedFilter.offset(row: row, block: block, rows: rows, blocks: blocks), tapPitch: tapPitch)
                let target = filterGradient + row * outputs + block * lanes
                write(nine.0, to: target, step: inputs * outputs, used)
                write(nine.1, to: target + 3 * inputs * outputs, step: inputs * outputs, used)
                write(nine.2, to: target + 6 * inputs * outputs, step: inputs * outputs, used)
            }
        }
    }

    @inline(__always)
    private func write(_ row: WinogradTransforms.Three, to target: UnsafeMutablePointer<Float>, step: Int, _ used: Int) {
        if used == lanes {
            store(row.0, to: target)
            store(row.1, to: target + step)
            store(row.2, to: target + 2 * step)
        } else {
            store(row.0, to: target, count: used)
            store(row.1, to: target + step, count: used)
            store(row.2, to: target + 2 * step, count: used)
        }
    }
}
