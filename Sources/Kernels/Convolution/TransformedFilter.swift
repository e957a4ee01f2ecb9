/// A 3 × 3 filter in the form that tile products read: for each of 36 taps, a panel matrix of source channels times result
/// channels, both rounded up to whole blocks with zeros.
enum TransformedFilter {
    /// Values of such a filter.
    static func count(sourceBlocks: Int, resultBlocks: Int) -> Int { 36 * lanes * lanes * sourceBlocks * resultBlocks }

    /// Where row `row` of channel block `block` begins in a panel matrix of `rows` rows and `blocks` channel blocks.
    @inline(__always)
    static func offset(row: Int, block: Int, rows: Int, blocks: Int) -> Int {
        let panel = block / 2 * 2
        let width = min(2, blocks - panel)
        return panel * lanes * rows + (row * width + block - panel) * lanes
    }

    /// - Parameters:
    ///   - filter: [3, 3, inputChannels, outputChannels].
    ///   - turned: turn the filter by 180° and exchange its channels, for an input gradient.
    ///   - transform: writes 36 vectors `pitch` values apart at `target`, from the nine at `nine`.
    @inline(__always)
    static func write(
        _ filter: UnsafePointer<Float>, _ shape: ConvolutionShape, turned: Bool, into prepared: UnsafeMutablePointer<Float>,
        transform: (_ nine: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>, _ pitch: Int) -> Void
    ) {
        let source = turned ? shape.outputChannels : shape.inputChannels
        let result = turned ? shape.inputChannels : shape.outputChannels
        let (rows, blocks) = (channelBlocks(source) * lanes, channelBlocks(result))
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 9 * lanes) { nine in
            let nine = nine.baseAddress!
            for block in 0..<blocks {
                for row in 0..<rows {
                    read(filter, shape, turned: turned, row: row, column: block * lanes, result: result, into: nine)
                    transform(
                        nine, prepared + offset(row: row, block: block, rows: rows, blocks: blocks), rows * blocks * lanes)
                }
            }
        }
    }

    /// Puts the nine taps of source channel `row` and sixteen result channels from `column` on side by side.
    private static func read(
        _ filter: UnsafePointer<Float>, _ shape: ConvolutionShape, turned: Bool, row: Int, column: Int, result: Int,
        into nine: UnsafeMutablePointer<Float>
    ) {
        let (inputs, outputs) = (shape.inputChannels, shape.outputChannels)
        nine.update(repeating: 0, count: 9 * lanes)
        guard row < (turned ? outputs : inputs) else { return }
        let used = min(lanes, result - column)
        for tap in 0..<9 {
            let values = turned ? filter + ((8 - tap) * inputs + column) * outputs + row : filter + (tap * inputs + row) * outputs + column
            let step = turned ? outputs : 1
            for lane in 0..<used { nine[tap * lanes + lane] = values[lane * step] }
        }
    }
}
