import Attacks
import Diagnostics
import Kernels
import Testing

private let shape = ImageShape(height: 4, width: 5, channels: 3)

private func classifier(_ seed: UInt64, classes: Int = 4, capacity: Int = 64) -> LinearClassifier {
    LinearClassifier(
        uniform(classes * shape.count, seed, low: -2, high: 2), classes: classes, imageShape: shape, capacity: capacity)
}

private func losses(_ model: LinearClassifier, _ images: [Float], labels: [Int32]) -> [Float] {
    var logits = [Float](repeating: 0, count: labels.count * model.classes)
    model.logits(of: images, batch: labels.count, into: &logits)
    var losses = [Float](repeating: 0, count: labels.count)
    CrossEntropy.lossesAndGradient(
        logits, labels: labels, batch: labels.count, classes: model.classes, smoothing: 0, gradientScale: 1, losses: &losses,
        gradient: nil)
    return losses
}

@Suite("The ascent")
struct AscentTests {
    /// With two classes the loss grows with the margin w · x, whose maximum over box and ball is known.
    @Test(arguments: [false, true])
    func reachesTheOptimumOfALinearModelInLinf(_ targeted: Bool) throws {
        let model = classifier(1, classes: 2)
        let batch = ToyBatch(shape, count: 6, classes: 2, seed: 1).masked(seed: 1)
        let epsilon: Float = 0.07
        let settings = AttackSettings(
            threat: ThreatModel(norm: .linf, epsilon: epsilon), stepSize: 0.02, steps: 10, targeted: targeted)
        let adversarial = try batch.attacked(settings, model: model)
        for i in batch.images.indices {
            let (image, value) = (i / shape.count, i % shape.count)
            let slope = model.weights[value] - model.weights[shape.count + value]
            let ascending = (batch.labels[image] == 0 ? -slope : slope) * (targeted ? -1 : 1)
            let expected = min(max(batch.images[i] + (ascending > 0 ? 1 : -1) * epsilon * batch.m(i), 0), 1)
            #expect(abs(adversarial[i] - expected) < 2e-7)
        }
    }

    @Test func reachesTheOptimumOfALinearModelInL2() throws {
        let model = classifier(2, classes: 2)
        let batch = ToyBatch(shape, count: 6, classes: 2, seed: 2, range: 0.4...0.6).masked(seed: 2)
        let settings = AttackSettings.pgd(ThreatModel(norm: .l2, epsilon: 0.3), stepSize: 0.2, steps: 30)
        let adversarial = try batch.attacked(settings, model: model)
        for image in 0..<6 {
            let range = image * shape.count..<(image + 1) * shape.count
            let direction = range.map { i -> Double in
                let slope = Double(model.weights[i % shape.count]) - Double(model.weights[shape.count + i % shape.count])
                return (batch.labels[image] == 0 ? -slope : slope) * Double(batch.m(i))
            }
            let size = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
            for (i, d) in zip(range, direction) {
                #expect(abs(Double(adversarial[i]) - Double(batch.images[i]) - 0.3 * d / size) < 1e-4)
            }
        }
    }

