/// How a convolution is computed.
package enum ConvolutionAlgorithm: String, Sendable, CaseIterable {
    /// Sums of products with the filter as it is, for any geometry.
    case direct
    /// F(4×4, 3×3): a quarter of the multiplications, for 3 × 3 filters with stride 1.
    case winograd
}

/// One convolution geometry, with the algorithm chosen for it. Owns no memory and holds no state: the caller brings
/// filters, images and workspace, so one value serves any number of threads.
///
/// A pass needs the filter in the form its algorithm reads; `prepareForward` and `prepareInputGradient` write it, once
/// for as long as the filter stays the same. Results depend on the values and the batch only, never on rank or thread.
package struct Convolution: Sendable {
    package let shape: ConvolutionShape
    package let algorithm: ConvolutionAlgorithm
    private let implementation: Implementation

    private enum Implementation: Sendable {
        case direct(Direct)
        case winograd(Winograd)
    }

    /// - Parameter algorithm: nil for the one that measured fastest for such shapes.
    package init(_ shape: ConvolutionShape, algorithm: ConvolutionAlgorithm? = nil) {
        self.shape = shape
        self.algorithm = algorithm ?? (Winograd.supports(shape) && shape.inputChannels >= 16 ? .winograd : .direct)
        switch self.algorithm {
        case .direct: implementation = .direct(Direct(shape))
        case .winograd: implementation = .winograd(Winograd(shape))
        }
    }

    /// Values of a filter prepared for `forward`.
    package var forwardFilterCount: Int {
        switch implementation {
        case .direct(let direct): direct.forwardPass.filterCount
        case .winograd(let winograd): winograd.forwardPass.filterCount
        }
    }

    /// Values of a filter prepared for `inputGradient`.
    package var inputGradientFilterCount: Int {
        switch implementation {
        case .direct(let direct): direct.inputGradientPass.filterCount
        case .winograd(let winograd): winograd.inputGradientPass.filterCount
        }
    }

    /// Values of scratch memory that any pass needs, whatever the batch.
    package var workspaceCount: Int {
        switch implementation {
        case .direct(let direct): direct.workspaceCount
        case .winograd(let winograd): winograd.workspaceCount
        }
    }

    /// - Parameters:
    ///   - filter: [kernel, kernel, inputChannels, outputChannels].
    ///   - prepared: `forwardFilterCount` values.
    package func prepareForward(_ filter: UnsafePointer<Float>, into prepared: UnsafeMutablePointer<Float>) {
        switch implementation {
        case .direct(let direct): direct.prepareForward(filter, into: prepared)
        case .winograd(let winograd): winograd.prepareForward(filter, into: prepared)
        }
    }

    /// - Parameters:
    ///   - filter: [kernel, kernel, inputChannels, outputChannels].
    ///   - prepared: `inputGradientFilterCount` values.
    package func prepareInputGradient(_ filter: UnsafePointer<Float>, into prepared: UnsafeMutablePointer<Float>) {
        switch implementation {
        case .direct(let direct): direct.prepareInputGradient(filter, into: prepared)
        case .winograd(let winograd): winograd.prepareInputGradient(filter, into: prepared)
        }
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
        switch implementation {
        case .direct(let direct):
            direct.forwardPass.run(
                input, prepared: prepared, output: output, batch: batch, epilogue: epilogue, workspace: workspace)
        case .winograd(let winograd):
            winograd.forwardPass.run(
                input, prepared: prepared, output: output, batch: batch, epilogue: epilogue, workspace: workspace)
        }
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
        switch implementation {
        case .direct(let direct):
            direct.inputGradientPass.run(
                outputGradient, prepared: prepared, output: inputGradient, batch: batch, epilogue: epilogue,
                workspace: workspace)
        case .winograd(let winograd):
            winograd.inputGradientPass.run(
                outputGradient, prepared: prepared, output: inputGradient, batch: batch, epilogue: epilogue,
                workspace: workspace)
        }
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
        switch implementation {
        case .direct(let direct):
            direct.filterGradient(
                input: input, outputGradient: outputGradient, filterGradient: filterGradient, batch: batch,
                workspace: workspace)
        case .winograd(let winograd):
            winograd.filterGradient(
                input: input, outputGradient: outputGradient, filterGradient: filterGradient, batch: batch,
                workspace: workspace)
        }
    }
}
