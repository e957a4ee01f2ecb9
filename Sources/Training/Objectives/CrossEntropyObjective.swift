import Kernels
import NeuralNet

/// The sum of the cross-entropies of the images given: adversarial training as Madry et al. (ICLR 2018) put it, SIP-AT, and
/// natural training, which differ in the images alone.
final class CrossEntropyObjective: Objective {
    static let givesImageGradient = true

    private let smoothing: Float
    private let losses: FloatBuffer

    /// - Parameters:
    ///   - smoothing: share of the target spread over all classes.
    ///   - capacity: the most images of a micro-batch.
    init(smoothing: Float, capacity: Int) {
        self.smoothing = smoothing
        losses = FloatBuffer(count: capacity)
    }

    func differentiate(
        _ microBatch: MicroBatch, pass: TrainingPass, step: UnsafeMutablePointer<Float>, completed: (_ offset: Int) throws -> Void
    ) rethrows {
        let (labels, count) = (microBatch.labels, microBatch.count)
        let logits = pass.forward(microBatch.images, batch: count)
        CrossEntropy.lossesAndGradient(
            logits, labels: labels, batch: count, classes: pass.classes, smoothing: smoothing, gradientScale: 1,
            losses: losses.pointer, gradient: pass.logitsGradient)
        var loss = 0.0
        for i in 0..<count { loss += Double(losses[i]) }
        step[pass.layout.lossOffset] = Float(loss)
        step[pass.layout.correctOffset] = Float(CrossEntropy.correct(logits, labels: labels, batch: count, classes: pass.classes, top: 1))
        pass.writeStatistics(into: step)
        try completed(pass.layout.statisticsOffset)
        try pass.backward(parameters: step, images: microBatch.imageGradient, completed: completed)
    }
}