    @Test(arguments: Norm.allCases)
    func targetedLowersTheTargetsLoss(_ norm: Norm) throws {
        let model = classifier(3)
        let batch = ToyBatch(shape, count: 8, classes: 4, seed: 3)
        let threat = ThreatModel(norm: norm, epsilon: norm == .linf ? 0.05 : 0.3)
        let before = losses(model, batch.images, labels: batch.labels)
        for targeted in [false, true] {
            let settings = AttackSettings(threat: threat, stepSize: threat.epsilon / 4, steps: 8, targeted: targeted)
            let after = losses(model, try batch.attacked(settings, model: model), labels: batch.labels)
            for (before, after) in zip(before, after) { #expect(targeted ? after < before : after > before) }
        }
    }

    /// A watchdog takes an attack of many steps for one that hangs unless each step shows itself.
    @Test func everyStepBeats() throws {
        let batch = ToyBatch(shape, count: 5, classes: 4, seed: 9)
        let settings = AttackSettings.pgd(ThreatModel(norm: .linf, epsilon: 0.1), stepSize: 0.03, steps: 6)
        var beats = 0
        var adversarial = batch.images
        try ProjectedGradientAscent(settings, imageShape: shape, classes: 4, capacity: 5).run(
            model: classifier(9), images: batch.images, labels: batch.labels, mask: nil, count: 5, seed: 0, epoch: 0,
            sampleIndices: batch.indices, adversarial: &adversarial
        ) { beats += 1 }
        #expect(beats >= 6)
    }

    @Test(arguments: Norm.allCases)
    func groupsDoNotMatter(_ norm: Norm) throws {
        let batch = ToyBatch(shape, count: 11, classes: 4, seed: 4).masked(seed: 4)
        let settings = AttackSettings.pgd(ThreatModel(norm: norm, epsilon: 0.1), stepSize: 0.03, steps: 5)
        let whole = try batch.attacked(settings, model: classifier(4), capacity: 11)
        for (attack, model) in [(1, 64), (2, 64), (3, 64), (64, 4), (64, 1), (5, 3), (10, 11)] {
            let parts = try batch.attacked(settings, model: classifier(4, capacity: model), capacity: attack)
            #expect(bits(parts) == bits(whole), "capacities \(attack) and \(model)")
        }
    }

    /// An image's random start follows from seed, epoch and its index, not from its place in the batch.
    @Test(arguments: Norm.allCases)
    func orderDoesNotMatter(_ norm: Norm) throws {
        let batch = ToyBatch(shape, count: 7, classes: 4, seed: 5).masked(seed: 5)
        let settings = AttackSettings.pgd(ThreatModel(norm: norm, epsilon: 0.1), stepSize: 0.03, steps: 3)
        let straight = try batch.attacked(settings, model: classifier(5), seed: 8, epoch: 2)
        let order = Philox(seed: 5, purpose: .test).permutation(7)
        func values<T>(_ all: [T], _ i: Int) -> ArraySlice<T> { all[i * all.count / 7..<(i + 1) * all.count / 7] }
        var permuted = batch
        permuted.images = order.flatMap { values(batch.images, $0) }
        permuted.mask = order.flatMap { values(batch.mask!, $0) }
        permuted.labels = order.map { batch.labels[$0] }
        permuted.indices = order.map { batch.indices[$0] }
        let result = try permuted.attacked(settings, model: classifier(5), seed: 8, epoch: 2)
        for (place, i) in order.enumerated() { #expect(bits(Array(values(result, place))) == bits(Array(values(straight, i)))) }
    }

    @Test func randomStartsFollowFromSeedEpochAndSample() throws {
        let batch = ToyBatch(shape, count: 2, classes: 4, seed: 6)
        let settings = AttackSettings.pgd(ThreatModel(norm: .linf, epsilon: 0.1), stepSize: 0, steps: 0)
        let base = try batch.attacked(settings, model: classifier(6), seed: 1, epoch: 1)
        #expect(bits(try batch.attacked(settings, model: classifier(6), seed: 1, epoch: 1)) == bits(base))
        #expect(bits(try batch.attacked(settings, model: classifier(6), seed: 2, epoch: 1)) != bits(base))
        #expect(bits(try batch.attacked(settings, model: classifier(6), seed: 1, epoch: 2)) != bits(base))
        var renamed = batch
        renamed.indices = [100, 101]
        let other = try renamed.attacked(settings, model: classifier(6), seed: 1, epoch: 1)
        #expect(bits(Array(other[..<shape.count])) == bits(Array(base[..<shape.count])))
        #expect(bits(Array(other[shape.count...])) != bits(Array(base[shape.count...])))
    }

    @Test func randomStartIsUniformInTheBox() throws {
        let shape = ImageShape(height: 32, width: 32, channels: 3)
        var batch = ToyBatch(shape, count: 8, classes: 2, seed: 7)
        batch.images = batch.images.map { _ in 0.5 }
        let settings = AttackSettings.pgd(ThreatModel(norm: .linf, epsilon: 0.1), stepSize: 0, steps: 0)
        let model = PrescribedGradient(batch.images, imageShape: shape)
        let moves = try batch.attacked(settings, model: model).map { (Double($0) - 0.5) / 0.1 }
        #expect(moves.allSatisfy { abs($0) <= 1 + 1e-6 })
        // Ten equal bins: χ² with 9 degrees of freedom is above 28 once in a thousand times.
        var bins = [Double](repeating: 0, count: 10)
        for move in moves { bins[min(9, max(0, Int((move + 1) * 5)))] += 1 }
        let expected = Double(moves.count) / 10
        #expect(bins.reduce(0) { $0 + ($1 - expected) * ($1 - expected) / expected } < 28)
    }

    /// In n free dimensions (r/ε)ⁿ is uniform: its mean is ½, whatever the mask leaves free.
    @Test(arguments: [Float(0), 0.05])
    func randomStartIsUniformInTheL2Ball(_ epsilonSalient: Float) throws {
        let (count, epsilon) = (400, Float(0.2))
        var batch = ToyBatch(shape, count: count, classes: 2, seed: 8)
        batch.images = batch.images.map { _ in 0.5 }
        let free = 3
        batch.mask = (0..<count * shape.pixels).map { $0 % shape.pixels < free ? 1 : 0 }
        let threat = ThreatModel(norm: .l2, epsilon: epsilon, epsilonSalient: epsilonSalient)
        let settings = AttackSettings.pgd(threat, stepSize: 0, steps: 0)
        let starts = try batch.attacked(settings, model: PrescribedGradient(batch.images, imageShape: shape))
        func shares(_ radius: (_ image: Int) -> Double, _ pixels: Int, _ isIn: (Int) -> Bool) -> [Double] {
            (0..<count).map { i in
                let size = length(batch, starts, image: i, where: isIn) / radius(i)
                return (0..<pixels * shape.channels).reduce(1) { product, _ in product * size }
            }
        }
        func isUniform(_ shares: [Double]) -> Bool {
            // The mean of 400 uniform numbers strays from ½ by 0.048 once in a thousand times.
            abs(shares.reduce(0, +) / Double(count) - 0.5) < 0.048 && shares.allSatisfy { $0 < 1.0001 } && shares.max()! > 0.98
        }
        // The background has what the salient part leaves of the whole ball.
        func left(_ image: Int) -> Double {
            let salient = length(batch, starts, image: image) { batch.m($0) == 0 }
            return (Double(epsilon) * Double(epsilon) - salient * salient).squareRoot()
        }
        let background = shares(left, free) { batch.m($0) == 1 }
        #expect(isUniform(background))
        guard epsilonSalient > 0 else { return }
        let salient = shares({ _ in Double(epsilonSalient) }, shape.pixels - free) { batch.m($0) == 0 }
        #expect(isUniform(salient))
        // The two radii are drawn independently: a correlation above 0.165 comes once in a thousand times.
        let correlation = zip(background, salient).reduce(0) { $0 + ($1.0 - 0.5) * ($1.1 - 0.5) } / Double(count) * 12
        #expect(abs(correlation) < 0.165)
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity])
    func gradientsThatAreNoNumbersAreAFailure(_ value: Float) throws {
        let batch = ToyBatch(shape, count: 3, classes: 2, seed: 9)
        var gradients = uniform(batch.images.count, 9, low: -1, high: 1)
        gradients[shape.count + 3] = value
        let settings = AttackSettings.pgd(ThreatModel(norm: .linf, epsilon: 0.1), stepSize: 0.1, steps: 2)
        let failure = #expect(throws: Failure.self) {
            try batch.attacked(settings, model: PrescribedGradient(gradients, imageShape: shape))
        }
        #expect(failure?.message.contains("sample 107") == true && failure?.message.contains("step 1") == true)
        #expect(failure?.remedy != nil)
    }

