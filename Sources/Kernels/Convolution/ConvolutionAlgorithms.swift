/// Which algorithm computes each of a convolution's passes.
package struct ConvolutionAlgorithms: Hashable, Sendable {
    package var forward: ConvolutionAlgorithm
    package var inputGradient: ConvolutionAlgorithm
    package var filterGradient: ConvolutionAlgorithm

    /// One for all passes.
    package init(_ algorithm: ConvolutionAlgorithm) {
        (forward, inputGradient, filterGradient) = (algorithm, algorithm, algorithm)
    }

    /// A function of shape and backend alone, so that it is the same on all ranks and in every run of a program.
    package init(for shape: ConvolutionShape, backend: KernelBackend) {
        let native = ConvolutionAlgorithm.fastest(for: shape)
        switch backend {
        case .native: self.init(native)
        case .blas: self.init(.blas)
        case .auto:
            self.init(hasTunedLoops ? native : .blas)
            if Self.blasInputGradientIsFaster(shape) { inputGradient = .blas }
        }
    }

    /// Whether OpenBLAS was faster by more than a tenth, as measured on Zen 4 (`sipat bench layers`): where 1 × 1 filters
    /// narrow a large map, their input gradients have short sums and many results, for which our tiles are too small.
    ///
    /// A rule, not a measurement at the start of a run: ranks and runs would measure differently, and differ.
    private static func blasInputGradientIsFaster(_ shape: ConvolutionShape) -> Bool {
        shape.isPointwise && shape.input.pixels >= 784 && shape.inputChannels >= 2 * shape.outputChannels
            && shape.outputChannels >= lanes
    }
}
