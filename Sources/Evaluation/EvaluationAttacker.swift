import Attacks
import Datasets
import Diagnostics
import Kernels
import NeuralNet

/// Attacks one group of images at every radius, with restarts on those that still stand.
final class EvaluationAttacker {
    private let pass: any DifferentiableClassifier
    private let shape: ImageShape
    private let settings: EvaluationProtocol
    private let region: RegionMask
    private let attacks: [(epsilon: Float, ascent: ProjectedGradientAscent?)]
    /// The images that still stand, side by side.
    private let standing: StandingImages
    private let logits: FloatBuffer
    private let losses: FloatBuffer
    private let mask: FloatBuffer
    private var sawNonFinite = false

    /// Whether `records` has thrown because the model's answers were not finite.
    var foundNonFinite: Bool { sawNonFinite || attacks.contains { $0.ascent?.foundNonFinite ?? false } }

    /// - Parameter capacity: the most images of a group.
    init(pass: any DifferentiableClassifier, settings: EvaluationProtocol, capacity: Int) {
        self.pass = pass
        self.settings = settings
        let shape = pass.imageShape
        self.shape = shape
        region = RegionMask(region: settings.region, threshold: settings.salienceThreshold, seed: settings.seed)
        attacks = settings.epsilons.map { epsilon in
            let ascent =
                epsilon == 0
                ? nil
                : ProjectedGradientAscent(
                    settings.attack(epsilon: epsilon), imageShape: shape, classes: pass.classes, capacity: capacity)
            return (epsilon, ascent)
        }
        standing = StandingImages(capacity: capacity, shape: shape)
        logits = FloatBuffer(count: capacity * pass.classes)
        losses = FloatBuffer(count: capacity)
        mask = FloatBuffer(count: capacity * shape.pixels)
    }

    /// - Parameter beat: called after each step of an attack, to show that something happens.
    func records(of batch: Batch, beat: () -> Void) throws -> [SampleRecord] {
        let clean = try cleanRecords(of: batch)
        return try attacks.flatMap { epsilon, ascent in
            var records = clean
            for i in records.indices { records[i].epsilon = epsilon }
            guard let ascent else { return records }
            // Nothing done to an image that is wrong as it is can make it robust.
            var targets = records.indices.filter { records[$0].isRobust && !records[$0].hasEmptyRegion }
            for restart in 0..<settings.restarts where !targets.isEmpty {
                try attack(batch, targets, by: ascent, restart: restart, records: &records, beat: beat)
                targets.removeAll { !records[$0].isRobust }
            }
            return records
        }
    }

    /// What the model makes of the images as they are; writes their masks.
    private func cleanRecords(of batch: Batch) throws -> [SampleRecord] {
        measure(UnsafePointer(batch.images.pointer), labels: batch.labels, count: batch.count)
        return try (0..<batch.count).map { i in
            guard losses[i].isFinite else { throw notFinite(batch.sampleIndices[i]) }
            let map = batch.annotated[i] ? UnsafePointer(batch.salience.pointer + i * shape.pixels) : nil
            let isAttackable = region.write(
                salience: map, shape: shape, index: batch.sampleIndices[i], into: mask.pointer + i * shape.pixels)
            return SampleRecord(
                index: batch.sampleIndices[i], epsilon: 0, label: Int(batch.labels[i]),
                cleanLogits: (0..<pass.classes).map { logits[i * pass.classes + $0] }, cleanPrediction: prediction(i),
                prediction: prediction(i), loss: losses[i], hasEmptyRegion: !isAttackable)
        }
    }

    /// Attacks the images `targets` from new starting points, and keeps of each what is worse than what is known.
    private func attack(
        _ batch: Batch, _ targets: [Int], by ascent: ProjectedGradientAscent, restart: Int, records: inout [SampleRecord],
        beat: () -> Void
    ) throws {
        standing.gather(targets, of: batch, masks: settings.region == .all ? nil : UnsafePointer(mask.pointer))
        let mask = settings.region == .all ? nil : UnsafePointer(standing.masks.pointer)
        try ascent.run(
            model: pass, images: UnsafePointer(standing.images.pointer), labels: standing.labels, mask: mask,
            count: targets.count, seed: settings.seed, epoch: restart, sampleIndices: standing.indices,
            adversarial: standing.adversarial.pointer, beat: beat)
        // No attack is believed: its images are checked, and what they do to the model is computed again.
        try Admissibility.check(
            UnsafePointer(standing.images.pointer), UnsafePointer(standing.adversarial.pointer), mask: mask,
            threat: ascent.settings.threat, shape: shape, count: targets.count)
        measure(UnsafePointer(standing.adversarial.pointer), labels: standing.labels, count: targets.count)
        for (place, i) in targets.enumerated() {
            guard losses[place].isFinite else { throw notFinite(records[i].index) }
            if ascent.hadZeroGradient(place) { records[i].hadZeroGradient = true }
            let falls = prediction(place) != records[i].label
            guard falls || losses[place] > records[i].loss else { continue }
            records[i].prediction = prediction(place)
            records[i].loss = losses[place]
            (records[i].linf, records[i].l2) = perturbationSize(
                standing.images.pointer + place * shape.count, standing.adversarial.pointer + place * shape.count,
                count: shape.count)
        }
    }

    private func measure(_ images: UnsafePointer<Float>, labels: UnsafePointer<Int32>, count: Int) {
        pass.logits(of: images, batch: count, into: logits.pointer)
        CrossEntropy.lossesAndGradient(
            logits.pointer, labels: labels, batch: count, classes: pass.classes, smoothing: 0,
            gradientScale: 1, losses: losses.pointer, gradient: nil)
    }

    private func prediction(_ i: Int) -> Int {
        CrossEntropy.prediction(logits.pointer + i * pass.classes, classes: pass.classes)
    }

    private func notFinite(_ index: Int) -> Failure {
        sawNonFinite = true
        return .badData(
            "image \(index): the model's logits are not finite",
            remedy: "the weights have probably diverged: take an earlier checkpoint")
    }
}

/// L∞ and L2 size of the difference of two images.
func perturbationSize(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int) -> (linf: Float, l2: Float) {
    var (largest, sum) = (Float(0), 0.0)
    for i in 0..<count {
        let d = b[i] - a[i]
        largest = max(largest, abs(d))
        sum += Double(d) * Double(d)
    }
    return (largest, Float(sum.squareRoot()))
}
