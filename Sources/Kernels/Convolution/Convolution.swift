/// How a convolution is computed.
package enum ConvolutionAlgorithm: String, Sendable, CaseIterable {
    /// Sums of products with the filter as it is, for any geometry.
    case direct
    /// F(4×4, 3×3) for 3 × 3 filters with stride 1: a quarter of the multiplications.
    case winograd
    /// For 3 × 3 filters with stride 2: 81 of 144 multiplications. The filter gradient is direct.
    case stridedWinograd
    /// Matrix products by OpenBLAS, for any geometry.
    case blas

    /// Whether the algorithm can compute convolutions of this geometry.
    package func supports(_ shape: ConvolutionShape) -> Bool {
        switch self {
        case .direct, .blas: true
        case .winograd: shape.kernel == 3 && shape.stride == 1 && shape.padding <= 2
        case .stridedWinograd: shape.kernel == 3 && shape.stride == 2 && shape.padding == 1
        }
    }

    /// Of our own algorithms, the one that measured fastest for such shapes; a function of the shape alone.
    package static func fastest(for shape: ConvolutionShape) -> ConvolutionAlgorithm {
        // With a few channels only, whole blocks of sixteen would mostly hold zeros.
        guard shape.inputChannels >= 12, shape.outputChannels >= 12 else { return .direct }
        // Direct sums take nine multiplications for each output; the others as many for each tile, however few of its
        // sixteen outputs lie on the map.
        let tiles = TileGrid(height: shape.outputHeight, width: shape.outputWidth).count
        let direct = 9 * shape.output.pixels
        if winograd.supports(shape), 36 * tiles < direct { return .winograd }
        if stridedWinograd.supports(shape), 81 * tiles < direct { return .stridedWinograd }
        return .direct
    }
}

