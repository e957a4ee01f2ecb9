/// The update of PyTorch's `SGD`, in one pass over memory.
package enum StochasticGradientDescent {
    /// With g = gradient · gradientScale + weightDecay · w: v ← momentum · v + g, and w ← w − learningRate · v, or with
    /// Nesterov's momentum w ← w − learningRate · (g + momentum · v).
    package static func update(
        parameters: UnsafeMutablePointer<Float>, gradients: UnsafePointer<Float>,
        momentumBuffer: UnsafeMutablePointer<Float>, count: Int, learningRate: Float, momentum: Float, nesterov: Bool,
        weightDecay: Float, gradientScale: Float
    ) {
        var i = 0
        while i + lanes <= count {
            let w = load(parameters + i)
            let g = (load(gradients + i) * gradientScale).addingProduct(w, Vector(repeating: weightDecay))
            let v = g.addingProduct(load(momentumBuffer + i), Vector(repeating: momentum))
            store(v, to: momentumBuffer + i)
            let step = nesterov ? g.addingProduct(v, Vector(repeating: momentum)) : v
            store(w.addingProduct(step, Vector(repeating: -learningRate)), to: parameters + i)
            i += lanes
        }
        while i < count {
            let g = (gradients[i] * gradientScale).addingProduct(parameters[i], weightDecay)
            let v = g.addingProduct(momentumBuffer[i], momentum)
            momentumBuffer[i] = v
            parameters[i] = parameters[i].addingProduct(nesterov ? g.addingProduct(v, momentum) : v, -learningRate)
            i += 1
        }
    }
}
