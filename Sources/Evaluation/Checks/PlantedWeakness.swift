import Attacks
import Kernels
import NeuralNet

/// The active test (Zimmermann, Brendel, Tramèr and Carlini, NeurIPS 2022): a model in which every image has a weakness that is
/// known to be there. An attack that does not find it would not find one that nobody knows of.
///
/// For each image the model is read anew: from its logits a direction is taken in which one image at the border of the ball, found
/// by looking at many, sticks out from images of the inner ball; who gets past a threshold between them has won. The reading comes
/// after all that the model does, so a model that hides its gradients hides this weakness too.
final class PlantedWeakness {
    private let model: any DifferentiableClassifier
    private let settings: CheckSettings
    private let values: Int
    private let point: FloatBuffer
    private let logits: FloatBuffer
    private let driver: AttackDriver
    /// Images of the inner ball, and candidates at the border.
    private static let (inner, border) = (400, 200)
    private static let stream = 12 << 20 | 2 << 16

    init(_ model: any DifferentiableClassifier, _ settings: CheckSettings) {
        self.model = model
        self.settings = settings
        values = model.imageShape.count
        point = FloatBuffer(count: values)
        logits = FloatBuffer(count: model.classes)
        driver = AttackDriver(imageShape: model.imageShape, classes: 2, capacity: 1)
    }

    /// - Returns: whether the attack found the weakness; nil where none could be planted, as no border image sticks out.
    func isFound(_ image: UnsafePointer<Float>, index: Int) throws -> Bool? {
        let inner = (0..<Self.inner).map { answer(image, index, $0, toBorder: false) }
        let border = (0..<Self.border).map { answer(image, index, Self.inner + $0, toBorder: true) }
        let classes = model.classes
        let mean = (0..<classes).map { c in inner.reduce(0.0) { $0 + Double($1[c]) } / Double(inner.count) }
        func length(_ z: [Float]) -> Double {
            (0..<classes).reduce(0.0) { $0 + (Double(z[$1]) - mean[$1]) * (Double(z[$1]) - mean[$1]) }.squareRoot()
        }
        guard let planted = border.max(by: { length($0) < length($1) }), length(planted) > 0, length(planted).isFinite else { return nil }
        let norm = length(planted)
        let direction = (0..<classes).map { (Double(planted[$0]) - mean[$0]) / norm }
        func height(_ z: [Float]) -> Double { (0..<classes).reduce(0.0) { $0 + direction[$1] * (Double(z[$1]) - mean[$1]) } }
        guard let highest = inner.map(height).max(), height(planted) > highest else { return nil }
        let threshold = (highest + height(planted)) / 2
        // In units of the distance to be gone, so that the loss is as steep for one model as for another.
        let scale = 1 / max(threshold, .leastNormalMagnitude)
        let offset = (0..<classes).reduce(0.0) { $0 + direction[$1] * mean[$1] } + threshold
        let sides = BinaryReadout.Sides(
            zero: [], one: (0..<classes).map { (index: $0, factor: Float(direction[$0] * scale)) }, constant: Float(-offset * scale))
        let readout = BinaryReadout(model) { _ in sides }
        var isFound = false
        let attack = settings.pgd("planted", steps: settings.plantedSteps)
        try driver.run(attack, model: readout, on: LoneImage(image: image, shape: model.imageShape, index: index), seed: settings.seed) { outcome, _ in
            isFound = outcome.succeeded
        }
        return isFound
    }

    private func answer(_ image: UnsafePointer<Float>, _ index: Int, _ draw: Int, toBorder: Bool) -> [Float] {
        let random = Philox(seed: settings.seed, purpose: .evaluation, epoch: Self.stream | draw, sample: index)
        if toBorder {
            Perturbations.border(random, norm: settings.norm, epsilon: settings.epsilon, image: image, count: values, into: point.pointer)
        } else {
            Perturbations.uniform(random, norm: settings.norm, epsilon: settings.epsilon, image: image, count: values, into: point.pointer)
        }
        model.logits(of: UnsafePointer(point.pointer), batch: 1, into: logits.pointer)
        return (0..<model.classes).map { logits[$0] }
    }
}
