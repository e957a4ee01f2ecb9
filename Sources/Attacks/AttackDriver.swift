import Diagnostics
import Kernels
import NeuralNet

/// Runs attacks and believes none: each image they return is classified again and measured against ball, mask and [0, 1].
package final class AttackDriver {
    package let imageShape: ImageShape
    package let classes: Int
    package let capacity: Int
    private let logits: FloatBuffer
    private let image: FloatBuffer
    private let mask: FloatBuffer

    /// - Parameter capacity: the most images that attacks work on at a time; memory grows with it.
    package init(imageShape: ImageShape, classes: Int, capacity: Int) {
        self.imageShape = imageShape
        self.classes = classes
        self.capacity = capacity
        logits = FloatBuffer(count: classes)
        image = FloatBuffer(count: imageShape.count)
        mask = FloatBuffer(count: imageShape.pixels)
    }

    /// Runs one attack.
    ///
    /// - Parameters:
    ///   - judge: the model whose answer counts; nil for the one attacked. Another measures how attacks transfer.
    ///   - expected: how many images there will be, at most, where `images` grows; nil for its count.
    ///   - finished: called for each image, in no particular order, with what was found and the adversarial image,
    ///     [height, width, channels], which is good until it returns.
    /// - Throws: what the attack throws, and `Failure` naming the attack and the image if the adversarial image is not
    ///   admissible.
    package func run(
        _ attack: any Attack, model: some DifferentiableClassifier, judge: (any DifferentiableClassifier)? = nil,
        on images: some AttackImages, expected: Int? = nil, seed: UInt64,
        finished: (AttackOutcome, UnsafePointer<Float>) throws -> Void
    ) throws {
        let runner = try attack.makeRunner(
            imageShape: imageShape, classes: classes, capacity: min(capacity, max(expected ?? images.count, 1)))
        try runner.run(model: model, on: images, seed: seed) { image in
            try Admissibility.check(
                image.image, image.adversarial, mask: image.mask, threat: attack.threat, shape: imageShape, count: 1,
                names: ["\(image.index) under \(attack.name)"])
            try finished(outcome(of: image, model: judge ?? model), image.adversarial)
        }
    }

    /// Runs attacks in turn, each on the images that are right and have withstood those before.
    ///
    /// - Parameters:
    ///   - adversarial: receives the misclassified image of each image that falls, with its position; none for images that are
    ///     wrong as they are, or stand.
    ///   - progress: called after each image with the attack's place in the list, the images it is done with, and those it has.
    package func worstCase(
        of attacks: [any Attack], model: some DifferentiableClassifier, on images: some AttackImages, seed: UInt64,
        adversarial: (_ position: Int, UnsafePointer<Float>) throws -> Void = { _, _ in },
        progress: (_ attack: Int, _ done: Int, _ total: Int) throws -> Void = { _, _, _ in }
    ) throws -> WorstCase {
        var result = WorstCase(clean: try clean(images, model: model), records: [])
        for (place, attack) in attacks.enumerated() {
            let isRobust = result.isRobust
            let standing = isRobust.indices.filter { isRobust[$0] }
            if standing.isEmpty { break }
            var outcomes: [AttackOutcome] = []
            try run(attack, model: model, on: SelectedImages(images, positions: standing), seed: seed) { outcome, image in
                var outcome = outcome
                outcome.position = standing[outcome.position]
                outcomes.append(outcome)
                if outcome.succeeded { try adversarial(outcome.position, image) }
                try progress(place, outcomes.count, standing.count)
            }
            outcomes.sort { $0.position < $1.position }
            result.records.append(AttackRecord(attack: attack.description(classes: classes), outcomes: outcomes))
        }
        return result
    }

    /// The images as they are, in order: those that are wrong count as fallen.
    package func clean(_ images: some AttackImages, model: some DifferentiableClassifier) throws -> [AttackOutcome] {
        try (0..<images.count).map { position in
            mask.fill(1)
            let (label, index) = try images.load(position, image: image.pointer, mask: mask.pointer)
            guard (0..<classes).contains(label) else {
                throw Failure.badData("image \(index) has label \(label), and the model \(classes) classes")
            }
            let finished = FinishedImage(
                position: position, index: index, label: label, image: UnsafePointer(image.pointer),
                mask: UnsafePointer(mask.pointer), adversarial: UnsafePointer(image.pointer), claim: AttackClaim())
            var outcome = try outcome(of: finished, model: model)
            outcome.claim.succeeded = outcome.succeeded
            outcome.claim.variant = .none
            outcome.claim.forwardQueries = 1
            return outcome
        }
    }

    private func outcome(of image: FinishedImage, model: any DifferentiableClassifier) throws -> AttackOutcome {
        model.logits(of: image.adversarial, batch: 1, into: logits.pointer)
        guard Elementwise.firstNonFinite(UnsafePointer(logits.pointer), count: classes) == nil else {
            throw Failure(
                .internalError, "the logits of image \(image.index) are not finite",
                remedy: "the weights are not those of a sound model: check the training run they come from")
        }
        let prediction = CrossEntropy.prediction(logits.pointer, classes: classes)
        return AttackOutcome(
            position: image.position, index: image.index, label: image.label, succeeded: prediction != image.label,
            prediction: prediction, rank: LogitRanking.rank(logits.pointer, classes: classes, label: image.label),
            loss: LogitLoss.crossEntropy.evaluate(logits.pointer, classes: classes, label: image.label, derivative: nil),
            linf: Norm.linf.distance(image.adversarial, image.image, count: imageShape.count),
            l2: Norm.l2.distance(image.adversarial, image.image, count: imageShape.count), claim: image.claim)
    }
}
