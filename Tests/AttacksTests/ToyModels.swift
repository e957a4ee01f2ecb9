import Attacks
import Kernels
import NeuralNet

/// Logits = W · image: every optimum can be written down.
final class LinearClassifier: DifferentiableClassifier {
    let classes: Int
    let imageShape: ImageShape
    let capacity: Int
    /// [classes, values of an image].
    let weights: [Float]

    init(_ weights: [Float], classes: Int, imageShape: ImageShape, capacity: Int = 64) {
        precondition(weights.count == classes * imageShape.count)
        self.weights = weights
        self.classes = classes
        self.imageShape = imageShape
        self.capacity = capacity
    }

    func logits(of images: UnsafePointer<Float>, batch: Int, into logits: UnsafeMutablePointer<Float>) {
        precondition(batch <= capacity)
        let values = imageShape.count
        for i in 0..<batch {
            for c in 0..<classes {
                var sum = 0.0
                for j in 0..<values { sum += Double(weights[c * values + j]) * Double(images[i * values + j]) }
                logits[i * classes + c] = Float(sum)
            }
        }
    }

    func inputGradient(
        of images: UnsafePointer<Float>, batch: Int, into gradient: UnsafeMutablePointer<Float>,
        loss: (UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
    ) {
        var logits = [Float](repeating: 0, count: batch * classes)
        self.logits(of: images, batch: batch, into: &logits)
        var derivative = [Float](repeating: .nan, count: batch * classes)
        loss(logits, &derivative)
        let values = imageShape.count
        for i in 0..<batch {
            for j in 0..<values {
                var sum = 0.0
                for c in 0..<classes { sum += Double(derivative[i * classes + c]) * Double(weights[c * values + j]) }
                gradient[i * values + j] = Float(sum)
            }
        }
    }
}

/// A model whose input gradients are given: those of image 0, 1, 2 … of the batch, in every step.
final class PrescribedGradient: DifferentiableClassifier {
    let classes = 2
    let imageShape: ImageShape
    let capacity: Int
    private let gradients: [Float]

    init(_ gradients: [Float], imageShape: ImageShape) {
        self.gradients = gradients
        self.imageShape = imageShape
        capacity = gradients.count / imageShape.count
    }

    func logits(of images: UnsafePointer<Float>, batch: Int, into logits: UnsafeMutablePointer<Float>) {
        logits.update(repeating: 0, count: 2 * batch)
    }

    func inputGradient(
        of images: UnsafePointer<Float>, batch: Int, into gradient: UnsafeMutablePointer<Float>,
        loss: (UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
    ) {
        for i in 0..<batch * imageShape.count { gradient[i] = gradients[i] }
    }
}

/// `count` images with what an attack on them needs.
struct ToyBatch {
    var shape: ImageShape
    var images: [Float]
    var labels: [Int32]
    var indices: [Int]
    var mask: [Float]?

    var count: Int { labels.count }

    /// Images uniform in `range`, random labels, no mask.
    init(_ shape: ImageShape, count: Int, classes: Int, seed: UInt64, range: ClosedRange<Float> = 0...1) {
        self.shape = shape
        images = uniform(count * shape.count, seed, low: range.lowerBound, high: range.upperBound)
        labels = (0..<count).map { Int32(Philox(seed: seed, purpose: .test, sample: 1).uniform($0, below: classes)) }
        indices = (0..<count).map { 100 + 7 * $0 }
    }

    /// With a random mask of zeros and ones.
    func masked(seed: UInt64) -> ToyBatch {
        var batch = self
        batch.mask = uniform(count * shape.pixels, seed &+ 99, low: 0, high: 1).map { $0 < 0.5 ? 0 : 1 }
        return batch
    }

    /// Mask value of value `i` of the batch.
    func m(_ i: Int) -> Float { mask?[i / shape.channels] ?? 1 }

    func attacked(
        _ settings: AttackSettings, model: some DifferentiableClassifier, seed: UInt64 = 0, epoch: Int = 0, capacity: Int = 64
    ) throws -> [Float] {
        let ascent = ProjectedGradientAscent(settings, imageShape: shape, classes: model.classes, capacity: capacity)
        return try attacked(ascent, model: model, seed: seed, epoch: epoch)
    }

    func attacked(
        _ ascent: ProjectedGradientAscent, model: some DifferentiableClassifier, seed: UInt64 = 0, epoch: Int = 0
    ) throws -> [Float] {
        var adversarial = [Float](repeating: .nan, count: images.count)
        try ascent.run(
            model: model, images: images, labels: labels, mask: mask, count: count, seed: seed, epoch: epoch,
            sampleIndices: indices, adversarial: &adversarial)
        return adversarial
    }

    /// One step from `start` along given gradients.
    func stepped(_ settings: AttackSettings, from start: [Float], along gradients: [Float]) throws -> [Float] {
        let ascent = ProjectedGradientAscent(settings, imageShape: shape, classes: 2, capacity: count)
        var adversarial = [Float](repeating: .nan, count: images.count)
        try ascent.run(
            model: PrescribedGradient(gradients, imageShape: shape), images: images, labels: labels, mask: mask,
            count: count, start: start, adversarial: &adversarial)
        return adversarial
    }

    func check(_ adversarial: [Float], _ threat: ThreatModel) throws {
        try Admissibility.check(images, adversarial, mask: mask, threat: threat, shape: shape, count: count)
    }
}

func uniform(_ count: Int, _ seed: UInt64, low: Float, high: Float) -> [Float] {
    var values = [Float](repeating: 0, count: count)
    Philox(seed: seed, purpose: .test).fillUniform(&values, count: count, low: low, high: high)
    return values
}

func bits(_ values: [Float]) -> [UInt32] { values.map(\.bitPattern) }

/// Euclidean length of the perturbation of image `i` over the values that `isIn` selects, in float64.
func length(_ batch: ToyBatch, _ adversarial: [Float], image i: Int, where isIn: (Int) -> Bool = { _ in true }) -> Double {
    let range = i * batch.shape.count..<(i + 1) * batch.shape.count
    return range.filter(isIn).reduce(0.0) {
        let move = Double(adversarial[$1]) - Double(batch.images[$1])
        return $0 + move * move
    }.squareRoot()
}
