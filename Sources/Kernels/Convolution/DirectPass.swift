/// Convolution as one matrix product per block of images, whose left factor is never formed: in an image with zeros
/// around it, the values under one row of the filter are contiguous, so a row of the factor is as many runs as the
/// filter has rows, and a pointer finds them.
///
/// Results that lie `stride` apart need the same taps of the filter in an input gradient; each such phase is a
/// convolution with stride 1 of its own, and no products with zeros are formed.
struct DirectPass: ConvolutionPass {
    private let shape: ConvolutionShape
    /// Where products are of bfloat16 values: what makes and multiplies pairs of them. Then `padded`, workspace and panels hold
    /// pairs of channels in place of channels.
    private let pairs: BFloat16Pairs?
    /// Values (or pairs) of a source pixel.
    private let units: Int
    /// Whether the filter's channels are exchanged, as an input gradient needs it.
    private let exchanged: Bool
    private let source: ImageShape
    private let result: ImageShape
    private let sourceStep: Int
    private let resultStep: Int
    private let rows: [Phase]
    private let columns: [Phase]
    private let padded: PaddedImages
    private let blockImages: Int

    /// - Parameter pairs: for products of bfloat16 values, of an even number of input channels.
    init(forward shape: ConvolutionShape, pairs: BFloat16Pairs? = nil) {
        self.init(
            shape, pairs, exchanged: false, from: shape.input, to: shape.output, sourceStep: shape.stride, resultStep: 1,
            rows: [.forward(count: shape.outputHeight, kernel: shape.kernel, padding: shape.padding)],
            columns: [.forward(count: shape.outputWidth, kernel: shape.kernel, padding: shape.padding)])
    }

    /// The pass from the output gradient to the input gradient.
    ///
    /// - Parameter pairs: for products of bfloat16 values, of an even number of output channels.
    init(inputGradient shape: ConvolutionShape, pairs: BFloat16Pairs? = nil) {
        self.init(
            shape, pairs, exchanged: true, from: shape.output, to: shape.input, sourceStep: 1, resultStep: shape.stride,
            rows: (0..<shape.stride).map { .gradient($0, size: shape.height, shape) },
            columns: (0..<shape.stride).map { .gradient($0, size: shape.width, shape) })
    }

    private init(
        _ shape: ConvolutionShape, _ pairs: BFloat16Pairs?, exchanged: Bool, from source: ImageShape, to result: ImageShape,
        sourceStep: Int, resultStep: Int, rows: [Phase], columns: [Phase]
    ) {
        precondition(pairs == nil || source.channels % 2 == 0, "\(source.channels) channels make no pairs")
        self.shape = shape
        self.pairs = pairs
        units = pairs == nil ? source.channels : source.channels / 2
        self.exchanged = exchanged
        self.source = source
        self.result = result
        self.sourceStep = sourceStep
        self.resultStep = resultStep
        self.rows = rows
        self.columns = columns
        padded = PaddedImages(
            ImageShape(height: source.height, width: source.width, channels: units), top: rows.map { -$0.origin }.max() ?? 0, left: columns.map { -$0.origin }.max() ?? 0,
            bottom: (rows.map { $0.end(step: sourceStep) }.max() ?? 0) - source.height,
            right: (columns.map { $0.end(step: sourceStep) }.max() ?? 0) - source.width)
        blockImages = DirectPass.blockImages(result)
    }

    /// Images of a block: enough results that the filter, which every block reads once, is worth reading.
    static func blockImages(_ result: ImageShape) -> Int { max(1, (256 + result.pixels - 1) / result.pixels) }

    /// Every `resultStep`-th row (or column) of the result, from `first` on, and what each is summed over: `taps`
    /// consecutive rows of the source, of which the first result's begin at `origin`, before the source if negative.
    struct Phase: Sendable {
        let first: Int
        let count: Int
        let origin: Int
        let taps: Int
        /// The filter's row for each of these source rows is `tap + i · tapStep`.
        let tap: Int
        let tapStep: Int

        static func forward(count: Int, kernel: Int, padding: Int) -> Phase {
            Phase(first: 0, count: count, origin: -padding, taps: kernel, tap: 0, tapStep: 1)
        }

