/// A 3 × 3 filter in the form that tile products read: for each of 36 taps, a panel matrix of source channels times result
/// channels, both rounded up to whole blocks with zeros.
enum TransformedFilter {
    /// Values of such a filter.
    static func count(sourceBlocks: Int, resultBlocks: Int) -> Int { 36 * lanes * lanes * sourceBlocks * resultBlocks }

    /// Rows that are read, transformed and written together, so that each goes over memory in contiguous pieces.
    private static var chunk: Int { 16 }

    /// - Parameters:
    ///   - filter: [3, 3, inputChannels, outputChannels].
    ///   - turned: turn the filter by 180° and exchange its channels, for an input gradient.
    ///   - transform: writes 36 vectors `pitch` values apart at `target`, from nine at `nine` that are `step` values apart.
    @inline(__always)
    static func write(
        _ filter: UnsafePointer<Float>, _ shape: ConvolutionShape, turned: Bool, into prepared: UnsafeMutablePointer<Float>,
        transform: (
            _ nine: UnsafePointer<Float>, _ step: Int, _ target: UnsafeMutablePointer<Float>, _ pitch: Int
        ) -> Void
    ) {
        let sourceBlocks = channelBlocks(turned ? shape.outputChannels : shape.inputChannels)
        let resultBlocks = channelBlocks(turned ? shape.inputChannels : shape.outputChannels)
        let (rows, tapPitch) = (sourceBlocks * lanes, sourceBlocks * resultBlocks * lanes * lanes)
        // On the stack: 16 rows of 9 taps, and of 36, for two channel blocks.
        var read = InlineArray<288, Vector>(repeating: Vector())
        var transformed = InlineArray<1152, Vector>(repeating: Vector())
        withUnsafeMutableBytes(of: &read) { read in
            withUnsafeMutableBytes(of: &transformed) { transformed in
                let read = read.baseAddress!.assumingMemoryBound(to: Float.self)
                let transformed = transformed.baseAddress!.assumingMemoryBound(to: Float.self)
                for block in stride(from: 0, to: resultBlocks, by: 2) {
                    let width = min(2, resultBlocks - block) * lanes
                    for row in stride(from: 0, to: rows, by: chunk) {
                        readChunk(filter, shape, turned: turned, row: row, column: block * lanes, width: width, into: read)
                        for r in 0..<chunk {
                            for lane in stride(from: 0, to: width, by: lanes) {
                                transform(
                                    read + r * 9 * width + lane, width, transformed + r * width + lane, chunk * width)
                            }
                        }
                        let target = prepared + block * lanes * rows + row * width
                        for tap in 0..<36 {
                            (target + tap * tapPitch).update(from: transformed + tap * chunk * width, count: chunk * width)
                        }
                    }
                }
            }
        }
    }

    /// Reads sixteen source channels from `row` on and `width` result channels from `column` on, as [16, 9, width].
    @inline(never)
    private static func readChunk(
        _ filter: UnsafePointer<Float>, _ shape: ConvolutionShape, turned: Bool, row: Int, column: Int, width: Int,
        into target: UnsafeMutablePointer<Float>
    ) {
        let (inputs, outputs) = (shape.inputChannels, shape.outputChannels)
        let rows = min(chunk, (turned ? outputs : inputs) - row)
        let columns = min(width, (turned ? inputs : outputs) - column)
        if rows < chunk || columns < width { target.update(repeating: 0, count: chunk * 9 * width) }
        for tap in 0..<9 {
            if turned {
                for c in 0..<columns {
                    let values = filter + ((8 - tap) * inputs + column + c) * outputs + row
                    for r in 0..<rows { target[(r * 9 + tap) * width + c] = values[r] }
                }
            } else {
                for r in 0..<rows {
                    let values = filter + (tap * inputs + row + r) * outputs + column
                    (target + (r * 9 + tap) * width).update(from: values, count: columns)
                }
            }
        }
    }
}