/// One convolution geometry, with the algorithms chosen for it. Owns no memory and holds no state: the caller brings
/// filters, images and workspace, so one value serves any number of threads.
///
/// A pass needs the filter in the form its algorithm reads; `prepareForward` and `prepareInputGradient` write it, once
/// for as long as the filter stays the same. The values of an image's results do not depend on the images around it, on
/// the batch, or on rank and thread.
package struct Convolution: Sendable {
    package let shape: ConvolutionShape
    package let algorithms: ConvolutionAlgorithms
    private let forwardPass: any ConvolutionPass
    private let inputGradientPass: any ConvolutionPass
    private let filterGradientPass: any FilterGradientPass

    /// - Parameter algorithm: of all passes, one that supports `shape`; nil for the fastest of our own.
    package init(_ shape: ConvolutionShape, algorithm: ConvolutionAlgorithm? = nil) {
        self.init(shape, algorithms: ConvolutionAlgorithms(algorithm ?? .fastest(for: shape)))
    }

    /// - Parameters:
    ///   - precision: `bfloat16` rounds the operands of the forward pass and the input gradient, but for Winograd's algorithm,
    ///     whose transforms would enlarge the error, and for images of an odd number of channels. The filter gradient has float32.
    ///   - usesInstructions: false for portable code in place of the CPU's instructions for bfloat16, for tests.
    package init(
        _ shape: ConvolutionShape, backend: KernelBackend, precision: ProductPrecision = .float32,
        usesInstructions: Bool = hasBFloat16Instructions
    ) {
        let pairs = precision == .bfloat16 ? BFloat16Pairs(usesInstructions: usesInstructions) : nil
        self.init(shape, algorithms: ConvolutionAlgorithms(for: shape, backend: backend), pairs: pairs)
    }

    private init(_ shape: ConvolutionShape, algorithms: ConvolutionAlgorithms, pairs: BFloat16Pairs? = nil) {
        for algorithm in [algorithms.forward, algorithms.inputGradient, algorithms.filterGradient] {
            precondition(algorithm.supports(shape), "\(algorithm) cannot compute \(shape)")
        }
        self.shape = shape
        self.algorithms = algorithms
        // Twice as many products at a time are worth more than the strided algorithm's savings.
        let roundsForward = pairs != nil && algorithms.forward != .winograd && shape.inputChannels % 2 == 0
        switch algorithms.forward {
        case _ where roundsForward: forwardPass = DirectPass(forward: shape, pairs: pairs)
        case .direct: forwardPass = DirectPass(forward: shape)
        case .winograd: forwardPass = WinogradPass(forward: shape)
        case .stridedWinograd: forwardPass = StridedWinogradForward(shape)
        case .blas: forwardPass = BLASForward(shape)
        }
        let hasFewChannels = FewChannelsInputGradient.supports(shape)
        let roundsGradient = pairs != nil && algorithms.inputGradient != .winograd && shape.outputChannels % 2 == 0 && !hasFewChannels
        switch algorithms.inputGradient {
        case _ where roundsGradient: inputGradientPass = DirectPass(inputGradient: shape, pairs: pairs)
        case .direct where hasFewChannels: inputGradientPass = FewChannelsInputGradient(shape)
        case .direct: inputGradientPass = DirectPass(inputGradient: shape)
        case .winograd: inputGradientPass = WinogradPass(inputGradient: shape)
        case .stridedWinograd: inputGradientPass = StridedWinogradInputGradient(shape)
        case .blas: inputGradientPass = BLASInputGradient(shape)
        }
        switch algorithms.filterGradient {
        case .direct, .stridedWinograd: filterGradientPass = DirectFilterGradient(shape)
        case .winograd: filterGradientPass = WinogradFilterGradient(shape)
        case .blas: filterGradientPass = BLASFilterGradient(shape)
        }
    }

    /// Values of a filter prepared for `forward`.
    package var forwardFilterCount: Int { forwardPass.filterCount }

    /// Values of a filter prepared for `inputGradient`.
    package var inputGradientFilterCount: Int { inputGradientPass.filterCount }

    /// Values of scratch memory that any pass needs, whatever the batch.
    package var workspaceCount: Int {
        max(forwardPass.workspaceCount, inputGradientPass.workspaceCount, filterGradientPass.workspaceCount)
    }

    /// - Parameters:
    ///   - filter: [kernel, kernel, inputChannels, outputChannels].
    ///   - prepared: `forwardFilterCount` values.
    package func prepareForward(_ filter: UnsafePointer<Float>, into prepared: UnsafeMutablePointer<Float>) {
        forwardPass.prepare(filter, into: prepared)
    }

    /// - Parameters:
    ///   - filter: [kernel, kernel, inputChannels, outputChannels].
    ///   - prepared: `inputGradientFilterCount` values.
    package func prepareInputGradient(_ filter: UnsafePointer<Float>, into prepared: UnsafeMutablePointer<Float>) {
        inputGradientPass.prepare(filter, into: prepared)
    }

    /// The convolution of `batch` images with a filter, through `epilogue`.
    ///
    /// - Parameters:
    ///   - input: [batch, height, width, inputChannels].
    ///   - prepared: what `prepareForward` wrote.
    ///   - output: [batch, outputHeight, outputWidth, outputChannels], overwritten.
    ///   - workspace: `workspaceCount` values.
    package func forward(
        _ input: UnsafePointer<Float>, prepared: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, batch: Int,
        epilogue: Epilogue = Epilogue(), workspace: UnsafeMutablePointer<Float>
    ) {
        forwardPass.run(
            input, prepared: prepared, output: output, batch: batch, epilogue: epilogue, workspace: workspace)
    }

    /// The derivative of a loss with respect to the input, given that with respect to the output, through `epilogue`
    /// (whose bias, if any, has one value per input channel).
    ///
    /// - Parameters:
    ///   - outputGradient: [batch, outputHeight, outputWidth, outputChannels].
    ///   - prepared: what `prepareInputGradient` wrote.
    ///   - inputGradient: [batch, height, width, inputChannels], overwritten.
    ///   - workspace: `workspaceCount` values.
    package func inputGradient(
        _ outputGradient: UnsafePointer<Float>, prepared: UnsafePointer<Float>,
        inputGradient: UnsafeMutablePointer<Float>, batch: Int, epilogue: Epilogue = Epilogue(),
        workspace: UnsafeMutablePointer<Float>
    ) {
        inputGradientPass.run(
            outputGradient, prepared: prepared, output: inputGradient, batch: batch, epilogue: epilogue,
            workspace: workspace)
    }

    /// The derivative of a loss with respect to the filter, summed over the batch.
    ///
    /// - Parameters:
    ///   - input: [batch, height, width, inputChannels].
    ///   - outputGradient: [batch, outputHeight, outputWidth, outputChannels].
    ///   - filterGradient: [kernel, kernel, inputChannels, outputChannels], overwritten.
    ///   - workspace: `workspaceCount` values.
    package func filterGradient(
        input: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>, filterGradient: UnsafeMutablePointer<Float>,
        batch: Int, workspace: UnsafeMutablePointer<Float>
    ) {
        filterGradientPass.run(
            input: input, outputGradient: outputGradient, filterGradient: filterGradient, batch: batch,
            workspace: workspace)
    }
}
