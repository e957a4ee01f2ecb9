import Kernels
import NeuralNet

/// A loss of the model's answers to an image and to the same image under attack.
package protocol PairLoss: Sendable {
    /// The sum of the losses, and its derivatives with respect to both sets of logits, which are [count, classes].
    ///
    /// - Parameters:
    ///   - clean, adversarial: logits of the images as they are and under attack.
    ///   - cleanGradient, adversarialGradient: overwritten.
    func evaluate(
        clean: UnsafePointer<Float>, adversarial: UnsafePointer<Float>, labels: UnsafePointer<Int32>, count: Int, classes: Int,
        cleanGradient: UnsafeMutablePointer<Float>, adversarialGradient: UnsafeMutablePointer<Float>
    ) -> Double
}

/// Minimises a `PairLoss`: two forward passes in training mode, each with BatchNorm statistics of its own, and a backward pass
/// through both. Running statistics follow the clean images and then the attacked ones, as in PyTorch code that calls its model
/// with the one and then the other. Correct predictions are those under attack.
///
/// One set of activations serves both passes: the clean images go forward a second time before the backward pass that belongs
/// to them. Cost per image: 7 times `Network.flops`. Memory: a copy of the parameters' gradients.
final class PairObjective: Objective {
    static let givesImageGradient = false

    private let loss: any PairLoss
    private let cleanLogits: FloatBuffer
    private let cleanGradient: FloatBuffer
    /// Parameter gradients of the attacked images' pass.
    private let first: FloatBuffer

    /// - Parameter capacity: the most images of a micro-batch.
    init(_ loss: any PairLoss, network: Network, capacity: Int) {
        self.loss = loss
        cleanLogits = FloatBuffer(count: capacity * network.classes)
        cleanGradient = FloatBuffer(count: capacity * network.classes)
        first = FloatBuffer(count: network.parameterCount)
    }

    func differentiate(
        _ microBatch: MicroBatch, pass: TrainingPass, step: UnsafeMutablePointer<Float>, completed: (_ offset: Int) throws -> Void
    ) rethrows {
        let (labels, count, classes) = (microBatch.labels, microBatch.count, pass.classes)
        cleanLogits.pointer.update(from: pass.forward(microBatch.clean, batch: count), count: count * classes)
        pass.writeStatistics(into: step)
        let logits = pass.forward(microBatch.images, batch: count)
        pass.addStatistics(to: step)
        step[pass.layout.correctOffset] = Float(CrossEntropy.correct(logits, labels: labels, batch: count, classes: classes, top: 1))
        step[pass.layout.lossOffset] = Float(
            loss.evaluate(
                clean: cleanLogits.pointer, adversarial: logits, labels: labels, count: count, classes: classes,
                cleanGradient: cleanGradient.pointer, adversarialGradient: pass.logitsGradient))
        pass.backward(parameters: first.pointer, images: nil) { _ in }
        pass.forward(microBatch.clean, batch: count)
        pass.logitsGradient.update(from: cleanGradient.pointer, count: count * classes)
        try completed(pass.layout.statisticsOffset)
        var end = pass.layout.statisticsOffset
        try pass.backward(parameters: step, images: nil) { offset in
            let place = step + offset
            Elementwise.addGated(place, first.pointer + offset, gate: nil, count: end - offset, output: place)
            end = offset
            try completed(offset)
        }
    }
}