    @Test func zeroFirstGradientsAreCounted() throws {
        let batch = ToyBatch(shape, count: 4, classes: 2, seed: 10)
        var gradients = uniform(batch.images.count, 10, low: -1, high: 1)
        for i in shape.count..<3 * shape.count { gradients[i] = i % 2 == 0 ? 0 : -0.0 }
        gradients[2 * shape.count + 5] = 1e-30
        let settings = AttackSettings.pgd(ThreatModel(norm: .linf, epsilon: 0.1), stepSize: 0.1, steps: 3)
        let ascent = ProjectedGradientAscent(settings, imageShape: shape, classes: 2, capacity: 4)
        _ = try batch.attacked(ascent, model: PrescribedGradient(gradients, imageShape: shape))
        #expect(ascent.zeroGradients == 1)
        _ = try batch.attacked(ascent, model: classifier(10, classes: 2))
        #expect(ascent.zeroGradients == 0)
    }

    @Test func presets() throws {
        let threat = ThreatModel(norm: .linf, epsilon: 0.04)
        let batch = ToyBatch(shape, count: 3, classes: 4, seed: 11, range: 0.2...0.8)
        let gradients = uniform(batch.images.count, 11, low: -1, high: 1)
        let fgsm = try batch.attacked(.fgsm(threat), model: PrescribedGradient(gradients, imageShape: shape))
        for i in fgsm.indices { #expect(abs(fgsm[i] - batch.images[i] - (gradients[i] > 0 ? 0.04 : -0.04)) < 1e-7) }

        let fast = AttackSettings.fgsmWithRandomStart(threat)
        #expect(fast.randomStart && fast.steps == 1 && abs(fast.stepSize - 0.05) < 1e-8)
        // A step of 1.25 ε reaches the surface from five eighths of the ball.
        let moves = zip(try batch.attacked(fast, model: PrescribedGradient(gradients, imageShape: shape)), batch.images).map { $0 - $1 }
        let onSurface = Double(moves.count { abs(abs($0) - 0.04) < 1e-6 }) / Double(moves.count)
        #expect(abs(onSurface - 0.625) < 0.12)
        try batch.check(zip(moves, batch.images).map { $0 + $1 }, threat)

        let pgd = AttackSettings.pgd(threat, stepSize: 0.01, steps: 7)
        #expect(pgd.randomStart && pgd.steps == 7 && pgd.stepSize == 0.01 && !pgd.targeted && pgd.maskTime == .everyStep)
    }

    @Test func theStartMayBeGiven() throws {
        let batch = ToyBatch(shape, count: 2, classes: 2, seed: 12, range: 0.4...0.6)
        let start = batch.images.map { $0 + 0.01 }
        let settings = AttackSettings.pgd(ThreatModel(norm: .linf, epsilon: 0.1), stepSize: 0.02, steps: 1)
        let moved = try batch.stepped(settings, from: start, along: [Float](repeating: 1, count: start.count))
        for (moved, image) in zip(moved, batch.images) { #expect(abs(moved - image - 0.03) < 1e-6) }
    }
}
