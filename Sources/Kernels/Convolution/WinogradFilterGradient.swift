/// The filter gradient by F(4×4, 3×3): dU = Vᵀ·dM for every tap, summed over the tiles, then dW = Gᵀ·dU·G. Each tile costs 36
/// multiplications per pair of channels instead of 144.
///
/// dU exists for a few pairs of channels at a time, all taps of them, and is transformed while it is in cache: as a whole
/// it would be four times as large as the filter.
struct WinogradFilterGradient: FilterGradientPass {
    private let shape: ConvolutionShape
    private let grid: TileGrid
    private let blockTiles: Int
    /// Input channel blocks of a slice of dU; a slice has two output channel blocks.
    private let sliceBlocks: Int

    init(_ shape: ConvolutionShape) {
        self.shape = shape
        grid = TileGrid(height: shape.outputHeight, width: shape.outputWidth)
        blockTiles = 64
        // The output gradient of wide layers is far larger than a level-2 cache, and better read against less at a time.
        let blocks = channelBlocks(shape.inputChannels)
        sliceBlocks = blocks < 20 ? min(2, blocks) : 1
    }

    private var inputBlocks: Int { channelBlocks(shape.inputChannels) }
    private var outputBlocks: Int { channelBlocks(shape.outputChannels) }
    private var pitch: Int { (blockTiles + 3) / 4 * 4 * WinogradProduct.rowStep }
    /// Values of one tap of a slice, and a cache line more, so that the taps do not compete for the same lines of a cache.
    private var tapPitch: Int { sliceBlocks * 2 * lanes * lanes + lanes }

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
        let slice = gradients + pitch * outputBlocks
        let tiles = batch * grid.count
        let inputReader = TileReader(shape.input, grid, padding: shape.padding)
        let outputReader = TileReader(shape.output, grid, padding: 0)
        filterGradient.update(repeating: 0, count: shape.filterCount)
        var first = 0
        while first < tiles {
            let count = min(blockTiles, tiles - first)
            inputReader.transformInput(
                input, first: first, count: count, scratch: scratch, to: transformed, pitch: pitch)
            outputReader.transformOutputGradient(
                outputGradient, first: first, count: count, scratch: scratch, to: gradients, pitch: pitch)
            for row in stride(from: 0, to: inputBlocks, by: sliceBlocks) {
                let rowBlocks = min(sliceBlocks, inputBlocks - row)
                for column in stride(from: 0, to: outputBlocks, by: 2) {
                    let columnBlocks = min(2, outputBlocks - column)
                    for tap in 0..<36 {
                        WinogradProduct.multiplyTransposed(
                            transformed + row * pitch + tap * lanes, aPitch: pitch,
                            gradients + column * pitch + tap * lanes, bPitch: pitch, into: slice + tap * tapPitch,
                            rows: count, aBlocks: rowBlocks, bBlocks: columnBlocks)
                    }
                    addSlice(slice, row: row, rowBlocks, column: column, columnBlocks, to: filterGradient)
                }
            }
            first += count
        }
    }

    /// Transforms a slice and adds it to its part of the filter gradient.
    @inline(never)
    private func addSlice(
        _ slice: UnsafePointer<Float>, row: Int, _ rowBlocks: Int, column: Int, _ columnBlocks: Int,
        to filterGradient: UnsafeMutablePointer<Float>
    ) {
        let (inputs, outputs, tapPitch) = (shape.inputChannels, shape.outputChannels, tapPitch)
        let step = inputs * outputs
        for i in 0..<min(rowBlocks * lanes, inputs - row * lanes) {
            for block in 0..<columnBlocks {
                let nine = WinogradTransforms.transformFilterGradient(
                    slice + (i * columnBlocks + block) * lanes, tapPitch: tapPitch)
                let channel = (column + block) * lanes
                let target = filterGradient + (row * lanes + i) * outputs + channel
                let used = min(lanes, outputs - channel)
                add(nine.0, to: target, step: step, used)
                add(nine.1, to: target + 3 * step, step: step, used)
                add(nine.2, to: target + 6 * step, step: step, used)
            }
        }
    }

    @inline(__always)
    private func add(_ row: WinogradTransforms.Three, to target: UnsafeMutablePointer<Float>, step: Int, _ used: Int) {
        if used == lanes {
            store(load(target) + row.0, to: target)
            store(load(target + step) + row.1, to: target + step)
            store(load(target + 2 * step) + row.2, to: target + 2 * step)
        } else {
            for lane in 0..<used {
                target[lane] += row.0[lane]
                target[lane + step] += row.1[lane]
                target[lane + 2 * step] += row.2[lane]
            }
        }
    }
}
