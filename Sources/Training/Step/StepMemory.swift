import Diagnostics
import Kernels
import NeuralNet

extension TrainingStep {
    /// The least memory that steps will take on one rank, its batches included: what is certain to be allocated, without
    /// the scratch of single kernels. To be asked before any of it is.
    ///
    /// - Parameters:
    ///   - batch: images of this rank.
    package static func memoryNeed(network: Network, batch: Int, microBatch: Int, threads: Int, settings: StepSettings) -> MemoryNeed {
        let (attacks, masks) = (settings.attack != nil, settings.mask != nil)
        let float = MemoryLayout<Float>.size
        var need = MemoryNeed()
        // Weights, momentum, prepared filters (twice their size or more), one arena of gradients.
        need.add(5, network.parameterCount, float)
        need.add(3, batch, network.input.count + network.input.pixels, float)
        if attacks { need.add(batch, network.input.count, float) }
        if settings.attack?.replays ?? 0 > 0 { need.add(2, batch, network.input.count, float) }
        if settings.averageDecay > 0 { need.add(network.parameterCount, float) }
        if settings.weightPerturbation != nil { need.add(network.parameterCount, float) }
        if settings.objective != .crossEntropy { need.add(threads, network.parameterCount, float) }
        if masks { need.add(batch, network.input.pixels, float) }
        let activations = PassMemory.floats(
            network: network, nodes: network.nodes, backward: BackwardPlan(nodes: network.nodes, recomputes: true), capacity: 1, keepsInputs: true)
        need.add(threads, min(microBatch, batch), activations, float)
        return need
    }
}
