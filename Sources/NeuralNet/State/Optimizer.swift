import Kernels

/// Settings of stochastic gradient descent.
package struct OptimizerSettings: Sendable, Hashable {
    /// Share of the last step's direction that is kept, 0 to 1.
    package var momentum: Float
    package var nesterov: Bool
    /// L2 penalty on every parameter.
    package var weightDecay: Float

    package init(momentum: Float = 0.9, nesterov: Bool = false, weightDecay: Float = 0) {
        self.momentum = momentum
        self.nesterov = nesterov
        self.weightDecay = weightDecay
    }
}

/// Stochastic gradient descent with momentum, as PyTorch's `SGD` (Sutskever et al. 2013 in PyTorch's form), and
/// BatchNorm's running statistics, updated from a step's sums.
package final class Optimizer {
    package let settings: OptimizerSettings
    /// The momentum buffer, as long as the parameter arena.
    package let momentum: FloatBuffer

    package init(_ settings: OptimizerSettings, network: Network) {
        self.settings = settings
        momentum = FloatBuffer(count: network.parameterCount)
    }

    /// Applies one step.
    ///
    /// With g = gradient + weightDecay · θ and v ← momentum · v + g: θ ← θ − rate · v, or for Nesterov's form
    /// θ ← θ − rate · (g + momentum · v). Running statistics keep nine tenths of themselves. Cost: one pass over the
    /// parameters; no allocation.
    ///
    /// - Parameters:
    ///   - step: sums over `samples` samples, in the layout of `StepLayout`; all are divided by `samples`.
    ///   - learningRate: this step's.
    package func update(_ state: ModelState, step: UnsafePointer<Float>, samples: Int, learningRate: Float) {
        let scale = 1 / Float(samples)
        StochasticGradientDescent.update(
            parameters: state.parameters.pointer, gradients: step, momentumBuffer: momentum.pointer,
            count: state.parameters.count, learningRate: learningRate, momentum: settings.momentum,
            nesterov: settings.nesterov, weightDecay: settings.weightDecay, gradientScale: scale)
        let layout = StepLayout(state.network)
        let statistics = step + layout.statisticsOffset
        let momentum = Network.batchNormMomentum
        for i in 0..<layout.statistics {
            state.buffers[i] = (1 - momentum) * state.buffers[i] + momentum * (statistics[i] * scale)
        }
    }
}
