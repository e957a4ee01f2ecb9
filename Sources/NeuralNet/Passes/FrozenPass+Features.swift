import Kernels

/// What Grad-CAM and its kin look at: the activation that is averaged over its pixels for the last layer.
extension FrozenPass {
    /// The shape of that activation, per image.
    package var featureShape: ImageShape { model.network.values[featureNode.input] }

    /// The node that averages it.
    private var featureNode: Network.Node {
        model.nodes.last {
            if case .globalAveragePool = $0.operation { true } else { false }
        }!
    }

    /// The activation of `batch` ≤ `capacity` images, and the derivative of a loss with respect to it.
    ///
    /// Behind an average the derivative is the same at every pixel: it is given once for each channel.
    ///
    /// - Parameters:
    ///   - images: [batch, height, width, channels].
    ///   - activation: [batch] of `featureShape`, overwritten.
    ///   - gradient: [batch, `featureShape.channels`], overwritten.
    ///   - loss: as for `inputGradient`.
    package func features(
        of images: UnsafePointer<Float>, batch: Int, into activation: UnsafeMutablePointer<Float>, gradient: UnsafeMutablePointer<Float>,
        loss: (_ logits: UnsafePointer<Float>, _ logitsGradient: UnsafeMutablePointer<Float>) -> Void
    ) {
        let (pool, shape) = (featureNode, featureShape)
        guard let last = model.nodes.last, case .linear(let layer) = last.operation, last.input == pool.output else {
            preconditionFailure("a network ends in an average and a linear layer")
        }
        forward(images, batch: batch) { node, output in
            if node.output == pool.input { activation.update(from: output, count: batch * shape.count) }
        }
        loss(memory.value(last.output), memory.gradient(0))
        let weights = model.linear(layer).weight
        for i in 0..<batch {
            Linear.inputGradient(
                memory.gradient(0) + i * classes, weights: weights, batch: 1, inputs: shape.channels, outputs: classes,
                inputGradient: gradient + i * shape.channels)
        }
        for i in 0..<batch * shape.channels { gradient[i] /= Float(shape.pixels) }
    }
}
