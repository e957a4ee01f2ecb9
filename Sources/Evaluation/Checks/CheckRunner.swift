import Attacks
import Kernels
import NeuralNet

/// Works through the checks of some images: one rank's share.
final class CheckRunner {
    private typealias Trial = ImageChecks.Trial

    private let model: any DifferentiableClassifier
    private let settings: CheckSettings
    private let driver: AttackDriver
    private let shape: ImageShape
    private let images: FloatBuffer
    private let labels: [Int32]
    private let indices: [Int]
    private let beat: (_ stage: String) throws -> Void
    private var found: [ImageChecks]

    private static let (noiseStream, maskStream) = (12 << 20 | 4 << 16, 12 << 20 | 3 << 16)

    /// - Parameters:
    ///   - images: [labels, height, width, channels].
    ///   - beat: called before each stage, with what it is.
    init(
        _ model: any DifferentiableClassifier, _ settings: CheckSettings, images: FloatBuffer, labels: [Int32], indices: [Int],
        beat: @escaping (_ stage: String) throws -> Void
    ) {
        self.model = model
        self.settings = settings
        shape = model.imageShape
        driver = AttackDriver(imageShape: shape, classes: model.classes, capacity: model.capacity)
        self.images = images
        self.labels = labels
        self.indices = indices
        self.beat = beat
        found = indices.map { ImageChecks(index: $0) }
    }

    /// - Parameters:
    ///   - evaluation: what is checked; nil for attacks of the checks' own.
    ///   - comparesDifferences: of each image.
    func run(evaluation: CheckedEvaluation?, comparesDifferences: [Bool]) throws -> [ImageChecks] {
        try beat("model")
        let probe = ModelProbe(model, settings)
        for i in indices.indices {
            probe.look(at: image(i), label: Int(labels[i]), comparesDifferences: comparesDifferences[i], into: &found[i])
        }
        // Attacks end with an error where there is a number that is none: the probe has counted those.
        guard found.allSatisfy({ $0.notFinite == 0 }) else { return found }
        let right = indices.indices.filter { found[$0].isRight }
        try attackWithNothing(right, probe)
        try attackMasked(right)
        try attack(settings.fgsm, right, as: Trial.fgsm)
        try attack(settings.pgd("pgd-10", steps: 10), right, as: Trial.few)
        try attack(settings.pgd("pgd-100", steps: 100), right, as: Trial.many)
        try attackAsEvaluation(right, evaluation)
        try attackMore(right)
        for (place, radius) in settings.sweep(values: shape.count).enumerated() {
            try attack(settings.pgd("sweep", steps: settings.sweepSteps, epsilon: radius), right, as: Trial.sweep(place))
        }
        try beat("planted weakness")
        let weakness = PlantedWeakness(model, settings)
        for i in right {
            guard let isFound = try weakness.isFound(image(i), index: indices[i]) else { continue }
            (found[i].couldPlant, found[i].foundPlanted) = (true, isFound)
        }
        return found
    }

    private func image(_ i: Int) -> UnsafePointer<Float> { UnsafePointer(images.pointer + i * shape.count) }

    /// Runs an attack on some of the images, and notes which fall.
    private func attack(
        _ attack: any Attack, _ chosen: [Int], as name: String, seed: UInt64? = nil, mask: FloatBuffer? = nil,
        finished: (Int, UnsafePointer<Float>) -> Void = { _, _ in }
    ) throws {
        guard !chosen.isEmpty else { return }
        try beat(attack.name)
        let all = HeldImages(shape, images: images, labels: labels, indices: indices, mask: mask)
        try driver.run(attack, model: model, on: SelectedImages(all, positions: chosen), seed: seed ?? settings.seed) { outcome, adversarial in
            let i = chosen[outcome.position]
            found[i].tried.insert(name)
            if outcome.succeeded { found[i].fallen.insert(name) }
            if !outcome.isConfirmed { found[i].unconfirmed += 1 }
            if attack.threat.epsilon > 0 {
                let size = CheckSettings.relativeSize(
                    linf: outcome.linf, l2: outcome.l2, settings.norm, epsilon: attack.threat.epsilon, values: shape.count)
                found[i].largest = max(found[i].largest, size)
                found[i].perturbed += 1
            }
            finished(i, adversarial)
        }
    }