        /// Input row y is summed over the output rows (y + padding − tap) / stride that are whole numbers.
        static func gradient(_ first: Int, size: Int, _ shape: ConvolutionShape) -> Phase {
            let (kernel, stride, padding) = (shape.kernel, shape.stride, shape.padding)
            let lowest = (first + padding) % stride
            let taps = lowest < kernel ? (kernel - lowest + stride - 1) / stride : 0
            return Phase(
                first: first, count: max(0, (size - first + stride - 1) / stride),
                origin: (first + padding - lowest) / stride - max(0, taps - 1), taps: taps,
                tap: lowest + (taps - 1) * stride, tapStep: -stride)
        }

        /// The source rows past the last that the results reach, at a distance of `step`.
        func end(step: Int) -> Int { count == 0 || taps == 0 ? 0 : (count - 1) * step + origin + taps }
    }

    private var resultBlocks: Int { channelBlocks(result.channels) }

    /// Values of one phase's filter, as panels of [taps · units, 16 · resultBlocks].
    private func filterCount(_ row: Phase, _ column: Phase) -> Int {
        row.taps * column.taps * units * resultBlocks * lanes
    }

    var filterCount: Int {
        rows.reduce(0) { sum, row in columns.reduce(sum) { $0 + filterCount(row, $1) } }
    }

    var workspaceCount: Int { DirectTile.count + (copiesImages ? blockImages * padded.imageCount : 0) }

    private var copiesImages: Bool { padded.isNeeded || pairs != nil }

    func prepare(_ filter: UnsafePointer<Float>, into prepared: UnsafeMutablePointer<Float>) {
        var target = prepared
        for row in rows {
            for column in columns {
                for block in stride(from: 0, to: resultBlocks, by: 2) {
                    let width = min(2, resultBlocks - block) * lanes
                    for i in 0..<row.taps {
                        for j in 0..<column.taps {
                            let tap = (row.tap + i * row.tapStep) * shape.kernel + column.tap + j * column.tapStep
                            target = prepareTap(filter, tap, firstChannel: block * lanes, width: width, into: target)
                        }
                    }
                }
            }
        }
    }

