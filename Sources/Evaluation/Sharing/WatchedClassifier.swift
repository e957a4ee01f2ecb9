import Kernels
import NeuralNet

/// A model that calls back before each question: so that rank 0 answers others, and a stop is heard, while an attack works.
///
/// Once the evaluation stops it answers with zeros without looking, so that the attack comes to its end at once; what it then
/// finds is thrown away.
final class WatchedClassifier: DifferentiableClassifier {
    private let model: any DifferentiableClassifier
    private let beat: () -> Bool

    /// - Parameter beat: returns whether to stop.
    init(_ model: any DifferentiableClassifier, beat: @escaping () -> Bool) {
        self.model = model
        self.beat = beat
    }

    var classes: Int { model.classes }
    var imageShape: ImageShape { model.imageShape }
    var capacity: Int { model.capacity }

    func logits(of images: UnsafePointer<Float>, batch: Int, into logits: UnsafeMutablePointer<Float>) {
        if beat() { return logits.update(repeating: 0, count: batch * classes) }
        model.logits(of: images, batch: batch, into: logits)
    }

    func inputGradient(
        of images: UnsafePointer<Float>, batch: Int, into gradient: UnsafeMutablePointer<Float>,
        loss: (UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
    ) {
        guard beat() else { return model.inputGradient(of: images, batch: batch, into: gradient, loss: loss) }
        var (logits, slopes) = ([Float](repeating: 0, count: batch * classes), [Float](repeating: 0, count: batch * classes))
        loss(&logits, &slopes)
        gradient.update(repeating: 0, count: batch * imageShape.count)
    }
}
