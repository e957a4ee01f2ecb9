import Diagnostics
import Kernels

/// How random weights are drawn.
package enum WeightDraw: String, Sendable, Hashable, CaseIterable {
    /// As torchvision's ResNets and DenseNets.
    case torchvision
    /// As PyTorch's layers where nobody says otherwise.
    case pytorch
}

/// A network's parameters and BatchNorm's running statistics, each in one contiguous arena.
package final class ModelState: @unchecked Sendable {
    package let network: Network
    /// In the layout of `Network.parameters`.
    package let parameters: FloatBuffer
    /// Running means and variances, in the layout of `Network.buffers`.
    package let buffers: FloatBuffer

    /// Zero parameters, and the running statistics that PyTorch starts with.
    package init(network: Network) {
        self.network = network
        parameters = FloatBuffer(count: network.parameterCount)
        buffers = FloatBuffer(count: network.bufferCount)
        for layer in network.batchNorms {
            (buffers.pointer + layer.runningVariance).update(repeating: 1, count: layer.channels)
        }
    }

    /// Draws parameters as torchvision does: filters normal with variance 2/(k²·outputs) (He et al. 2015, fan-out),
    /// γ = 1, β = 0, linear weights and biases uniform in ±1/√inputs; in DenseNets 2/(k²·inputs), and no bias.
    ///
    /// Or as PyTorch's layers do by themselves: all weights, and the linear layers' biases, uniform in ±1/√(inputs·k²).
    package convenience init(network: Network, seed: UInt64, draw: WeightDraw = .torchvision) {
        self.init(network: network)
        for (index, layout) in network.parameters.enumerated() where layout.order == .filter {
            let random = Philox(seed: seed, purpose: .initialization, sample: index)
            let values = parameters.pointer + layout.offset
            switch draw {
            case .torchvision:
                let fan = Float(layout.shape[network.drawsFiltersByInputs ? 1 : 0] * layout.shape[2] * layout.shape[3])
                random.fillNormal(values, count: layout.count, standardDeviation: (2 / fan).squareRoot())
            case .pytorch:
                let bound = 1 / Float(layout.shape[1] * layout.shape[2] * layout.shape[3]).squareRoot()
                random.fillUniform(values, count: layout.count, low: -bound, high: bound)
            }
        }
        for layer in network.batchNorms {
            (parameters.pointer + layer.weight).update(repeating: 1, count: layer.channels)
        }
        for (index, layer) in network.linears.enumerated() {
            let bound = 1 / Float(layer.inputs).squareRoot()
            for (part, (offset, count)) in [(layer.weight, layer.outputs * layer.inputs), (layer.bias, layer.outputs)]
                .enumerated() where part == 0 || !network.drawsFiltersByInputs || draw == .pytorch
            {
                Philox(seed: seed, purpose: .initialization, sample: 1_000_000 + 2 * index + part).fillUniform(
                    parameters.pointer + offset, count: count, low: -bound, high: bound)
            }
        }
    }

    /// Every tensor of the state_dict: parameters, then running statistics.
    package var layouts: [TensorLayout] { network.parameters + network.buffers }

    /// Names that PyTorch's state_dicts have and this state does not need: BatchNorm's counters.
    package var counterNames: [String] { network.batchNorms.map { "\($0.name).num_batches_tracked" } }

    /// A tensor in PyTorch's order. `index` counts through `layouts`.
    package func exported(_ index: Int) -> [Float] {
        let (layout, arena) = place(index)
        return [Float](unsafeUninitializedCapacity: layout.count) { output, count in
            layout.export(from: arena.pointer, into: output.baseAddress!)
            count = layout.count
        }
    }

    /// Overwrites a tensor with values in PyTorch's order, of which there must be as many as the tensor has.
    package func load(_ index: Int, _ values: [Float]) {
        let (layout, arena) = place(index)
        precondition(values.count == layout.count, "\(layout.name): \(values.count) values for \(layout.count)")
        values.withUnsafeBufferPointer { layout.load(from: $0.baseAddress!, into: arena.pointer) }
    }

    /// Takes over parameters and running statistics of a state of the same network.
    package func copy(from other: ModelState) {
        parameters.copy(from: other.parameters)
        buffers.copy(from: other.buffers)
    }

    private func place(_ index: Int) -> (TensorLayout, FloatBuffer) {
        index < network.parameters.count
            ? (network.parameters[index], parameters)
            : (network.buffers[index - network.parameters.count], buffers)
    }
}
