import Kernels
import NeuralNet

/// Adversarial weight perturbation (AWP: Wu, Xia and Wang, NeurIPS 2020): the update's gradient is taken where the weights are
/// worse, in the direction of their own gradient.
///
/// Tensors of one dimension stay. The gradient is the whole batch's, summed over all ranks, so all move alike.
final class WeightPerturber {
    private let settings: StepSettings.WeightPerturbation
    /// What was added to the parameters.
    private let difference: FloatBuffer

    init(_ settings: StepSettings.WeightPerturbation, network: Network) {
        self.settings = settings
        difference = FloatBuffer(count: network.parameterCount)
    }

    func isActive(epoch: Int) -> Bool { epoch >= settings.firstEpoch }

    /// Adds γ·‖w‖/(‖Δ‖ + 10⁻²⁰)·Δ to each filter and matrix w, for Δ = learning rate · gradient.
    ///
    /// - Parameter step: sums over `samples` samples, in the layout of `StepLayout`.
    func perturb(_ state: ModelState, step: UnsafePointer<Float>, samples: Int) {
        let scale = Double(settings.rate) / Double(samples)
        for layout in state.network.parameters where layout.shape.count > 1 {
            let (weights, gradient) = (state.parameters.pointer + layout.offset, step + layout.offset)
            let change = difference.pointer + layout.offset
            let factor = Float(Double(settings.gamma) * norm(weights, layout.count) / (scale * norm(gradient, layout.count) + 1e-20) * scale)
            for i in 0..<layout.count {
                change[i] = factor * gradient[i]
                weights[i] += change[i]
            }
        }
    }

    /// Takes back what `perturb` added.
    func restore(_ state: ModelState) {
        for layout in state.network.parameters where layout.shape.count > 1 {
            let (weights, change) = (state.parameters.pointer + layout.offset, difference.pointer + layout.offset)
            for i in 0..<layout.count { weights[i] -= change[i] }
        }
    }

    private func norm(_ values: UnsafePointer<Float>, _ count: Int) -> Double {
        var sum = 0.0
        for i in 0..<count { sum += Double(values[i]) * Double(values[i]) }
        return sum.squareRoot()
    }
}
