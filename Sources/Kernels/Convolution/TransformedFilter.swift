/// Panels of a filter, one after the other: for each tap a matrix [16·source blocks, 16·(1 or 2)].
struct FilterPanels {
    let taps: UnsafePointer<Float>
    /// Values between two taps, and between two panels.
    let tapPitch: Int
    let panelPitch: Int
    let source: Range<Int>
    let result: Range<Int>
}

/// What makes 36 taps of a 3 × 3 filter.
protocol FilterTransform {
    /// Writes 36 vectors, `tapPitch` values apart at `target`, from nine at `source` that are `step` values apart.
    static func transformFilter(_ source: UnsafePointer<Float>, step: Int, to target: UnsafeMutablePointer<Float>, tapPitch: Int)
}

/// The 3 × 3 filter of a pass over tiles: for each of 36 taps, a panel matrix of source channels times result channels, both
/// rounded up to whole blocks with zeros. Two result blocks are a panel.
///
/// A small filter is transformed once, when it is prepared. A large one would be four times its size and come from main
/// memory in every pass; it is only brought in order, and transformed panel by panel where it is used.
struct TransformedFilter<Transform: FilterTransform>: Sendable {
    private let shape: ConvolutionShape
    /// Whether the filter is turned by 180° with its channels exchanged, for an input gradient.
    private let turned: Bool
    let sourceBlocks: Int
    let resultBlocks: Int
    /// Whether panels are transformed where they are used.
    let streams: Bool

    /// Source channels that are read, transformed and written together, so that each goes over memory in contiguous pieces.
    private static var chunk: Int { 16 }

    init(_ shape: ConvolutionShape, turned: Bool, streams: Bool) {
        self.shape = shape
        self.turned = turned
        self.streams = streams
        sourceBlocks = channelBlocks(turned ? shape.outputChannels : shape.inputChannels)
        resultBlocks = channelBlocks(turned ? shape.inputChannels : shape.outputChannels)
    }

    private var rows: Int { sourceBlocks * lanes }
    private var pairs: Int { lanes * lanes * sourceBlocks * resultBlocks }
    /// Values between two taps of a prepared filter. A cache line more than there are, in case these are a power of two:
    /// then all taps would compete for the same lines of a cache.
    private var preparedPitch: Int { pairs + lanes }
    /// The same for a panel made on the fly.
    private var scratchPitch: Int { sourceGroup * lanes * resultGroup * lanes + lanes }

    /// Values of the prepared filter.
    var count: Int { streams ? 9 * pairs : 36 * preparedPitch }
    /// Values of scratch memory that `forEachGroup` needs.
    var scratchCount: Int { streams ? 36 * scratchPitch : 0 }

    /// Brings `filter`, [3, 3, inputChannels, outputChannels], into the form that `forEachGroup` reads.
    func prepare(_ filter: UnsafePointer<Float>, into prepared: UnsafeMutablePointer<Float>) {
        // On the stack: 16 rows of 9 taps for two channel blocks.
        var memory = InlineArray<288, Vector>(repeating: Vector())
        withUnsafeMutableBytes(of: &memory) { memory in
            let chunk = memory.baseAddress!.assumingMemoryBound(to: Float.self)
            for block in stride(from: 0, to: resultBlocks, by: 2) {
                let width = min(2, resultBlocks - block) * lanes
                for row in stride(from: 0, to: rows, by: Self.chunk) {
                    if streams {
                        readChunk(
                            filter, row: row, column: block * lanes, width: width,
                            into: prepared + 9 * (block * lanes * rows + row * width))
                    } else {
                        readChunk(filter, row: row, column: block * lanes, width: width, into: chunk)
                        Self.transform(
                            chunk, width: width, to: prepared + block * lanes * rows + row * width, tapPitch: preparedPitch)
                    }
                }
            }
        }
    }

    /// Blocks that are multiplied together: all, or as many as let panels made on the fly stay in a level-2 cache.
    var sourceGroup: Int { streams ? min(8, sourceBlocks) : sourceBlocks }
    var resultGroup: Int { streams ? min(2, resultBlocks) : resultBlocks }

    /// Calls `body` for groups of panels, in the order of results, for each result in the order of sources.
    ///
    /// - Parameter scratch: `scratchCount` values, where the panels may lie during the call.
    @inline(__always)
    func forEachGroup(
        of prepared: UnsafePointer<Float>, scratch: UnsafeMutablePointer<Float>, _ body: (FilterPanels) -> Void
    ) {
        for result in stride(from: 0, to: resultBlocks, by: resultGroup) {
            let results = result..<min(resultBlocks, result + resultGroup)
            for source in stride(from: 0, to: sourceBlocks, by: sourceGroup) {
                let sources = source..<min(sourceBlocks, source + sourceGroup)
                if streams { makePanel(sources, results, of: prepared, at: scratch) }
                body(
                    FilterPanels(
                        taps: streams ? UnsafePointer(scratch) : prepared, tapPitch: streams ? scratchPitch : preparedPitch,
                        panelPitch: rows * 2 * lanes, source: sources, result: results))
            }
        }
    }

    @inline(never)
    private func makePanel(
        _ sources: Range<Int>, _ results: Range<Int>, of prepared: UnsafePointer<Float>, at target: UnsafeMutablePointer<Float>
    ) {
        let width = results.count * lanes
        let start = prepared + 9 * (results.lowerBound * lanes * rows + sources.lowerBound * lanes * width)
        for row in stride(from: 0, to: sources.count * lanes, by: Self.chunk) {
            Self.transform(start + 9 * row * width, width: width, to: target + row * width, tapPitch: scratchPitch)
        }
    }

    /// Transforms a chunk, [16, 9, width], to 36 pieces of [16, width].
    @inline(__always)
    private static func transform(
        _ chunk: UnsafePointer<Float>, width: Int, to target: UnsafeMutablePointer<Float>, tapPitch: Int
    ) {
        for row in 0..<Self.chunk {
            for lane in stride(from: 0, to: width, by: lanes) {
                Transform.transformFilter(
                    chunk + row * 9 * width + lane, step: width, to: target + row * width + lane, tapPitch: tapPitch)
            }
        }
    }

    /// Reads sixteen source channels from `row` on and `width` result channels from `column` on, as [16, 9, width].
    @inline(never)
    private func readChunk(
        _ filter: UnsafePointer<Float>, row: Int, column: Int, width: Int, into target: UnsafeMutablePointer<Float>
    ) {
        let (inputs, outputs, chunk) = (shape.inputChannels, shape.outputChannels, Self.chunk)
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

/// How many tiles are transformed and multiplied together: as many as fit into a level-2 cache, but enough to be worth a
/// reading (or a transformation) of the filter.
func tileBlock<Transform>(rowStep: Int, _ filter: TransformedFilter<Transform>) -> Int {
    let perTile = rowStep * (filter.sourceBlocks + filter.resultGroup)
    let least = filter.streams ? 64 : filter.count > 3_000_000 ? 32 : 16
    return max(least, min(192, 200_000 / perTile / 4 * 4))
}
