import Kernels
import Testing

/// One convolution to check: a geometry, an algorithm and a batch.
struct ConvolutionCase: Sendable, CustomStringConvertible {
    let shape: ConvolutionShape
    let algorithm: ConvolutionAlgorithm
    let batch: Int
    /// The largest error allowed, as a share of the largest value of the result.
    let tolerance: Double

    var description: String {
        "\(algorithm) \(batch)×\(shape.height)×\(shape.width) "
            + "\(shape.inputChannels)→\(shape.outputChannels) k\(shape.kernel) s\(shape.stride) p\(shape.padding)"
    }
}

/// (height, width, input channels, output channels, kernel, stride, padding, batch)
private let geometries: [(Int, Int, Int, Int, Int, Int, Int, Int)] = [
    (8, 8, 16, 16, 3, 1, 1, 2),
    (7, 5, 3, 5, 3, 1, 1, 2),
    (1, 1, 4, 6, 3, 1, 1, 3),
    (2, 3, 1, 1, 3, 1, 1, 1),
    (4, 4, 32, 48, 3, 1, 1, 5),
    (9, 11, 17, 35, 3, 1, 1, 2),
    (6, 6, 64, 16, 3, 1, 1, 3),
    (10, 6, 8, 24, 3, 1, 0, 2),
    (16, 16, 3, 64, 3, 1, 1, 2),
    (8, 8, 16, 32, 3, 2, 1, 2),
    (9, 7, 5, 19, 3, 2, 1, 3),
    (1, 1, 20, 40, 3, 2, 1, 2),
    (8, 8, 32, 16, 1, 1, 0, 2),
    (5, 3, 7, 21, 1, 1, 0, 2),
    (8, 8, 16, 40, 1, 2, 0, 3),
    (7, 9, 33, 17, 1, 2, 0, 2),
    (1, 1, 16, 16, 1, 1, 0, 1),
    (20, 22, 3, 20, 7, 2, 3, 2),
    (13, 13, 1, 16, 7, 2, 3, 2),
    (9, 9, 3, 7, 5, 1, 2, 2),
    (10, 10, 4, 6, 4, 3, 1, 2),
    (6, 7, 12, 33, 3, 1, 2, 2),
    (12, 4, 48, 64, 3, 1, 1, 30),
    (17, 16, 20, 34, 3, 2, 1, 2),
    (2, 3, 16, 16, 3, 2, 1, 5),
    (8, 8, 64, 32, 3, 2, 1, 20),
    (7, 7, 72, 24, 1, 1, 0, 9),
    (4, 4, 336, 40, 3, 1, 1, 2),
    (3, 3, 256, 70, 3, 1, 1, 2),
    (5, 5, 40, 336, 3, 2, 1, 2),
    // Filters that are transformed where they are used, and more tiles than a block of them.
    (5, 8, 290, 300, 3, 1, 1, 17),
]

private let cases: [ConvolutionCase] = geometries.flatMap { g in
    let shape = ConvolutionShape(
        height: g.0, width: g.1, inputChannels: g.2, outputChannels: g.3, kernel: g.4, stride: g.5, padding: g.6)
    return ConvolutionAlgorithm.allCases.filter { $0.supports(shape) }.map {
        // Sums of 9 · 256 products and more lose a little more.
        ConvolutionCase(shape: shape, algorithm: $0, batch: g.7, tolerance: min(g.2, g.3) > 256 ? 5e-6 : 4e-6)
    }
}

/// `count` normal deviates that only `sample` determines.
func normals(_ count: Int, _ sample: Int) -> [Float] {
    let buffer = FloatBuffer(count: count)
    Philox(seed: 7, purpose: .test, sample: sample).fillNormal(buffer.pointer, count: count, standardDeviation: 1)
    return buffer.array
}

@Suite("Convolution against a float64 reference")
struct ConvolutionTests {
    @Test("Forward", arguments: cases)
    func forward(_ test: ConvolutionCase) {
        let shape = test.shape
        let run = ConvolutionRun(test)
        let expected = run.reference.forward(run.input, run.filter, batch: test.batch)
        #expect(relativeError(run.forward(Epilogue()), expected) < test.tolerance)

        for relu in [false, true] {
            let (bias, addend, gate) = run.epilogueParts(count: expected.count, channels: shape.outputChannels)
            defer { withExtendedLifetime((bias, addend, gate)) {} }
            let all = ConvolutionReference.apply(
                expected, channels: shape.outputChannels, bias: bias.array, addend: addend.array, relu: relu, gate: gate.array)
            let epilogue = Epilogue(bias: bias.pointer, addend: addend.pointer, relu: relu, gate: gate.pointer)
            #expect(relativeError(run.forward(epilogue), all) < test.tolerance)
            // The addend in the result's own memory.
            #expect(relativeError(run.forward(epilogue, startingFrom: addend.array), all) < test.tolerance)
        }
    }

