/// Transforming filters, and the gradient with respect to them.
extension Winograd {
    /// The tiles of a block: as many as keep its transformed tiles in a level-2 cache.
    static func blockTiles(channels: Int) -> Int {
        let perTile = 2 * 36 * lanes * channelBlocks(channels)
        return max(24, min(192, 196_608 / perTile / 12 * 12))
    }

    /// Writes G·w·Gᵀ of every pair of channels, as one panel matrix [inputChannels, outputChannels] per tap.
    func prepareForward(_ filter: UnsafePointer<Float>, into prepared: UnsafeMutablePointer<Float>) {
        let (inputs, outputs) = (shape.inputChannels, shape.outputChannels)
        prepare(forwardPass, into: prepared) { row, column, nine in
            for tap in 0..<9 {
                for lane in 0..<lanes {
                    let used = row < inputs && column + lane < outputs
                    nine[tap * lanes + lane] = used ? filter[(tap * inputs + row) * outputs + column + lane] : 0
                }
            }
        }
    }

    /// The same for the filter turned by 180° with its channels exchanged.
    func prepareInputGradient(_ filter: UnsafePointer<Float>, into prepared: UnsafeMutablePointer<Float>) {
        let (inputs, outputs) = (shape.inputChannels, shape.outputChannels)
        prepare(inputGradientPass, into: prepared) { row, column, nine in
            for tap in 0..<9 {
                for lane in 0..<lanes {
                    let used = row < outputs && column + lane < inputs
                    nine[tap * lanes + lane] = used ? filter[((8 - tap) * inputs + column + lane) * outputs + row] : 0
                }
            }
        }
    }

    /// - Parameter read: puts the nine taps of source channel `row` and result channels `column ..< column + 16` side by
    ///   side, with zeros for channels there are none of.
    @inline(__always)
    private func prepare(
        _ pass: Pass, into prepared: UnsafeMutablePointer<Float>,
        read: (_ row: Int, _ column: Int, _ nine: UnsafeMutablePointer<Float>) -> Void
    ) {
        let rows = pass.sourceBlocks * lanes
        let tapPitch = rows * pass.resultBlocks * lanes
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 9 * lanes) { nine in
            let nine = nine.baseAddress!
            for block in 0..<pass.resultBlocks {
                for row in 0..<rows {
                    read(row, block * lanes, nine)
                    WinogradTransforms.transformFilter(
                        nine,
                        to: prepared + panelOffset(row: row, block: block, rows: rows, blocks: pass.resultBlocks),
                        tapPitch: tapPitch)
                }
            }
        }
    }

    /// Where row `row` of channel block `block` begins in a panel matrix of `rows` rows and `blocks` channel blocks.
    @inline(__always)
    private func panelOffset(row: Int, block: Int, rows: Int, blocks: Int) -> Int {
        let panel = block / 2 * 2
        let width = min(2, blocks - panel)
        return panel * lanes * rows + (row * width + block - panel) * lanes
    }

    // MARK: Filter gradient

    private var gradientTapPitch: Int { forwardPass.filterCount / 36 }

    var filterGradientWorkspaceCount: Int { forwardPass.workspaceCount + 36 * gradientTapPitch }

    /// dU = Vᵀ·dM for every tap, summed over the tiles, then dW = Gᵀ·dU·G.
    func filterGradient(
        input: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>, filterGradient: UnsafeMutablePointer<Float>,
        batch: Int, workspace: UnsafeMutablePointer<Float>
    ) {
        let pass = forwardPass
        let scratch = workspace
        let transformed = scratch + WinogradTransforms.scratchCount
        let gradients = transformed + pass.pitch * pass.sourceBlocks
        let sum = gradients + pass.pitch * pass.resultBlocks
        let tiles = batch * pass.grid.count
        let inputReader = TileReader(pass.source, pass.grid, padding: pass.padding)
        let outputReader = TileReader(pass.result, pass.grid, padding: 0)
        var first = 0
        while first < tiles {
            let count = min(pass.blockTiles, tiles - first)
            inputReader.transformInput(
                input, first: first, count: count, scratch: scratch, to: transformed, pitch: pass.pitch)
            outputReader.transformOutputGradient(
                outputGradient, first: first, count: count, scratch: scratch, to: gradients, pitch: pass.pitch)
            for tap in 0..<36 {
                PanelProduct.multiplyTransposed(
                    transformed + tap * lanes, aPitch: pass.pitch, gradients + tap * lanes,
                    bPitch: pass.pitch, into: sum + tap * gradientTapPitch, rows: count, aBlocks: pass.sourceBlocks,
                    bBlocks: pass.resultBlocks, first: first == 0)
            }
            first += count
        }
        writeFilterGradient(sum, into: filterGradient)
    }

    private func writeFilterGradient(_ sum: UnsafePointer<Float>, into filterGradient: UnsafeMutablePointer<Float>) {
        let (inputs, outputs) = (shape.inputChannels, shape.outputChannels)
        let (rows, blocks) = (forwardPass.sourceBlocks * lanes, forwardPass.resultBlocks)
        for block in 0..<blocks {
            let used = min(lanes, outputs - block * lanes)
            for row in 0..<inputs {
                let nine = WinogradTransforms.transformFilterGradient(
                    sum + panelOffset(row: row, block: block, rows: rows, blocks: blocks), tapPitch: gradientTapPitch)
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
