import Kernels

/// Where each max-pool of a pass found its maxima: a byte per output value, the place in the window.
final class PoolingIndices {
    private var memory: [UnsafeMutablePointer<UInt8>?]

    init(network: Network, nodes: [Network.Node], capacity: Int) {
        memory = nodes.map { node in
            guard case .maxPool = node.operation else { return nil }
            return .allocate(capacity: network.values[node.output].count * capacity)
        }
    }

    deinit {
        for pointer in memory { pointer?.deallocate() }
    }

    /// The indices of node `index`, or nil if it is no max-pool.
    subscript(index: Int) -> UnsafeMutablePointer<UInt8>? { memory[index] }
}
