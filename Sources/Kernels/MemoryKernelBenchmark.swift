/// Speed of the kernels that memory bounds, on the calling thread, against copying as many bytes.
package enum MemoryKernelBenchmark {
    package struct Measurement: Sendable, Codable {
        package let kernel: String
        /// Bytes read and written per call.
        package let bytes: Int
        package let seconds: Double
        /// Its speed as a share of `memcpy`'s over arrays of the same size.
        package let shareOfCopy: Double

        package var gigabytesPerSecond: Double { Double(bytes) / seconds / 1e9 }
    }

    /// Measures on activations of `batch` images of `shape`; each kernel runs for about `seconds`, the fastest call counts.
    package static func measure(shape: ImageShape, batch: Int, classes: Int = 10, seconds: Double = 0.1) -> [Measurement] {
        let (count, channels, rows) = (batch * shape.count, shape.channels, batch * shape.pixels)
        func noise(_ count: Int, _ sample: Int) -> FloatBuffer {
            let buffer = FloatBuffer(count: count)
            Philox(seed: 0, purpose: .test, sample: sample).fillUniform(buffer.pointer, count: count, low: 0.1, high: 1)
            return buffer
        }
        let (x, y, gate, out) = (noise(count, 1), noise(count, 2), noise(count, 3), noise(count, 4))
        let (mean, variance, scale, shift) = (noise(channels, 5), noise(channels, 6), noise(channels, 7), noise(channels, 8))
        let (gamma, beta) = (noise(channels, 9), noise(channels, 10))
        let pool = PoolingShape(height: shape.height, width: shape.width, channels: channels, kernel: 3, stride: 2, padding: 1)
        let pooled = batch * pool.outputHeight * pool.outputWidth * channels
        let argmax = UnsafeMutablePointer<UInt8>.allocate(capacity: pooled)
        argmax.initialize(repeating: 0, count: pooled)
        defer { argmax.deallocate() }
        let labels = [Int32](repeating: 0, count: batch)
        let (weights, logits, bias) = (noise(classes * channels, 11), noise(batch * classes, 12), noise(classes, 13))

        let one = 4 * count
        let copy = ConvolutionBenchmark.fastest(seconds: seconds) { out.pointer.update(from: x.pointer, count: count) }
        let copySpeed = Double(2 * one) / copy
        var result: [Measurement] = []
        func time(_ kernel: String, _ bytes: Int, _ body: () -> Void) {
            let time = ConvolutionBenchmark.fastest(seconds: seconds, body)
            result.append(
                Measurement(kernel: kernel, bytes: bytes, seconds: time, shareOfCopy: Double(bytes) / time / copySpeed))
        }
        time("batch statistics", one) {
            BatchNormalization.statistics(x.pointer, rows: rows, channels: channels, mean: mean.pointer, variance: variance.pointer)
        }
        time("normalise, add, ReLU", 3 * one) {
            BatchNormalization.apply(
                x.pointer, rows: rows, channels: channels, mean: mean.pointer, scale: scale.pointer, shift: shift.pointer,
                addend: y.pointer, relu: true, output: out.pointer)
        }
        time("BatchNorm parameter gradients", 2 * one) {
            BatchNormalization.parameterGradients(
                x.pointer, outputGradient: y.pointer, rows: rows, channels: channels, mean: mean.pointer,
                inverseStandardDeviation: variance.pointer, gammaGradient: gamma.pointer, betaGradient: beta.pointer)
        }
        time("BatchNorm input gradient, gated", 4 * one) {
            BatchNormalization.inputGradient(
                x.pointer, outputGradient: y.pointer, rows: rows, channels: channels, mean: mean.pointer,
                inverseStandardDeviation: variance.pointer, gamma: scale.pointer, gammaGradient: gamma.pointer,
                betaGradient: beta.pointer, addend: nil, gate: gate.pointer, inputGradient: out.pointer)
        }
        time("affine gradient, gated", 3 * one) {
            Elementwise.scaleGradient(
                x.pointer, rows: rows, channels: channels, scale: scale.pointer, addend: nil, gate: gate.pointer, output: out.pointer)
        }
        time("gated sum of gradients", 4 * one) {
            Elementwise.addGated(x.pointer, y.pointer, gate: gate.pointer, count: count, output: out.pointer)
        }
        time("max-pool 3×3/2", one + 5 * pooled) {
            Pooling.maxForward(x.pointer, shape: pool, batch: batch, output: out.pointer, argmax: argmax)
        }
        time("max-pool 3×3/2 gradient", one + 5 * pooled) {
            Pooling.maxBackward(x.pointer, argmax: argmax, shape: pool, batch: batch, gate: nil, inputGradient: out.pointer)
        }
        time("global average", one) {
            Pooling.globalAverageForward(x.pointer, pixels: shape.pixels, channels: channels, batch: batch, output: out.pointer)
        }
        time("global average gradient", one) {
            Pooling.globalAverageBackward(
                y.pointer, pixels: shape.pixels, channels: channels, batch: batch, gate: nil, inputGradient: out.pointer)
        }
        time("linear", 4 * (batch * (channels + classes) + weights.count)) {
            Linear.forward(
                x.pointer, weights: weights.pointer, bias: bias.pointer, batch: batch, inputs: channels, outputs: classes,
                output: logits.pointer)
        }
        time("cross-entropy and its gradient", 8 * batch * classes) {
            CrossEntropy.lossesAndGradient(
                logits.pointer, labels: labels, batch: batch, classes: classes, smoothing: 0, gradientScale: 1, losses: nil,
                gradient: out.pointer)
        }
        time("SGD", 5 * one) {
            StochasticGradientDescent.update(
                parameters: out.pointer, gradients: x.pointer, momentumBuffer: y.pointer, count: count, learningRate: 1e-9,
                momentum: 0.9, nesterov: false, weightDecay: 0, gradientScale: 1)
        }
        time("search for what is not finite", one) { _ = Elementwise.firstNonFinite(x.pointer, count: count) }
        return result
    }
}
