import Foundation

/// Speed of convolutions, layer by layer, on the calling thread.
package enum ConvolutionBenchmark {
    /// A layer to measure.
    package struct Layer: Sendable {
        package let name: String
        package let shape: ConvolutionShape
        package let batch: Int

        package init(_ name: String, _ shape: ConvolutionShape, batch: Int) {
            self.name = name
            self.shape = shape
            self.batch = batch
        }
    }

    /// Effective speed in GFLOP/s: the operations of a direct convolution over the time taken.
    package struct Measurement: Sendable {
        package let layer: Layer
        package let algorithm: ConvolutionAlgorithm
        package let forward: Double
        package let inputGradient: Double
        package let filterGradient: Double
    }

    /// Fused multiply-adds in registers only, in GFLOP/s: what this core can do at most.
    package static func peak() -> Double {
        let rounds = 2_000_000
        let flops = Double(rounds) * (hasWideRegisters ? 12 : 6) * Double(lanes) * 2
        var sum: Float = 0
        let time = fastest(seconds: 0.1) { sum += hasWideRegisters ? multiplyAddWide(rounds) : multiplyAddNarrow(rounds) }
        // Using the sum keeps the loop from being removed.
        return sum.isNaN ? 0 : flops / time / 1e9
    }

    /// Measures the three passes of `layer`; each runs for about `seconds`, and the fastest call counts.
    ///
    /// - Parameters:
    ///   - algorithm: nil for the fastest of our own.
    ///   - precision: of the operands of the forward pass and the input gradient, where no algorithm is given.
    package static func measure(
        _ layer: Layer, algorithm: ConvolutionAlgorithm? = nil, precision: ProductPrecision = .float32, seconds: Double = 0.2
    ) -> Measurement {
        let (shape, batch) = (layer.shape, layer.batch)
        let convolution =
            algorithm.map { Convolution(shape, algorithm: $0) } ?? Convolution(shape, backend: .native, precision: precision)
        let input = noise(batch * shape.inputCount, 1)
        let outputGradient = noise(batch * shape.outputCount, 2)
        let filter = noise(shape.filterCount, 3)
        let output = FloatBuffer(count: batch * shape.outputCount)
        let inputGradient = FloatBuffer(count: batch * shape.inputCount)
        let filterGradient = FloatBuffer(count: shape.filterCount)
        let forwardFilter = FloatBuffer(count: convolution.forwardFilterCount)
        let gradientFilter = FloatBuffer(count: convolution.inputGradientFilterCount)
        let workspace = FloatBuffer(count: convolution.workspaceCount)
        let bias = FloatBuffer(count: shape.outputChannels)
        convolution.prepareForward(filter.pointer, into: forwardFilter.pointer)
        convolution.prepareInputGradient(filter.pointer, into: gradientFilter.pointer)

        let work = Double(shape.flops * batch) / 1e9
        let forward = fastest(seconds: seconds) {
            convolution.forward(
                input.pointer, prepared: forwardFilter.pointer, output: output.pointer, batch: batch,
                epilogue: Epilogue(bias: bias.pointer, relu: true), workspace: workspace.pointer)
        }
        let backward = fastest(seconds: seconds) {
            convolution.inputGradient(
                outputGradient.pointer, prepared: gradientFilter.pointer, inputGradient: inputGradient.pointer,
                batch: batch, epilogue: Epilogue(gate: input.pointer), workspace: workspace.pointer)
        }
        let weights = fastest(seconds: seconds) {
            convolution.filterGradient(
                input: input.pointer, outputGradient: outputGradient.pointer, filterGradient: filterGradient.pointer,
                batch: batch, workspace: workspace.pointer)
        }
        return Measurement(
            layer: layer, algorithm: convolution.algorithms.forward, forward: work / forward, inputGradient: work / backward,
            filterGradient: work / weights)
    }

    private static func noise(_ count: Int, _ sample: Int) -> FloatBuffer {
        let buffer = FloatBuffer(count: count)
        Philox(seed: 0, purpose: .test, sample: sample).fillUniform(buffer.pointer, count: count, low: -1, high: 1)
        return buffer
    }

    /// Seconds of the fastest call, of at least three, counted while this thread ran: what else the machine does slows
    /// the measurement down without lengthening it.
    static func fastest(seconds: Double, _ body: () -> Void) -> Double {
        var (best, total, calls) = (Double.infinity, 0.0, 0)
        while calls < 3 || total < seconds {
            let start = threadSeconds()
            body()
            let time = threadSeconds() - start
            best = min(best, time)
            total += time
            calls += 1
        }
        return best
    }

    private static func threadSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    @inline(never)
    private static func multiplyAddWide(_ rounds: Int) -> Float {
        multiplyAdd(InlineArray<12, Vector>(repeating: Vector()), rounds)
    }

    @inline(never)
    private static func multiplyAddNarrow(_ rounds: Int) -> Float {
        multiplyAdd(InlineArray<6, Vector>(repeating: Vector()), rounds)
    }

    /// `rounds` multiply-adds of each of N vectors that do not depend on one another.
    @inline(__always)
    private static func multiplyAdd<let N: Int>(_ zero: InlineArray<N, Vector>, _ rounds: Int) -> Float {
        var sums = zero
        let (x, y) = (Vector(repeating: 0.5), Vector(repeating: 1 / Float(rounds)))
        for _ in 0..<rounds {
            for i in 0..<N { sums[i] = y.addingProduct(sums[i], x) }
        }
        var total = Vector()
        for i in 0..<N { total += sums[i] }
        return total.sum()
    }
}
