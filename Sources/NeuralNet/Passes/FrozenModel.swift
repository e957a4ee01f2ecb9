import Kernels

/// A model's weights in the form that attacks and evaluation read: BatchNorm in evaluation mode folded into filters and
/// biases where it can be, filters prepared once for all passes.
///
/// `freeze` writes it; any number of `FrozenPass`es, one per thread, read it.
package final class FrozenModel: @unchecked Sendable {
    package let network: Network
    package let filters: PreparedFilters
    let nodes: [Network.Node]
    /// Per channel of each BatchNorm, where the running statistics lie too: γ/√(σ²+ε) and β − μ·γ/√(σ²+ε).
    private let scale: FloatBuffer
    private let shift: FloatBuffer
    private let linear: [(weight: FloatBuffer, bias: FloatBuffer)]

    /// - Parameter filters: memory for the prepared filters, which a training pass over the same network may share (it
    ///   must then prepare its own again before it runs).
    package init(network: Network, filters: PreparedFilters? = nil) {
        self.network = network
        self.filters = filters ?? PreparedFilters(network: network)
        nodes = network.frozenNodes
        scale = FloatBuffer(count: network.bufferCount)
        shift = FloatBuffer(count: network.bufferCount)
        linear = network.linears.map { (FloatBuffer(count: $0.inputs * $0.outputs), FloatBuffer(count: $0.outputs)) }
    }

    /// Takes over the weights and running statistics of `state`.
    ///
    /// Cost: one transformation of every filter; no allocation.
    ///
    /// - Parameter inputGradient: whether passes will ask for input gradients; logits alone need half the work.
    package func freeze(_ state: ModelState, inputGradient: Bool = true) {
        let (parameters, buffers) = (state.parameters.pointer, state.buffers.pointer)
        for layer in network.batchNorms {
            let (scale, shift) = (self.scale.pointer + layer.runningMean, self.shift.pointer + layer.runningMean)
            for channel in 0..<layer.channels {
                let deviation = (buffers[layer.runningVariance + channel] + Network.batchNormEpsilon).squareRoot()
                scale[channel] = parameters[layer.weight + channel] / deviation
                shift[channel] = parameters[layer.bias + channel] - buffers[layer.runningMean + channel] * scale[channel]
            }
        }
        for node in nodes {
            guard case .convolution(let layer, let folded) = node.operation else { continue }
            filters.prepare(
                layer: layer, filter: UnsafePointer(parameters + network.convolutions[layer].weight),
                scale: folded.map(scale(of:)), inputGradient: inputGradient)
        }
        for (layer, memory) in zip(network.linears, linear) {
            memory.weight.pointer.update(from: parameters + layer.weight, count: memory.weight.count)
            memory.bias.pointer.update(from: parameters + layer.bias, count: memory.bias.count)
        }
    }

    /// A checksum (64-bit FNV-1a, by words) of all that passes read: whether using the model has changed it.
    package var checksum: UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for buffer in [filters.storage, scale, shift] + linear.flatMap({ [$0.weight, $0.bias] }) {
            for i in 0..<buffer.count { hash = (hash ^ UInt64(buffer.pointer[i].bitPattern)) &* 0x100_0000_01B3 }
        }
        return hash
    }

    func scale(of layer: Int) -> UnsafePointer<Float> {
        UnsafePointer(scale.pointer + network.batchNorms[layer].runningMean)
    }

    func shift(of layer: Int) -> UnsafePointer<Float> {
        UnsafePointer(shift.pointer + network.batchNorms[layer].runningMean)
    }

    func linear(_ layer: Int) -> (weight: UnsafePointer<Float>, bias: UnsafePointer<Float>) {
        (UnsafePointer(linear[layer].weight.pointer), UnsafePointer(linear[layer].bias.pointer))
    }
}