    private func attackWithNothing(_ right: [Int], _ probe: ModelProbe) throws {
        let nothing = PGDAttack(
            name: "radius 0", AttackSettings(threat: ThreatModel(norm: settings.norm, epsilon: 0), stepSize: 0, steps: 2))
        try attack(nothing, right, as: "radius-0") { i, adversarial in
            let isSame = (0..<shape.count).allSatisfy { adversarial[$0].bitPattern == image(i)[$0].bitPattern }
            if !isSame || probe.answer(adversarial).map(\.bitPattern) != probe.answer(image(i)).map(\.bitPattern) { found[i].changedAtZero = true }
        }
    }

    /// Half of the pixels may move.
    private func attackMasked(_ right: [Int]) throws {
        let mask = FloatBuffer(count: max(1, indices.count * shape.pixels))
        for (i, index) in indices.enumerated() {
            let random = Philox(seed: settings.seed, purpose: .evaluation, epoch: Self.maskStream, sample: index)
            for pixel in 0..<shape.pixels { mask[i * shape.pixels + pixel] = random.uniform(pixel) < 0.5 ? 1 : 0 }
        }
        try attack(settings.pgd("pgd-10, masked", steps: 10), right, as: "masked", mask: mask) { i, adversarial in
            for value in 0..<shape.count where mask[i * shape.pixels + value / shape.channels] == 0 {
                if adversarial[value].bitPattern != image(i)[value].bitPattern { found[i].inadmissible = true }
            }
        }
    }

    /// What stands after the evaluation's attacks, or, without one, after two of AutoAttack's.
    private func attackAsEvaluation(_ right: [Int], _ evaluation: CheckedEvaluation?) throws {
        if let evaluation {
            for i in right {
                found[i].tried.formUnion([Trial.reference, Trial.referenceGradients])
                if !evaluation.standing.contains(indices[i]) { found[i].fallen.insert(Trial.reference) }
                if !evaluation.standingGradients.contains(indices[i]) { found[i].fallen.insert(Trial.referenceGradients) }
            }
            return
        }
        try attack(APGD(.crossEntropy, settings.threat), right, as: Trial.reference)
        try attack(APGD(.targeted, settings.threat), right.filter(stands), as: Trial.reference)
        for i in right {
            found[i].tried.insert(Trial.referenceGradients)
            if !stands(i) { found[i].fallen.insert(Trial.referenceGradients) }
        }
    }

    private func stands(_ i: Int) -> Bool { !found[i].fallen.contains(Trial.reference) }

    /// Stronger and other attacks on what stands: they should find nothing.
    private func attackMore(_ right: [Int]) throws {
        let standing = right.filter(stands)
        var longer = APGD(.crossEntropy, settings.threat)
        longer.iterations = settings.moreIterations
        try attack(longer, standing, as: Trial.moreIterations)
        var again = APGD(model.classes > 2 ? .logitsRatio : .crossEntropy, settings.threat)
        again.restarts = settings.moreRestarts
        try attack(again, standing, as: Trial.moreRestarts, seed: settings.seed &+ 1)
        var square = Square(settings.threat)
        square.queries = settings.squareQueries
        // Whether it beats gradients: what other attacks of the evaluation did counts for nothing here.
        try attack(square, right.filter { !found[$0].fallen.contains(Trial.referenceGradients) }, as: Trial.square)
        try beat("noise")
        for i in standing { try addNoise(i) }
    }

    private func addNoise(_ i: Int) throws {
        let places = max(1, min(model.capacity, 32))
        let (points, logits) = (FloatBuffer(count: places * shape.count), FloatBuffer(count: places * model.classes))
        found[i].tried.insert(Trial.noise)
        for first in stride(from: 0, to: settings.noiseTries, by: places) {
            let count = min(places, settings.noiseTries - first)
            for place in 0..<count {
                let random = Philox(seed: settings.seed, purpose: .evaluation, epoch: Self.noiseStream | (first + place) & 0xFFFF, sample: indices[i])
                let draw = (first + place) % 2 == 0 ? Perturbations.border : Perturbations.uniform
                draw(random, settings.norm, settings.epsilon, image(i), shape.count, points.pointer + place * shape.count)
            }
            model.logits(of: UnsafePointer(points.pointer), batch: count, into: logits.pointer)
            for place in 0..<count
            where CrossEntropy.prediction(UnsafePointer(logits.pointer) + place * model.classes, classes: model.classes) != Int(labels[i]) {
                found[i].fallen.insert(Trial.noise)
                return
            }
        }
    }
}