    /// Writes one tap's part of a panel, [units, width]; returns its end.
    private func prepareTap(
        _ filter: UnsafePointer<Float>, _ tap: Int, firstChannel: Int, width: Int, into target: UnsafeMutablePointer<Float>
    ) -> UnsafeMutablePointer<Float> {
        func value(_ channel: Int, _ lane: Int) -> Float {
            let c = firstChannel + lane
            let (from, to) = exchanged ? (c, channel) : (channel, c)
            return c < result.channels ? filter[(tap * shape.inputChannels + from) * shape.outputChannels + to] : 0
        }
        var target = target
        guard let pairs else {
            for channel in 0..<source.channels {
                for lane in 0..<width { target[lane] = value(channel, lane) }
                target += width
            }
            return target
        }
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 4 * lanes) { values in
            for channel in stride(from: 0, to: source.channels, by: 2) {
                for lane in 0..<width {
                    values[2 * lane] = value(channel, lane)
                    values[2 * lane + 1] = value(channel + 1, lane)
                }
                pairs.round(UnsafePointer(values.baseAddress!), to: target, count: width)
                target += width
            }
        }
        return target
    }

    func run(
        _ input: UnsafePointer<Float>, prepared: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, batch: Int,
        epilogue: Epilogue, workspace: UnsafeMutablePointer<Float>
    ) {
        var first = 0
        while first < batch {
            let images = min(blockImages, batch - first)
            let source = prepareImages(input + first * source.count, images, workspace: workspace + DirectTile.count)
            let offset = first * result.count
            var filter = prepared
            for row in rows {
                for column in columns {
                    runPhase(
                        row, column, source, filter, output + offset, images, epilogue.advanced(by: offset), tile: workspace)
                    filter += filterCount(row, column)
                }
            }
            first += images
        }
    }

    /// Images in the form that products read: with their zeros, where precision asks for it rounded.
    private func prepareImages(
        _ images: UnsafePointer<Float>, _ count: Int, workspace: UnsafeMutablePointer<Float>
    ) -> UnsafePointer<Float> {
        guard let pairs else { return padded.prepare(images, images: count, workspace: workspace) }
        pairs.copy(images, images: count, to: workspace, padded)
        return UnsafePointer(workspace)
    }

    /// Panels that a pass over the results reads together: as many as fit half of a level-2 cache.
    private func panelsTogether(_ k: Int) -> Int { max(1, 131_072 / max(1, k * 2 * lanes)) }

    private func runPhase(
        _ row: Phase, _ column: Phase, _ images: UnsafePointer<Float>, _ filter: UnsafePointer<Float>,
        _ output: UnsafeMutablePointer<Float>, _ imageCount: Int, _ epilogue: Epilogue,
        tile: UnsafeMutablePointer<Float>
    ) {
        guard row.count > 0, column.count > 0 else { return }
        guard row.taps > 0, column.taps > 0 else {
            return writeZeros(row, column, output, imageCount, epilogue)
        }
        let channels = result.channels
        let runLength = column.taps * units
        let pitch = padded.width * units
        let k = row.taps * runLength
        let start = images + ((row.origin + padded.top) * padded.width + column.origin + padded.left) * units
        let total = imageCount * row.count * column.count
        let stepInRow = sourceStep * units
        let blocksTogether = 2 * panelsTogether(k)
        var block = 0
        while block < resultBlocks {
            let end = min(resultBlocks, block + blocksTogether)
            var (image, y, x) = (0, 0, 0)
            var from = start
            var to = (row.first * result.width + column.first) * channels
            var done = 0
            while done < total {
                let count = min(DirectTile.rows, total - done)
                var sources = DirectTile.Sources(repeating: start)
                var targets = DirectTile.Targets(repeating: 0)
                for r in 0..<count {
                    sources[r] = from
                    targets[r] = to
                    x += 1
                    from += stepInRow
                    to += resultStep * channels
                    if x == column.count {
                        x = 0
                        y += 1
                        if y == row.count {
                            y = 0
                            image += 1
                        }
                        from = start + image * padded.imageCount + y * sourceStep * pitch
                        to =
                            ((image * result.height + y * resultStep + row.first) * result.width + column.first) * channels
                    }
                }
                var n = block
                while n < end {
                    let panel = filter + n * lanes * k
                    let blocks = min(2, resultBlocks - n)
                    DirectTile.prefetch(count: count, channel: n * lanes, to: output, targets, epilogue)
                    if let pairs {
                        pairs.multiply(
                            sources, runs: row.taps, runLength: runLength, pitch: pitch, panel, blocks: blocks, to: tile)
                    } else {
                        DirectTile.multiply(
                            sources, runs: row.taps, runLength: runLength, pitch: pitch, panel, blocks: blocks, to: tile)
                    }
                    DirectTile.write(
                        tile, count: count, blocks: blocks, channel: n * lanes, channels: channels, to: output, targets,
                        epilogue)
                    n += 2
                }
                done += count
            }
            block = end
        }
    }

    /// Writes a phase that no tap of the filter reaches: zeros, through the epilogue.
    @inline(never)
    private func writeZeros(
        _ row: Phase, _ column: Phase, _ output: UnsafeMutablePointer<Float>, _ imageCount: Int, _ epilogue: Epilogue
    ) {
        if epilogue.onlyAccumulates(in: output) { return }
        let channels = result.channels
        for image in 0..<imageCount {
            for y in 0..<row.count {
                let start = (image * result.height + y * resultStep + row.first) * result.width + column.first
                for x in 0..<column.count {
                    let offset = (start + x * resultStep) * channels
                    for channel in stride(from: 0, to: channels, by: lanes) {
                        let used = min(lanes, channels - channel)
                        let to = offset + channel
                        if used == lanes {
                            store(epilogue.apply(Vector(), channel: channel, offset: to), to: output + to)
                        } else {
                            let value = epilogue.apply(Vector(), channel: channel, offset: to, count: used)
                            store(value, to: output + to, count: used)
                        }
                    }
                }
            }
        }
    }
}
