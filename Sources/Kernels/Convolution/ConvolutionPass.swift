/// One way to compute a convolution, or the gradient with respect to its input, for one geometry.
protocol ConvolutionPass: Sendable {
    /// Values of a prepared filter.
    var filterCount: Int { get }
    /// Values of scratch memory, whatever the batch.
    var workspaceCount: Int { get }

    /// Brings `filter`, [kernel, kernel, inputChannels, outputChannels], into the form that `run` reads.
    func prepare(_ filter: UnsafePointer<Float>, into prepared: UnsafeMutablePointer<Float>)

    /// Computes the result for `batch` images, through `epilogue`.
    func run(
        _ input: UnsafePointer<Float>, prepared: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, batch: Int,
        epilogue: Epilogue, workspace: UnsafeMutablePointer<Float>)
}

/// One way to compute the gradient with respect to a filter, for one geometry.
protocol FilterGradientPass: Sendable {
    /// Values of scratch memory, whatever the batch.
    var workspaceCount: Int { get }

    /// Overwrites `filterGradient`, [kernel, kernel, inputChannels, outputChannels], with the sum over the batch.
    func run(
        input: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>, filterGradient: UnsafeMutablePointer<Float>,
        batch: Int, workspace: UnsafeMutablePointer<Float>)
}