    @Test("Input gradient", arguments: cases)
    func inputGradient(_ test: ConvolutionCase) {
        let run = ConvolutionRun(test)
        let expected = run.reference.inputGradient(run.outputGradient, run.filter, batch: test.batch)
        #expect(relativeError(run.inputGradient(Epilogue()), expected) < test.tolerance)

        let channels = test.shape.inputChannels
        let (_, addend, gate) = run.epilogueParts(count: expected.count, channels: channels)
        defer { withExtendedLifetime((addend, gate)) {} }
        let gated = ConvolutionReference.apply(
            expected, channels: channels, bias: nil, addend: addend.array, relu: false, gate: gate.array)
        let epilogue = Epilogue(addend: addend.pointer, gate: gate.pointer)
        #expect(relativeError(run.inputGradient(epilogue), gated) < test.tolerance)
        #expect(relativeError(run.inputGradient(epilogue, startingFrom: addend.array), gated) < test.tolerance)
    }

    @Test("Filter gradient", arguments: cases)
    func filterGradient(_ test: ConvolutionCase) {
        let run = ConvolutionRun(test)
        let expected = run.reference.filterGradient(run.input, run.outputGradient, batch: test.batch)
        #expect(relativeError(run.filterGradient(), expected) < test.tolerance)
    }
}

@Suite("Convolution in general")
struct ConvolutionPropertyTests {
    @Test("An image's results do not depend on the images around it", arguments: ConvolutionAlgorithm.allCases)
    func independence(_ algorithm: ConvolutionAlgorithm) {
        let shape = ConvolutionShape(
            height: 9, width: 10, inputChannels: 24, outputChannels: 40, kernel: 3, stride: algorithm == .winograd ? 1 : 2,
            padding: 1)
        let all = ConvolutionRun(ConvolutionCase(shape: shape, algorithm: algorithm, batch: 7, tolerance: 0))
        let (outputs, gradients) = (all.forward(Epilogue()), all.inputGradient(Epilogue()))
        for image in [0, 3, 6] {
            let one = ConvolutionRun(all, image: image)
            #expect(one.forward(Epilogue()) == Array(outputs[image * shape.outputCount..<(image + 1) * shape.outputCount]))
            #expect(
                one.inputGradient(Epilogue()) == Array(gradients[image * shape.inputCount..<(image + 1) * shape.inputCount]))
        }
    }

    /// A matrix product's rounding depends on its number of rows: these are the shapes where a careless one would tell.
    @Test(
        "Products by OpenBLAS are of one image at a time",
        arguments: [(7, 64, 48, 1, 1), (14, 48, 64, 1, 2), (28, 300, 600, 1, 1), (7, 48, 64, 3, 1), (5, 3, 20, 7, 2)])
    func blasIndependence(_ g: (size: Int, inputs: Int, outputs: Int, kernel: Int, stride: Int)) {
        let shape = ConvolutionShape(
            height: g.size, width: g.size + 1, inputChannels: g.inputs, outputChannels: g.outputs, kernel: g.kernel, stride: g.stride,
            padding: g.kernel / 2)
        let all = ConvolutionRun(ConvolutionCase(shape: shape, algorithm: .blas, batch: 3, tolerance: 0))
        let (outputs, gradients) = (all.forward(Epilogue()), all.inputGradient(Epilogue()))
        for image in 0..<3 {
            let one = ConvolutionRun(all, image: image)
            #expect(one.forward(Epilogue()) == Array(outputs[image * shape.outputCount..<(image + 1) * shape.outputCount]))
            #expect(
                one.inputGradient(Epilogue()) == Array(gradients[image * shape.inputCount..<(image + 1) * shape.inputCount]))
        }
    }

    @Test("Passes by different algorithms share one workspace")
    func mixedPasses() {
        // Where `auto` takes OpenBLAS for the input gradient alone.
        let shape = ConvolutionShape(height: 28, width: 28, inputChannels: 64, outputChannels: 16, kernel: 1)
        let mixed = Convolution(shape, backend: .auto)
        #expect(mixed.algorithms.inputGradient == .blas)
        let run = ConvolutionRun(ConvolutionCase(shape: shape, algorithm: .direct, batch: 2, tolerance: 4e-6), convolution: mixed)
        #expect(relativeError(run.forward(Epilogue()), run.reference.forward(run.input, run.filter, batch: 2)) < 4e-6)
        #expect(relativeError(run.inputGradient(Epilogue()), run.reference.inputGradient(run.outputGradient, run.filter, batch: 2)) < 4e-6)
        #expect(relativeError(run.filterGradient(), run.reference.filterGradient(run.input, run.outputGradient, batch: 2)) < 4e-6)
    }

    @Test("The chosen algorithm supports the shape, and is a fast one where it matters")
    func choice() {
        for g in geometries {
            let shape = ConvolutionShape(
                height: g.0, width: g.1, inputChannels: g.2, outputChannels: g.3, kernel: g.4, stride: g.5, padding: g.6)
            for backend in KernelBackend.allCases {
                let chosen = ConvolutionAlgorithms(for: shape, backend: backend)
                for algorithm in [chosen.forward, chosen.inputGradient, chosen.filterGradient] { #expect(algorithm.supports(shape)) }
                let isBLAS = chosen == ConvolutionAlgorithms(.blas)
                #expect(backend == .auto || isBLAS == (backend == .blas))
            }
        }
        func chosen(_ channels: Int, _ kernel: Int, _ stride: Int, size: Int = 32) -> ConvolutionAlgorithm {
            .fastest(
                for: ConvolutionShape(
                    height: size, width: size, inputChannels: channels, outputChannels: 64, kernel: kernel, stride: stride,
                    padding: kernel / 2))
        }
        #expect(chosen(64, 3, 1) == .winograd)
        #expect(chosen(64, 3, 2) == .stridedWinograd)
        #expect(chosen(64, 1, 1) == .direct)
        #expect(chosen(3, 3, 1) == .direct)
        // Tiles of which a map fills a corner cost more than they save.
        #expect(chosen(64, 3, 1, size: 2) == .direct)
        #expect(chosen(64, 3, 1, size: 3) == .winograd)
        #expect(chosen(64, 3, 2, size: 4) == .direct)
        #expect(chosen(64, 3, 2, size: 8) == .stridedWinograd)
    }
}

