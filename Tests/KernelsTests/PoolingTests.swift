import Kernels
import Testing

private struct PoolingCase: CustomTestStringConvertible, Sendable {
    let shape: PoolingShape
    let batch: Int

    init(_ height: Int, _ width: Int, _ channels: Int, kernel: Int, stride: Int, padding: Int, batch: Int) {
        shape = PoolingShape(
            height: height, width: width, channels: channels, kernel: kernel, stride: stride, padding: padding)
        self.batch = batch
    }

    var testDescription: String {
        "\(batch)×\(shape.height)×\(shape.width)×\(shape.channels), \(shape.kernel)/\(shape.stride)+\(shape.padding)"
    }

    var inputCount: Int { batch * shape.height * shape.width * shape.channels }
    var outputCount: Int { batch * shape.outputHeight * shape.outputWidth * shape.channels }

    /// For each output, the indices of the inputs in its window, in the order of rows and columns.
    var windows: [[Int]] {
        var windows: [[Int]] = []
        for n in 0..<batch {
            for oy in 0..<shape.outputHeight {
                for ox in 0..<shape.outputWidth {
                    for c in 0..<shape.channels {
                        var window: [Int] = []
                        for y in oy * shape.stride - shape.padding..<oy * shape.stride - shape.padding + shape.kernel {
                            for x in ox * shape.stride - shape.padding..<ox * shape.stride - shape.padding + shape.kernel
                            where y >= 0 && y < shape.height && x >= 0 && x < shape.width {
                                window.append(((n * shape.height + y) * shape.width + x) * shape.channels + c)
                            }
                        }
                        windows.append(window)
                    }
                }
            }
        }
        return windows
    }

    /// Distinct values with gaps of 0.01, in a random order.
    var distinct: [Float] {
        Philox(seed: 7, purpose: .test, sample: 1).permutation(inputCount).map { 0.01 * Float($0 - inputCount / 2) }
    }

    func maxForward(_ input: [Float]) -> (output: [Float], argmax: [UInt8]) {
        let (input, output) = (FloatBuffer(input), Guarded(count: outputCount))
        defer { withExtendedLifetime(input) {} }
        var argmax = [UInt8](repeating: 255, count: outputCount + 32)
        Pooling.maxForward(input.pointer, shape: shape, batch: batch, output: output.pointer, argmax: &argmax)
        #expect(output.isGuardIntact && argmax[outputCount...].allSatisfy { $0 == 255 })
        let bare = Guarded(count: outputCount)
        Pooling.maxForward(input.pointer, shape: shape, batch: batch, output: bare.pointer, argmax: nil)
        #expect(isIdentical(bare.array, output.array))
        return (output.array, argmax)
    }

    func maxBackward(_ outputGradient: [Float], _ argmax: [UInt8], gate: [Float]?) -> [Float] {
        let (gradient, result) = (FloatBuffer(outputGradient), Guarded(count: inputCount))
        let gate = gate.map { FloatBuffer($0) }
        defer { withExtendedLifetime((gradient, gate)) {} }
        Pooling.maxBackward(
            gradient.pointer, argmax: argmax, shape: shape, batch: batch, gate: gate.map { UnsafePointer($0.pointer) },
            inputGradient: result.pointer)
        #expect(result.isGuardIntact)
        return result.array
    }

    /// The gradient that goes from each output to the input `choose` names.
    func scattered(_ outputGradient: [Float], gate: [Float]?, choose: ([Int]) -> Int) -> [Double] {
        var gradient = [Double](repeating: 0, count: inputCount)
        for (window, value) in zip(windows, outputGradient) { gradient[choose(window)] += Double(value) }
        if let gate { for i in gradient.indices where !(gate[i] > 0) { gradient[i] = 0 } }
        return gradient
    }
}

private let cases = [
    PoolingCase(5, 7, 3, kernel: 3, stride: 2, padding: 1, batch: 2),
    PoolingCase(4, 4, 16, kernel: 2, stride: 2, padding: 0, batch: 3),
    PoolingCase(8, 6, 17, kernel: 3, stride: 2, padding: 1, batch: 2),
    PoolingCase(9, 9, 40, kernel: 3, stride: 1, padding: 1, batch: 1),
    PoolingCase(14, 14, 64, kernel: 3, stride: 2, padding: 1, batch: 2),
    PoolingCase(7, 5, 8, kernel: 2, stride: 3, padding: 1, batch: 1),
    PoolingCase(18, 17, 2, kernel: 16, stride: 1, padding: 0, batch: 1),
    PoolingCase(1, 1, 1, kernel: 1, stride: 1, padding: 0, batch: 1),
]

/// The first of the largest.
private func firstMaximum(_ input: [Float]) -> ([Int]) -> Int {
    { window in window.dropFirst().reduce(window[0]) { input[$1] > input[$0] ? $1 : $0 } }
}

@Suite("Pooling")
struct PoolingTests {
    @Test("Maxima and their gradients", arguments: cases)
    private func maxima(_ test: PoolingCase) {
        let input = test.distinct
        let (output, argmax) = test.maxForward(input)
        #expect(output == test.windows.map { $0.map { input[$0] }.max()! })
        let outputGradient = normals(test.outputCount, 2)
        for gate in [nil, input] {
            let expected = test.scattered(outputGradient, gate: gate, choose: firstMaximum(input))
            #expect(relativeError(test.maxBackward(outputGradient, argmax, gate: gate), expected) < 1e-6)
        }
    }

