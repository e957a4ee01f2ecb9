/// The gradient with respect to an input of a few channels, such as the images themselves.
///
/// Vectors of channels would be mostly empty, so the products with all taps of the filter, [taps · channels], are made for
/// each output pixel at once, and each input pixel then sums up its share. Only as many rows of products exist at a time
/// as one row of the input needs.
struct FewChannelsInputGradient: ConvolutionPass {
    private let shape: ConvolutionShape
    /// Values from the start of a row of products to each tap's, in the order of the filter.
    private let tapOffsets: [Int]
    private let panels: Int

    static func supports(_ shape: ConvolutionShape) -> Bool { shape.inputChannels <= 4 }

    init(_ shape: ConvolutionShape) {
        precondition(FewChannelsInputGradient.supports(shape), "this is for at most four input channels")
        self.shape = shape
        // A panel holds whole taps, so that a tap's channels lie side by side.
        let taps = shape.kernel * shape.kernel
        let tapsInPanel = 2 * lanes / shape.inputChannels
        panels = (taps + tapsInPanel - 1) / tapsInPanel
        let pitch = FewChannelsInputGradient.panelPitch(shape)
        tapOffsets = (0..<taps).map { $0 / tapsInPanel * pitch + $0 % tapsInPanel * shape.inputChannels }
    }

    /// Values of one panel of a row of products, [pixels, 32], with room for a last group of eight pixels.
    private static func panelPitch(_ shape: ConvolutionShape) -> Int { (shape.outputWidth + DirectTile.rows) * 2 * lanes }

    private var panelPitch: Int { FewChannelsInputGradient.panelPitch(shape) }
    private var rowPitch: Int { panels * panelPitch }
    /// Rows of output pixels whose products one row of input pixels needs.
    private var ringRows: Int { (shape.kernel - 1) / shape.stride + 1 }

    var filterCount: Int { panels * shape.outputChannels * 2 * lanes }

    var workspaceCount: Int { ringRows * rowPitch + 4 * shape.width + shape.width * shape.inputChannels + 4 }

    func prepare(_ filter: UnsafePointer<Float>, into prepared: UnsafeMutablePointer<Float>) {
        prepared.update(repeating: 0, count: filterCount)
        let (inputs, outputs) = (shape.inputChannels, shape.outputChannels)
        for (tap, offset) in tapOffsets.enumerated() {
            let panel = prepared + offset / panelPitch * outputs * 2 * lanes
            for i in 0..<inputs {
                for o in 0..<outputs {
                    panel[o * 2 * lanes + offset % panelPitch + i] = filter[(tap * inputs + i) * outputs + o]
                }
            }
        }
    }

    func run(
        _ input: UnsafePointer<Float>, prepared: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, batch: Int,
        epilogue: Epilogue, workspace: UnsafeMutablePointer<Float>
    ) {
        let sums = workspace + ringRows * rowPitch
        let row = sums + 4 * shape.width
        let rowCount = shape.width * shape.inputChannels
        for image in 0..<batch {
            let source = input + image * shape.outputCount
            var next = 0
            for y in 0..<shape.height {
                let last = min(shape.outputHeight - 1, (y + shape.padding) / shape.stride)
                while next <= last {
                    makeProducts(
                        source + next * shape.outputWidth * shape.outputChannels, prepared,
                        into: workspace + next % ringRows * rowPitch)
                    next += 1
                }
                sumRow(y, workspace, sums, into: row)
                let offset = image * shape.inputCount + y * rowCount
                write(row, count: rowCount, to: output + offset, epilogue.advanced(by: offset))
            }
        }
    }

    /// The products of one row of output pixels with all taps.
    private func makeProducts(
        _ source: UnsafePointer<Float>, _ prepared: UnsafePointer<Float>, into products: UnsafeMutablePointer<Float>
    ) {
        let (width, channels) = (shape.outputWidth, shape.outputChannels)
        for panel in 0..<panels {
            let target = products + panel * panelPitch
            var x = 0
            while x < width {
                var sources = DirectTile.Sources(repeating: source)
                for r in 0..<DirectTile.rows { sources[r] = source + min(x + r, width - 1) * channels }
                DirectTile.multiply(
                    sources, runs: 1, runLength: channels, pitch: 0, prepared + panel * channels * 2 * lanes, blocks: 2,
                    to: target + x * 2 * lanes)
                x += DirectTile.rows
            }
        }
    }

    /// Sums the products that belong to row `y` of the input, tap by tap; `sums` holds four values for each pixel.
    @inline(never)
    private func sumRow(
        _ y: Int, _ ring: UnsafePointer<Float>, _ sums: UnsafeMutablePointer<Float>, into row: UnsafeMutablePointer<Float>
    ) {
        let (kernel, stride, padding, channels) = (shape.kernel, shape.stride, shape.padding, shape.inputChannels)
        sums.update(repeating: 0, count: 4 * shape.width)
        for ky in 0..<kernel {
            let (oy, restY) = (y + padding - ky).quotientAndRemainder(dividingBy: stride)
            guard restY == 0, oy >= 0, oy < shape.outputHeight else { continue }
            let products = ring + oy % ringRows * rowPitch
            for kx in 0..<kernel {
                // Output pixels whose input pixel, ox · stride + kx − padding, exists.
                let first = max(0, (padding - kx + stride - 1) / stride)
                let end = min(shape.outputWidth, (shape.width - 1 + padding - kx) / stride + 1)
                guard first < end, shape.width + padding > kx else { continue }
                var from = UnsafeRawPointer(products + first * 2 * lanes + tapOffsets[ky * kernel + kx])
                var to = UnsafeMutableRawPointer(sums + (first * stride + kx - padding) * 4)
                for _ in first..<end {
                    let sum = to.loadUnaligned(as: SIMD4<Float>.self) + from.loadUnaligned(as: SIMD4<Float>.self)
                    to.storeBytes(of: sum, as: SIMD4<Float>.self)
                    from += 2 * lanes * 4
                    to += 16 * stride
                }
            }
        }
        // Each store also writes values of the next pixel, which its own store then replaces.
        for x in 0..<shape.width {
            let sum = UnsafeRawPointer(sums + 4 * x).loadUnaligned(as: SIMD4<Float>.self)
            UnsafeMutableRawPointer(row + x * channels).storeBytes(of: sum, as: SIMD4<Float>.self)
        }
    }

    /// Writes a row of input pixels through the epilogue.
    private func write(
        _ row: UnsafePointer<Float>, count: Int, to output: UnsafeMutablePointer<Float>, _ epilogue: Epilogue
    ) {
        guard !epilogue.isEmpty else { return output.update(from: row, count: count) }
        let channels = shape.inputChannels
        for pixel in stride(from: 0, to: count, by: channels) {
            let value = load(row + pixel, count: channels)
            store(
                epilogue.apply(value, channel: 0, offset: pixel, count: channels), to: output + pixel, count: channels)
        }
    }
}
