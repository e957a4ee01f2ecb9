/// Pooling over NHWC images. Nothing is allocated; each pass reads its inputs once per window.
package enum Pooling {
    /// The largest value of each window; of equal ones the first, and not a number before all, as in PyTorch.
    ///
    /// - Parameters:
    ///   - input: [batch, height, width, channels]; `output`: [batch, outputHeight, outputWidth, channels].
    ///   - argmax: for each output, its maximum's place in the window, for `maxBackward`.
    package static func maxForward(
        _ input: UnsafePointer<Float>, shape: PoolingShape, batch: Int, output: UnsafeMutablePointer<Float>,
        argmax: UnsafeMutablePointer<UInt8>?
    ) {
        precondition(shape.kernel <= 16, "places in a window of \(shape.kernel) do not fit a byte")
        let channels = shape.channels
        forEachWindow(shape, batch: batch) { result, window, image in
            for channel in stride(from: 0, to: channels, by: lanes) {
                let used = min(lanes, channels - channel)
                var best = Vector(repeating: -.infinity)
                var place = SIMD16<Int32>(repeating: Int32(window.place(window.rows.lowerBound, window.columns.lowerBound)))
                for y in window.rows {
                    for x in window.columns {
                        let value = loadChannels(input + image + (y * shape.width + x) * channels + channel, used)
                        let wins = (value .> best) .| (value .!= value)
                        best.replace(with: value, where: wins)
                        place.replace(with: SIMD16(repeating: Int32(window.place(y, x))), where: wins)
                    }
                }
                write(best, to: output + result + channel, used)
                if let argmax { storePlaces(place, to: argmax + result + channel, used) }
            }
        }
    }

    /// Sends each output's gradient to where its maximum was.
    ///
    /// - Parameters:
    ///   - outputGradient: [batch, outputHeight, outputWidth, channels].
    ///   - argmax: what `maxForward` wrote.
    ///   - gate: the input, if a ReLU made it: gradients are zero where it is not positive.
    ///   - inputGradient: [batch, height, width, channels], overwritten.
    package static func maxBackward(
        _ outputGradient: UnsafePointer<Float>, argmax: UnsafePointer<UInt8>, shape: PoolingShape, batch: Int,
        gate: UnsafePointer<Float>?, inputGradient: UnsafeMutablePointer<Float>
    ) {
        let channels = shape.channels
        let count = batch * shape.height * shape.width * channels
        inputGradient.update(repeating: 0, count: count)
        forEachWindow(shape, batch: batch) { result, window, image in
            for channel in 0..<channels {
                let pixel = window.pixel(at: Int(argmax[result + channel]))
                inputGradient[image + pixel * channels + channel] += outputGradient[result + channel]
            }
        }
        if let gate { Elementwise.addGated(inputGradient, nil, gate: gate, count: count, output: inputGradient) }
    }

    /// The mean of each window, padding counted as zeros (PyTorch's `count_include_pad`).
    ///
    /// - Parameters:
    ///   - input: [batch, height, width, channels]; `output`: [batch, outputHeight, outputWidth, channels].
    package static func averageForward(
        _ input: UnsafePointer<Float>, shape: PoolingShape, batch: Int, output: UnsafeMutablePointer<Float>
    ) {
        let channels = shape.channels
        let scale = 1 / Float(shape.kernel * shape.kernel)
        forEachWindow(shape, batch: batch) { result, window, image in
            for channel in stride(from: 0, to: channels, by: lanes) {
                let used = min(lanes, channels - channel)
                var sum = Vector()
                for y in window.rows {
                    for x in window.columns {
                        sum += loadChannels(input + image + (y * shape.width + x) * channels + channel, used)
                    }
                }
                write(sum * scale, to: output + result + channel, used)
            }
        }
    }

    /// Spreads each output's gradient evenly over its window.
    ///
    /// - Parameters:
    ///   - outputGradient: [batch, outputHeight, outputWidth, channels].
    ///   - gate, inputGradient: [batch, height, width, channels]; zero where `gate` is given and not positive.
    package static func averageBackward(
        _ outputGradient: UnsafePointer<Float>, shape: PoolingShape, batch: Int, gate: UnsafePointer<Float>?,
        inputGradient: UnsafeMutablePointer<Float>
    ) {
        let channels = shape.channels
        let scale = 1 / Float(shape.kernel * shape.kernel)
        let count = batch * shape.height * shape.width * channels
        inputGradient.update(repeating: 0, count: count)
        forEachWindow(shape, batch: batch) { result, window, image in
            for y in window.rows {
                for x in window.columns {
                    let target = inputGradient + image + (y * shape.width + x) * channels
                    for channel in 0..<channels { target[channel] += outputGradient[result + channel] * scale }
                }
            }
        }
        if let gate { Elementwise.addGated(inputGradient, nil, gate: gate, count: count, output: inputGradient) }
    }

    /// The mean of each channel: [batch, pixels, channels] to [batch, channels].
    package static func globalAverageForward(
        _ input: UnsafePointer<Float>, pixels: Int, channels: Int, batch: Int, output: UnsafeMutablePointer<Float>
    ) {
        let scale = 1 / Float(pixels)
        for n in 0..<batch {
            let out = output + n * channels
            out.update(repeating: 0, count: channels)
            for p in 0..<pixels {
                let source = input + (n * pixels + p) * channels
                for c in 0..<channels { out[c] += source[c] }
            }
            for c in 0..<channels { out[c] *= scale }
        }
    }

    /// Spreads [batch, channels] over [batch, pixels, channels]; zero where `gate` is given and not positive.
    package static func globalAverageBackward(
        _ outputGradient: UnsafePointer<Float>, pixels: Int, channels: Int, batch: Int, gate: UnsafePointer<Float>?,
        inputGradient: UnsafeMutablePointer<Float>
    ) {
        let scale = 1 / Float(pixels)
        for n in 0..<batch {
            let source = outputGradient + n * channels
            for p in 0..<pixels {
                let offset = (n * pixels + p) * channels
                if let gate {
                    for c in 0..<channels { inputGradient[offset + c] = gate[offset + c] > 0 ? source[c] * scale : 0 }
                } else {
                    for c in 0..<channels { inputGradient[offset + c] = source[c] * scale }
                }
            }
        }
    }

    @inline(__always)
    private static func write(_ value: Vector, to output: UnsafeMutablePointer<Float>, _ count: Int) {
        if count == lanes { store(value, to: output) } else { store(value, to: output, count: count) }
    }

    @inline(__always)
    private static func storePlaces(_ values: SIMD16<Int32>, to places: UnsafeMutablePointer<UInt8>, _ count: Int) {
        let bytes = SIMD16<UInt8>(truncatingIfNeeded: values)
        if count == lanes {
            UnsafeMutableRawPointer(places).storeBytes(of: bytes, as: SIMD16<UInt8>.self)
        } else {
            for lane in 0..<count { places[lane] = bytes[lane] }
        }
    }

    /// One window: where it starts, perhaps in the padding, and its rows and columns that lie in the image.
    private struct Window {
        let rows: Range<Int>
        let columns: Range<Int>
        private let top: Int
        private let left: Int
        private let width: Int

        init(_ shape: PoolingShape, row: Int, column: Int) {
            top = row * shape.stride - shape.padding
            left = column * shape.stride - shape.padding
            width = shape.width
            rows = Self.inside(top, shape.kernel, shape.height)
            columns = Self.inside(left, shape.kernel, shape.width)
        }

        /// What a byte holds: the row in the window in its upper half, the column in its lower one.
        func place(_ y: Int, _ x: Int) -> Int { (y - top) << 4 | (x - left) }

        /// The pixel of the image at a place.
        func pixel(at place: Int) -> Int { (top + place >> 4) * width + left + place & 15 }

        private static func inside(_ start: Int, _ kernel: Int, _ size: Int) -> Range<Int> {
            let first = max(start, 0)
            return first..<max(first, min(start + kernel, size))
        }
    }

    /// Calls `body` once per output pixel, with the offsets of that pixel and of its image.
    @inline(__always)
    private static func forEachWindow(
        _ shape: PoolingShape, batch: Int, _ body: (_ result: Int, _ window: Window, _ image: Int) -> Void
    ) {
        var result = 0
        for n in 0..<batch {
            let image = n * shape.height * shape.width * shape.channels
            for row in 0..<shape.outputHeight {
                for column in 0..<shape.outputWidth {
                    body(result, Window(shape, row: row, column: column), image)
                    result += shape.channels
                }
            }
        }
    }
}
