import Kernels
import Testing

@Suite("Convolution of bfloat16 operands")
struct BFloat16ConvolutionTests {
    /// Geometries whose forward pass and input gradient are both rounded: even channels, more than four, no Winograd.
    static let shapes = [
        ConvolutionShape(height: 8, width: 8, inputChannels: 32, outputChannels: 16, kernel: 1),
        ConvolutionShape(height: 14, width: 14, inputChannels: 64, outputChannels: 130, kernel: 1),
        ConvolutionShape(height: 5, width: 3, inputChannels: 6, outputChannels: 22, kernel: 1),
        ConvolutionShape(height: 7, width: 9, inputChannels: 34, outputChannels: 18, kernel: 1, stride: 2),
        ConvolutionShape(height: 9, width: 8, inputChannels: 16, outputChannels: 40, kernel: 3, stride: 2, padding: 1),
        ConvolutionShape(height: 2, width: 2, inputChannels: 16, outputChannels: 18, kernel: 3, padding: 1),
        ConvolutionShape(height: 9, width: 9, inputChannels: 6, outputChannels: 8, kernel: 5, padding: 2),
        ConvolutionShape(height: 10, width: 10, inputChannels: 6, outputChannels: 6, kernel: 4, stride: 3, padding: 1),
    ]

    /// To the nearest bfloat16, to even where two are as near.
    private static func rounded(_ values: [Float]) -> [Float] {
        values.map {
            let bits = $0.bitPattern
            return Float(bitPattern: (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF_0000)
        }
    }

    private func run(_ shape: ConvolutionShape, batch: Int = 3, usesInstructions: Bool = hasBFloat16Instructions) -> ConvolutionRun {
        ConvolutionRun(
            ConvolutionCase(shape: shape, algorithm: .direct, batch: batch, tolerance: 0),
            convolution: Convolution(shape, backend: .native, precision: .bfloat16, usesInstructions: usesInstructions))
    }

    @Test("Equals exact sums of products of rounded operands", arguments: shapes)
    func reference(_ shape: ConvolutionShape) {
        let run = run(shape)
        let (input, filter, gradient) = (Self.rounded(run.input), Self.rounded(run.filter), Self.rounded(run.outputGradient))
        #expect(relativeError(run.forward(Epilogue()), run.reference.forward(input, filter, batch: 3)) < 1e-6)
        #expect(relativeError(run.inputGradient(Epilogue()), run.reference.inputGradient(gradient, filter, batch: 3)) < 1e-6)
        // The bounds see whether operands are rounded at all; the filter gradient's are not.
        #expect(relativeError(run.forward(Epilogue()), run.reference.forward(run.input, run.filter, batch: 3)) > 1e-4)
        let exact = run.reference.filterGradient(run.input, run.outputGradient, batch: 3)
        #expect(relativeError(run.filterGradient(), exact) < 4e-6)
    }

    @Test("The epilogue follows, in float32", arguments: shapes)
    func epilogue(_ shape: ConvolutionShape) {
        let run = run(shape)
        let plain = run.forward(Epilogue()).map(Double.init)
        let (bias, addend, gate) = run.epilogueParts(count: plain.count, channels: shape.outputChannels)
        defer { withExtendedLifetime((bias, addend, gate)) {} }
        let expected = ConvolutionReference.apply(
            plain, channels: shape.outputChannels, bias: bias.array, addend: addend.array, relu: true, gate: gate.array)
        let epilogue = Epilogue(bias: bias.pointer, addend: addend.pointer, relu: true, gate: gate.pointer)
        #expect(relativeError(run.forward(epilogue), expected) < 1e-6)
    }

    /// So that nodes with and without the instructions can work together.
    @Test("Portable code gives the bits of the CPU's instructions", .enabled(if: hasBFloat16Instructions), arguments: shapes)
    func portable(_ shape: ConvolutionShape) {
        let (fast, portable) = (run(shape), run(shape, usesInstructions: false))
        #expect(isIdentical(fast.forward(Epilogue()), portable.forward(Epilogue())))
        #expect(isIdentical(fast.inputGradient(Epilogue()), portable.inputGradient(Epilogue())))
    }

    @Test("An image's results do not depend on the images around it", arguments: shapes)
    func independence(_ shape: ConvolutionShape) {
        let all = run(shape, batch: 5)
        let (outputs, gradients) = (all.forward(Epilogue()), all.inputGradient(Epilogue()))
        for image in [0, 4] {
            let one = ConvolutionRun(all, image: image)
            #expect(one.forward(Epilogue()) == Array(outputs[image * shape.outputCount..<(image + 1) * shape.outputCount]))
            #expect(
                one.inputGradient(Epilogue()) == Array(gradients[image * shape.inputCount..<(image + 1) * shape.inputCount]))
        }
    }

    @Test("Winograd's algorithm, odd channels and few of them stay float32")
    func unrounded() {
        func isRounded(_ shape: ConvolutionShape) -> (forward: Bool, gradient: Bool) {
            let run = run(shape)
            let forward = run.reference.forward(run.input, run.filter, batch: 3)
            let gradient = run.reference.inputGradient(run.outputGradient, run.filter, batch: 3)
            return (relativeError(run.forward(Epilogue()), forward) > 1e-4, relativeError(run.inputGradient(Epilogue()), gradient) > 1e-4)
        }
        #expect(isRounded(ConvolutionShape(height: 8, width: 8, inputChannels: 16, outputChannels: 16, kernel: 3, padding: 1)) == (false, false))
        #expect(isRounded(ConvolutionShape(height: 8, width: 8, inputChannels: 17, outputChannels: 16, kernel: 1)) == (false, true))
        #expect(isRounded(ConvolutionShape(height: 8, width: 8, inputChannels: 3, outputChannels: 16, kernel: 7, stride: 2, padding: 3)) == (false, false))
        #expect(isRounded(ConvolutionShape(height: 8, width: 8, inputChannels: 4, outputChannels: 15, kernel: 1)) == (true, false))
    }

    /// Zeros, infinities and what is no number come through rounding as they are.
    @Test("Values that are no ordinary numbers", arguments: [true, false])
    func special(_ portable: Bool) {
        let shape = ConvolutionShape(height: 1, width: 3, inputChannels: 16, outputChannels: 16, kernel: 1)
        let usesInstructions = !portable && hasBFloat16Instructions
        var run = run(shape, batch: 1, usesInstructions: usesInstructions)
        run.filter = [Float](repeating: 1, count: shape.filterCount)
        run.input = [Float](repeating: 0, count: shape.inputCount)
        run.input[5] = .infinity
        run.input[16 + 5] = Float(bitPattern: 0x7F80_0001)
        run.input[32 + 5] = 3.4e38
        let output = run.forward(Epilogue())
        #expect(output[0] == .infinity && output[16].isNaN && output[32] == .infinity)
    }
}
