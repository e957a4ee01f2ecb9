import Attacks
import Diagnostics
import Kernels
import NeuralNet
import Testing

private let shape = ImageShape(height: 4, width: 5, channels: 3)

/// A network that has broken down on one image, but whose gradient does not show it: a ReLU's derivative can be 0 where
/// its activation is not a number.
private final class BrokenClassifier: DifferentiableClassifier {
    let classes = 3
    let imageShape = shape
    let capacity = 4
    private let logit: Float
    /// Calls until `broken` images show the logit.
    private var soundCalls: Int
    private let broken: Int

    init(_ logit: Float, image: Int, afterCalls: Int) {
        self.logit = logit
        broken = image
        soundCalls = afterCalls
    }

    func logits(of images: UnsafePointer<Float>, batch: Int, into logits: UnsafeMutablePointer<Float>) {
        logits.update(repeating: 0, count: batch * classes)
        if soundCalls == 0, broken < batch { logits[broken * classes + 1] = logit }
        soundCalls = max(0, soundCalls - 1)
    }

    func inputGradient(
        of images: UnsafePointer<Float>, batch: Int, into gradient: UnsafeMutablePointer<Float>,
        loss: (UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
    ) {
        var logits = [Float](repeating: 0, count: batch * classes)
        self.logits(of: images, batch: batch, into: &logits)
        var derivative = logits
        loss(logits, &derivative)
        gradient.update(repeating: 0, count: batch * imageShape.count)
    }
}

@Suite("Logits that are no numbers")
struct NonFiniteLogitsTests {
    @Test(arguments: [Float.nan, .infinity, -.infinity], Norm.allCases)
    func areAFailureNamingSampleAndStep(_ value: Float, _ norm: Norm) throws {
        let batch = ToyBatch(shape, count: 4, classes: 3, seed: 1)
        let settings = AttackSettings.pgd(ThreatModel(norm: norm, epsilon: 0.1), stepSize: 0.1, steps: 3)
        let failure = #expect(throws: Failure.self) {
            try batch.attacked(settings, model: BrokenClassifier(value, image: 2, afterCalls: 1))
        }
        // The batch's images are called 100, 107, 114 and 121.
        #expect(failure?.message.contains("logits of sample 114") == true && failure?.message.contains("step 2") == true)
        #expect(failure?.remedy != nil)
    }

    @Test func soundLogitsAreNone() throws {
        let batch = ToyBatch(shape, count: 4, classes: 3, seed: 1)
        let settings = AttackSettings.pgd(ThreatModel(norm: .linf, epsilon: 0.1), stepSize: 0.1, steps: 3)
        let model = BrokenClassifier(.nan, image: 2, afterCalls: 3)
        #expect(throws: Never.self) { try batch.attacked(settings, model: model) }
    }
}
