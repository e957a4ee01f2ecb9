/// Pooling over NHWC images. Each pass reads its input once per window.
package enum Pooling {
    /// The largest value of each window; of equal ones the first, as in PyTorch.
    ///
    /// - Parameters:
    ///   - input: [batch, height, width, channels]; `output`: [batch, outputHeight, outputWidth, channels].
    ///   - argmax: for each output, its maximum's place in the window, row by row; for `maxBackward`.
    package static func maxForward(
        _ input: UnsafePointer<Float>, shape: PoolingShape, batch: Int, output: UnsafeMutablePointer<Float>,
        argmax: UnsafeMutablePointer<UInt8>?
    ) {
        let channels = shape.channels
        forEachWindow(shape, batch: batch) { o, rows, columns, base in
            let out = output + o
            out.update(repeating: -.infinity, count: channels)
            argmax.map { ($0 + o).update(repeating: 0, count: channels) }
            for y in rows {
                for x in columns {
                    let source = input + base + (y * shape.width + x) * channels
                    let place = UInt8((y - rows.lowerBound) * 16 + (x - columns.lowerBound))
                    for c in 0..<channels {
                        // Not a number wins, and stays: it must not vanish.
                        if source[c] > out[c] || source[c].isNaN {
                            out[c] = source[c]
                            argmax?[o + c] = place
                        }
                    }
                }
            }
        }
    }

    /// Sends each output's gradient to where its maximum was.
    ///
    /// - Parameters:
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
        forEachWindow(shape, batch: batch) { o, rows, columns, base in
            for c in 0..<channels {
                let place = Int(argmax[o + c])
                let (y, x) = (rows.lowerBound + place >> 4, columns.lowerBound + place & 15)
                inputGradient[base + (y * shape.width + x) * channels + c] += outputGradient[o + c]
            }
        }
        if let gate { Elementwise.addGated(inputGradient, nil, gate: gate, count: count, output: inputGradient) }
    }

    /// The mean of each window, padding counted as zeros (PyTorch's `count_include_pad`).
    package static func averageForward(
        _ input: UnsafePointer<Float>, shape: PoolingShape, batch: Int, output: UnsafeMutablePointer<Float>
    ) {
        let channels = shape.channels
        let scale = 1 / Float(shape.kernel * shape.kernel)
        forEachWindow(shape, batch: batch) { o, rows, columns, base in
            for c in 0..<channels {
                var sum: Float = 0
                for y in rows { for x in columns { sum += input[base + (y * shape.width + x) * channels + c] } }
                output[o + c] = sum * scale
            }
        }
    }

    /// Spreads each output's gradient evenly over its window.
    package static func averageBackward(
        _ outputGradient: UnsafePointer<Float>, shape: PoolingShape, batch: Int, gate: UnsafePointer<Float>?,
        inputGradient: UnsafeMutablePointer<Float>
    ) {
        let channels = shape.channels
        let scale = 1 / Float(shape.kernel * shape.kernel)
        let count = batch * shape.height * shape.width * channels
        inputGradient.update(repeating: 0, count: count)
        forEachWindow(shape, batch: batch) { o, rows, columns, base in
            for y in rows {
                for x in columns {
                    let target = inputGradient + base + (y * shape.width + x) * channels
                    for c in 0..<channels { target[c] += outputGradient[o + c] * scale }
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

    /// Calls `body` with each output's offset, the rows and columns of its window that lie in the image, and the
    /// image's offset.
    @inline(__always)
    private static func forEachWindow(
        _ shape: PoolingShape, batch: Int,
        _ body: (_ output: Int, _ rows: Range<Int>, _ columns: Range<Int>, _ image: Int) -> Void
    ) {
        precondition(shape.kernel <= 16, "a window of \(shape.kernel) is more than the 16 that places are counted to")
        var output = 0
        for n in 0..<batch {
            let image = n * shape.height * shape.width * shape.channels
            for y in 0..<shape.outputHeight {
                let top = y * shape.stride - shape.padding
                let rows = max(top, 0)..<max(max(top, 0), min(top + shape.kernel, shape.height))
                for x in 0..<shape.outputWidth {
                    let left = x * shape.stride - shape.padding
                    let columns = max(left, 0)..<max(max(left, 0), min(left + shape.kernel, shape.width))
                    body(output, rows, columns, image)
                    output += shape.channels
                }
            }
        }
    }
}