/// OpenBLAS on one thread, as in every process of the program: once, and before the first product of these tests.
private let oneThread: Void = GEMM.useOneThread()

/// The data of one case, and its passes over buffers that are exactly as large as they need be and start as NaN.
struct ConvolutionRun {
    let convolution: Convolution
    let batch: Int
    var input: [Float]
    var filter: [Float]
    let outputGradient: [Float]
    var reference: ConvolutionReference { ConvolutionReference(shape: convolution.shape) }

    init(_ test: ConvolutionCase, convolution: Convolution? = nil) {
        _ = oneThread
        self.convolution = convolution ?? Convolution(test.shape, algorithm: test.algorithm)
        batch = test.batch
        input = normals(batch * test.shape.inputCount, 1)
        filter = normals(test.shape.filterCount, 2)
        outputGradient = normals(batch * test.shape.outputCount, 3)
    }

    /// One image of another run.
    init(_ run: ConvolutionRun, image: Int) {
        let shape = run.convolution.shape
        convolution = run.convolution
        batch = 1
        input = Array(run.input[image * shape.inputCount..<(image + 1) * shape.inputCount])
        filter = run.filter
        outputGradient = Array(run.outputGradient[image * shape.outputCount..<(image + 1) * shape.outputCount])
    }

    func epilogueParts(count: Int, channels: Int) -> (bias: FloatBuffer, addend: FloatBuffer, gate: FloatBuffer) {
        let gate = normals(count, 6).map { max(0, $0) }
        return (FloatBuffer(normals(channels, 4)), FloatBuffer(normals(count, 5)), FloatBuffer(gate))
    }

    private func poisoned(_ count: Int) -> FloatBuffer {
        let buffer = FloatBuffer(count: count)
        buffer.fill(.nan)
        return buffer
    }

    /// - Parameter start: the result's memory before the call, which then also is the epilogue's addend.
    func forward(_ epilogue: Epilogue, startingFrom start: [Float]? = nil) -> [Float] {
        let (source, weights) = (FloatBuffer(input), FloatBuffer(filter))
        let prepared = poisoned(convolution.forwardFilterCount)
        let workspace = poisoned(convolution.workspaceCount)
        let output = start.map { FloatBuffer($0) } ?? poisoned(batch * convolution.shape.outputCount)
        defer { withExtendedLifetime((source, weights, prepared, workspace, output)) {} }
        var epilogue = epilogue
        if start != nil { epilogue.addend = UnsafePointer(output.pointer) }
        convolution.prepareForward(weights.pointer, into: prepared.pointer)
        convolution.forward(
            source.pointer, prepared: prepared.pointer, output: output.pointer, batch: batch, epilogue: epilogue,
            workspace: workspace.pointer)
        return output.array
    }

    func inputGradient(_ epilogue: Epilogue, startingFrom start: [Float]? = nil) -> [Float] {
        let (source, weights) = (FloatBuffer(outputGradient), FloatBuffer(filter))
        let prepared = poisoned(convolution.inputGradientFilterCount)
        let workspace = poisoned(convolution.workspaceCount)
        let result = start.map { FloatBuffer($0) } ?? poisoned(batch * convolution.shape.inputCount)
        defer { withExtendedLifetime((source, weights, prepared, workspace, result)) {} }
        var epilogue = epilogue
        if start != nil { epilogue.addend = UnsafePointer(result.pointer) }
        convolution.prepareInputGradient(weights.pointer, into: prepared.pointer)
        convolution.inputGradient(
            source.pointer, prepared: prepared.pointer, inputGradient: result.pointer, batch: batch, epilogue: epilogue,
            workspace: workspace.pointer)
        return result.array
    }

    func filterGradient() -> [Float] {
        let (source, gradient) = (FloatBuffer(input), FloatBuffer(outputGradient))
        let result = poisoned(convolution.shape.filterCount)
        let workspace = poisoned(convolution.workspaceCount)
        defer { withExtendedLifetime((source, gradient, workspace, result)) {} }
        convolution.filterGradient(
            input: source.pointer, outputGradient: gradient.pointer, filterGradient: result.pointer, batch: batch,
            workspace: workspace.pointer)
        return result.array
    }
}
