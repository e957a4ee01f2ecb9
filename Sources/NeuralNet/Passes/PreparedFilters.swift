import Kernels

/// Every convolution's filter in the forms its algorithm reads, for the forward pass and the input gradient.
///
/// Prepared once per change of weights and then read by any number of threads. A training step prepares it twice: with
/// BatchNorm folded in for the attack, and plain for the update. Memory: for each filter twice its size, and
/// several times as much where Winograd's algorithm reads it transformed.
package final class PreparedFilters: @unchecked Sendable {
    package let convolutions: [Convolution]
    let storage: FloatBuffer
    private let forwardOffsets: [Int]
    private let inputGradientOffsets: [Int]
    private let scaled: FloatBuffer

    /// Floats of scratch that any of the convolutions needs.
    package let workspaceCount: Int

    /// - Parameters:
    ///   - backend: what computes the convolutions.
    ///   - precision: of the operands of their products.
    ///   - other: filters of the same network whose memory may be overwritten; the two then take turns.
    package init(
        network: Network, backend: KernelBackend = .standard, precision: ProductPrecision = .float32, sharing other: PreparedFilters? = nil
    ) {
        convolutions = network.convolutions.map { Convolution($0.shape, backend: backend, precision: precision) }
        var offset = 0
        func place(_ count: Int) -> Int {
            defer { offset += (count + 15) & ~15 }
            return offset
        }
        forwardOffsets = convolutions.map { place($0.forwardFilterCount) }
        inputGradientOffsets = convolutions.map { place($0.inputGradientFilterCount) }
        storage = other.flatMap { $0.storage.count >= offset ? $0.storage : nil } ?? FloatBuffer(count: offset)
        scaled = other?.scaled ?? FloatBuffer(count: network.convolutions.map(\.shape.filterCount).max() ?? 0)
        workspaceCount = convolutions.map(\.workspaceCount).max() ?? 0
    }

    /// Prepares one layer's filter, its output channels multiplied by `scale` if given.
    ///
    /// - Parameter inputGradient: whether the input gradient will be asked for.
    func prepare(
        layer: Int, filter: UnsafePointer<Float>, scale: UnsafePointer<Float>? = nil, inputGradient: Bool = true
    ) {
        let convolution = convolutions[layer]
        var filter = filter
        if let scale {
            let channels = convolution.shape.outputChannels
            for row in 0..<convolution.shape.filterCount / channels {
                for channel in 0..<channels {
                    scaled.pointer[row * channels + channel] = filter[row * channels + channel] * scale[channel]
                }
            }
            filter = UnsafePointer(scaled.pointer)
        }
        convolution.prepareForward(filter, into: storage.pointer + forwardOffsets[layer])
        if inputGradient {
            convolution.prepareInputGradient(filter, into: storage.pointer + inputGradientOffsets[layer])
        }
    }

    func forward(_ layer: Int) -> UnsafePointer<Float> { UnsafePointer(storage.pointer + forwardOffsets[layer]) }

    func inputGradient(_ layer: Int) -> UnsafePointer<Float> {
        UnsafePointer(storage.pointer + inputGradientOffsets[layer])
    }
}
