import Kernels
import NeuralNet

/// The exponential moving average of the weights, w̄ ← τ·w̄ + (1 − τ)·w after each step. It begins with the weights that the run
/// begins with; τ is min(decay, (1 + t)/(10 + t)) after step t, so that a short run is not an average over its beginning.
/// BatchNorm's running statistics are averages already: those of the weights are taken.
final class WeightAverage {
    let state: ModelState
    private let decay: Double

    init(_ state: ModelState, decay: Double) {
        self.decay = decay
        self.state = ModelState(network: state.network)
        self.state.copy(from: state)
    }

    /// - Parameter step: steps taken, at least 1.
    func follow(_ weights: ModelState, step: Int) {
        let kept = Float(min(decay, Double(1 + step) / Double(10 + step)))
        let (average, parameters) = (state.parameters.pointer, weights.parameters.pointer)
        for i in 0..<state.parameters.count { average[i] = kept * average[i] + (1 - kept) * parameters[i] }
        state.buffers.copy(from: weights.buffers)
    }
}
