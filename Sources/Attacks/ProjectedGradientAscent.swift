import Diagnostics
import Kernels
import NeuralNet

/// The ascent loop of all gradient attacks: start, then as often as asked: gradient, normalise, step, project.
///
/// FGSM, PGD, targeted and masked forms, L∞ and L2 are values of this loop (`AttackSettings`). An object owns the memory
/// of one thread; `run` allocates nothing.
package final class ProjectedGradientAscent {
    /// May change between runs, but for the norm.
    package var settings: AttackSettings
    private let loss: AscentLoss
    private let startPoint: AscentStart
    package let imageShape: ImageShape
    package let classes: Int
    /// The most images worked on at a time; each group goes through all its steps while it is in cache.
    package let capacity: Int
    /// Images of the last `run` whose first gradient was zero everywhere: a sign of masked gradients, not of robustness
    /// (Athalye et al., ICML 2018).
    package var zeroGradients: Int { zeroGradientPlaces.count }
    /// Whether the last call threw because the model's logits or gradient were not finite.
    package private(set) var foundNonFinite = false

    /// Ascending.
    private var zeroGradientPlaces: [Int] = []
    private let gradient: FloatBuffer
    private let ones: FloatBuffer
    /// What each value of the images at work may move; empty for L2.
    private let budgets: FloatBuffer
    /// Logits of the images at work as they are; empty where the loss does not ask for them.
    private let cleanLogits: FloatBuffer

    /// - Parameters:
    ///   - start: nil for the whole ball or the image, as the settings say.
    ///   - capacity: the most images worked on at a time.
    package init(
        _ settings: AttackSettings, loss: AscentLoss = .crossEntropy, start: AscentStart? = nil, imageShape: ImageShape, classes: Int,
        capacity: Int
    ) {
        self.settings = settings
        self.loss = loss
        startPoint = start ?? (settings.randomStart ? .uniform(share: 1) : .image)
        self.imageShape = imageShape
        self.classes = classes
        self.capacity = capacity
        gradient = FloatBuffer(count: capacity * imageShape.count)
        ones = FloatBuffer(count: imageShape.pixels * capacity)
        ones.fill(1)
        budgets = FloatBuffer(count: settings.threat.norm == .linf ? capacity * imageShape.count : 0)
        cleanLogits = FloatBuffer(count: loss == .divergence ? capacity * classes : 0)
    }

    /// Perturbs `count` images, each from its own random start, or from itself if the settings want none.
    ///
    /// Cost: `steps` input gradients of the model per image, and with `.divergence` a forward pass.
    ///
    /// - Parameters:
    ///   - model: what is attacked.
    ///   - images: [count, height, width, channels] in [0, 1].
    ///   - labels: the classes to move away from (or towards, if targeted).
    ///   - mask: [count, height, width] in [0, 1]; nil for all ones.
    ///   - epoch, sampleIndices: with `seed`, what the random start of each image is drawn from.
    ///   - adversarial: where the perturbed images go; not the images themselves.
    ///   - beat: called after every step of a group, to show that something happens.
    /// - Throws: `Failure` naming the sample and step if the model's logits or gradient are not finite.
    package func run(
        model: some DifferentiableClassifier, images: UnsafePointer<Float>, labels: UnsafePointer<Int32>,
        mask: UnsafePointer<Float>?, count: Int, seed: UInt64, epoch: Int, sampleIndices: UnsafePointer<Int>,
        adversarial: UnsafeMutablePointer<Float>, beat: () -> Void = {}
    ) throws {
        let values = imageShape.count
        for i in 0..<count {
            let start = adversarial + i * values
            if startPoint != .image {
                let random = Philox(seed: seed, purpose: .randomStart, epoch: epoch, sample: sampleIndices[i])
                let stepMask = stepMask(mask, first: i)
                writeBudgets(stepMask, count: 1)
                let ball = MaskedBall(
                    threat: settings.threat, image: images + i * values, mask: stepMask, budgets: budgets.pointer, shape: imageShape)
                switch startPoint {
                case .image: break
                case .uniform(let share): ball.randomStart(random, share: share, scratch: gradient.pointer, into: start)
                case .normal(let deviation): ball.normalStart(random, deviation: deviation, scratch: gradient.pointer, into: start)
                }
            } else {
                start.update(from: images + i * values, count: values)
            }
        }
        try run(
            model: model, images: images, labels: labels, mask: mask, count: count, start: adversarial,
            adversarial: adversarial, names: sampleIndices, beat: beat)
    }

    /// Perturbs `count` images from given starting points, which should lie in the masked ball.
    ///
    /// - Parameters:
    ///   - start: [count, height, width, channels]; may be `adversarial` itself.
    ///   - names: what to call the images in a message; nil for their places.
    package func run(
        model: some DifferentiableClassifier, images: UnsafePointer<Float>, labels: UnsafePointer<Int32>,
        mask: UnsafePointer<Float>?, count: Int, start: UnsafePointer<Float>,
        adversarial: UnsafeMutablePointer<Float>, names: UnsafePointer<Int>? = nil, beat: () -> Void = {}
    ) throws {
        zeroGradientPlaces.removeAll(keepingCapacity: true)
        foundNonFinite = false
        if start != UnsafePointer(adversarial) { adversarial.update(from: start, count: count * imageShape.count) }
        let group = min(capacity, model.capacity)
        for first in stride(from: 0, to: count, by: group) {
            try ascend(
                model: model, images: images + first * imageShape.count, labels: labels + first,
                mask: stepMask(mask, first: first), count: min(group, count - first),
                adversarial: adversarial + first * imageShape.count, names: names.map { $0 + first }, first: first, beat: beat)
        }
        guard settings.maskTime == .final, let mask else { return }
        for i in 0..<count {
            maskPerturbation(
                images + i * imageShape.count, mask: mask + i * imageShape.pixels,
                adversarial: adversarial + i * imageShape.count)
        }
    }

    /// Whether image `place` of the last `run` was one of the `zeroGradients`.
    package func hadZeroGradient(_ place: Int) -> Bool { zeroGradientPlaces.contains(place) }

    /// The mask that acts in the steps, from image `first` on.
    private func stepMask(_ mask: UnsafePointer<Float>?, first: Int) -> UnsafePointer<Float> {
        if settings.maskTime == .everyStep, let mask { return mask + first * imageShape.pixels }
        return UnsafePointer(ones.pointer)
    }

    /// Fills `budgets` for the first `count` ≤ `capacity` images of a mask.
    private func writeBudgets(_ mask: UnsafePointer<Float>, count: Int) {
        guard settings.threat.norm == .linf else { return }
        for i in 0..<count {
            MaskedBall.writeBudgets(
                settings.threat, mask: mask + i * imageShape.pixels, shape: imageShape,
                into: budgets.pointer + i * imageShape.count)
        }
    }

    private func ascend(
        model: some DifferentiableClassifier, images: UnsafePointer<Float>, labels: UnsafePointer<Int32>,
        mask: UnsafePointer<Float>, count: Int, adversarial: UnsafeMutablePointer<Float>, names: UnsafePointer<Int>?, first: Int,
        beat: () -> Void
    ) throws {
        let values = imageShape.count
        writeBudgets(mask, count: count)
        if loss == .divergence { model.logits(of: images, batch: count, into: cleanLogits.pointer) }
        for step in 0..<settings.steps {
            // Both are looked at: a backward pass can lose what is not a number where an activation gates it.
            var broken: Int?
            model.inputGradient(of: UnsafePointer(adversarial), batch: count, into: gradient.pointer) { logits, derivative in
                broken = Elementwise.firstNonFinite(logits, count: count * classes)
                switch loss {
                case .crossEntropy:
                    CrossEntropy.lossesAndGradient(
                        logits, labels: labels, batch: count, classes: classes, smoothing: 0,
                        gradientScale: settings.targeted ? -1 : 1, losses: nil, gradient: derivative)
                case .divergence:
                    KullbackLeibler.lossesAndGradients(
                        cleanLogits.pointer, logits, batch: count, classes: classes, losses: nil, firstGradient: nil,
                        secondGradient: derivative)
                }
            }
            if let broken {
                foundNonFinite = true
                throw notFinite("logits", "are", broken / classes, names, step)
            }
            if let index = Elementwise.firstNonFinite(UnsafePointer(gradient.pointer), count: count * values) {
                foundNonFinite = true
                throw notFinite("input gradient", "is", index / values, names, step)
            }
            for i in 0..<count {
                let g = gradient.pointer + i * values
                if step == 0, (0..<values).allSatisfy({ g[$0] == 0 }), !isProtected(mask + i * imageShape.pixels) {
                    zeroGradientPlaces.append(first + i)
                }
                MaskedBall(
                    threat: settings.threat, image: images + i * values, mask: mask + i * imageShape.pixels,
                    budgets: budgets.pointer + i * values, shape: imageShape
                ).step(settings.stepSize, along: g, from: adversarial + i * values)
            }
            beat()
        }
    }

    /// Whether a divergence has no gradient because the image may not move: nothing is masked but pixels.
    private func isProtected(_ mask: UnsafePointer<Float>) -> Bool {
        loss == .divergence && (0..<imageShape.pixels).allSatisfy { settings.threat.budget(mask[$0]) == 0 }
    }

    private func notFinite(
        _ what: String, _ verb: String, _ image: Int, _ names: UnsafePointer<Int>?, _ step: Int
    ) -> Failure {
        Failure(
            .internalError, "the \(what) of sample \(names?[image] ?? image) \(verb) not finite in attack step \(step + 1)",
            remedy: "the weights have probably diverged: lower the learning rate, or start from an earlier checkpoint")
    }

    private func maskPerturbation(
        _ image: UnsafePointer<Float>, mask: UnsafePointer<Float>, adversarial: UnsafeMutablePointer<Float>
    ) {
        let threat = settings.threat
        for pixel in 0..<imageShape.pixels {
            let share = threat.share(mask[pixel])
            for i in pixel * imageShape.channels..<(pixel + 1) * imageShape.channels {
                adversarial[i] =
                    share == 0 ? image[i] : min(max(image[i] + (adversarial[i] - image[i]) * share, 0), 1)
            }
        }
    }
}