    @Test("Of equal maxima the first has the gradient", arguments: cases)
    private func ties(_ test: PoolingCase) {
        let input = normals(test.inputCount, 3).map { Float($0 > 0.5 ? 1 : -1) }
        let (output, argmax) = test.maxForward(input)
        #expect(output == test.windows.map { $0.map { input[$0] }.max()! })
        let outputGradient = normals(test.outputCount, 2)
        let expected = test.scattered(outputGradient, gate: nil, choose: firstMaximum(input))
        #expect(relativeError(test.maxBackward(outputGradient, argmax, gate: nil), expected) < 1e-6)
    }

    @Test("Padding never wins, not even against minus infinity", arguments: cases)
    private func padding(_ test: PoolingCase) {
        for value in [Float(-3), -.infinity] {
            let input = [Float](repeating: value, count: test.inputCount)
            let (output, argmax) = test.maxForward(input)
            #expect(output.allSatisfy { $0 == value })
            let outputGradient = normals(test.outputCount, 2)
            let expected = test.scattered(outputGradient, gate: nil) { $0[0] }
            #expect(relativeError(test.maxBackward(outputGradient, argmax, gate: nil), expected) < 1e-6)
        }
    }

    @Test("Not a number wins every window it is in", arguments: cases)
    private func notANumber(_ test: PoolingCase) {
        for place in [0, test.inputCount / 2, test.inputCount - 1] {
            var input = test.distinct
            input[place] = .nan
            let (output, argmax) = test.maxForward(input)
            let outputGradient = normals(test.outputCount, 2)
            for (value, window) in zip(output, test.windows) { #expect(value.isNaN == window.contains(place)) }
            let expected = test.scattered(outputGradient, gate: nil) {
                $0.contains(place) ? place : firstMaximum(input)($0)
            }
            #expect(relativeError(test.maxBackward(outputGradient, argmax, gate: nil), expected) < 1e-6)
        }
    }

    @Test("Gradients of maxima and averages equal finite differences", arguments: cases.prefix(3))
    private func differences(_ test: PoolingCase) {
        let input = test.distinct
        let outputGradient = normals(test.outputCount, 2)
        let windows = test.windows
        let toMaxima = finiteDifferences(doubles(input), step: 1e-4) { x in
            dot(windows.map { $0.map { x[$0] }.max()! }, doubles(outputGradient))
        }
        #expect(relativeError(test.maxBackward(outputGradient, test.maxForward(input).argmax, gate: nil), toMaxima) < 1e-6)
        let area = Double(test.shape.kernel * test.shape.kernel)
        let toAverages = finiteDifferences(doubles(input)) { x in
            dot(windows.map { $0.reduce(0) { $0 + x[$1] } / area }, doubles(outputGradient))
        }
        let (gradient, result) = (FloatBuffer(outputGradient), Guarded(count: test.inputCount))
        defer { withExtendedLifetime(gradient) {} }
        Pooling.averageBackward(
            gradient.pointer, shape: test.shape, batch: test.batch, gate: nil, inputGradient: result.pointer)
        #expect(relativeError(result.array, toAverages) < 1e-6)
    }

    @Test("Averages count padding as zeros", arguments: cases)
    private func averages(_ test: PoolingCase) {
        let values = normals(test.inputCount, 1)
        let area = Double(test.shape.kernel * test.shape.kernel)
        let (input, output) = (FloatBuffer(values), Guarded(count: test.outputCount))
        defer { withExtendedLifetime(input) {} }
        Pooling.averageForward(input.pointer, shape: test.shape, batch: test.batch, output: output.pointer)
        #expect(relativeError(output.array, test.windows.map { $0.reduce(0) { $0 + Double(values[$1]) } / area }) < 1e-6)
        let outputGradient = normals(test.outputCount, 2)
        var expected = [Double](repeating: 0, count: test.inputCount)
        for (window, value) in zip(test.windows, outputGradient) { for i in window { expected[i] += Double(value) / area } }
        for i in expected.indices where !(values[i] > 0) { expected[i] = 0 }
        let (gradient, result) = (FloatBuffer(outputGradient), Guarded(count: test.inputCount))
        defer { withExtendedLifetime(gradient) {} }
        Pooling.averageBackward(
            gradient.pointer, shape: test.shape, batch: test.batch, gate: input.pointer, inputGradient: result.pointer)
        #expect(relativeError(result.array, expected) < 1e-6)
        #expect(output.isGuardIntact && result.isGuardIntact)
    }

    @Test("Global averages and their gradients", arguments: [(1, 1, 1), (16, 10, 3), (49, 17, 2), (64, 64, 5)])
    func globalAverage(_ size: (pixels: Int, channels: Int, batch: Int)) {
        let (pixels, channels, batch) = size
        let count = batch * pixels * channels
        let values = normals(count, 1)
        let (input, output) = (FloatBuffer(values), Guarded(count: batch * channels))
        Pooling.globalAverageForward(input.pointer, pixels: pixels, channels: channels, batch: batch, output: output.pointer)
        var means = [Double](repeating: 0, count: batch * channels)
        for i in 0..<count { means[i / (pixels * channels) * channels + i % channels] += Double(values[i]) / Double(pixels) }
        #expect(relativeError(output.array, means) < 1e-6)
        let gradient = FloatBuffer(normals(batch * channels, 2))
        defer { withExtendedLifetime((input, gradient)) {} }
        for gated in [false, true] {
            let result = Guarded(count: count)
            Pooling.globalAverageBackward(
                gradient.pointer, pixels: pixels, channels: channels, batch: batch,
                gate: gated ? UnsafePointer(input.pointer) : nil, inputGradient: result.pointer)
            let expected = (0..<count).map { i -> Double in
                gated && !(values[i] > 0)
                    ? 0 : Double(gradient[i / (pixels * channels) * channels + i % channels]) / Double(pixels)
            }
            #expect(relativeError(result.array, expected) < 1e-6)
            #expect(result.isGuardIntact)
        }
        #expect(output.isGuardIntact)
    }
}
