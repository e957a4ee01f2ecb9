import Attacks
import Kernels
import Testing

private let shape = ImageShape(height: 5, width: 6, channels: 3)

private func classifier(_ seed: UInt64, _ shape: ImageShape = shape) -> LinearClassifier {
    LinearClassifier(uniform(4 * shape.count, seed, low: -2, high: 2), classes: 4, imageShape: shape)
}

/// Settings drawn at random from everything a recipe can ask for.
private func settings(_ seed: UInt64, norm: Norm, maskTime: AttackSettings.MaskTime, epsilonSalient: Float = 0) -> AttackSettings {
    let random = Philox(seed: seed, purpose: .test, sample: 5)
    let epsilon: Float = [0, 1e-6, 2.0 / 255, 8.0 / 255, 0.3, 1][random.uniform(0, below: 6)]
    return AttackSettings(
        threat: ThreatModel(norm: norm, epsilon: epsilon, epsilonSalient: min(epsilonSalient, epsilon)),
        stepSize: random.uniform(1) * 0.2, steps: random.uniform(2, below: 6), randomStart: random.uniform(3) < 0.7,
        targeted: random.uniform(4) < 0.3, maskTime: maskTime)
}

@Suite("Masks")
struct MaskTests {
    @Test(arguments: Norm.allCases, [AttackSettings.MaskTime.everyStep, .final])
    func maskedPixelsKeepTheirBits(_ norm: Norm, _ maskTime: AttackSettings.MaskTime) throws {
        var moved = 0
        for seed in 0..<80 as Range<UInt64> {
            let shape = ImageShape(height: 3 + Int(seed % 4), width: 5, channels: seed % 2 == 0 ? 3 : 1)
            var batch = ToyBatch(shape, count: 3, classes: 4, seed: seed).masked(seed: seed)
            // The ends of the range and the smallest number, where arithmetic could slip.
            for i in stride(from: 0, to: batch.images.count, by: 5) {
                batch.images[i] = [0, 1, .leastNonzeroMagnitude, 1 - 0x1p-24][i / 5 % 4]
            }
            let settings = settings(seed, norm: norm, maskTime: maskTime)
            let adversarial = try batch.attacked(settings, model: classifier(seed, shape), seed: seed, epoch: Int(seed))
            for i in batch.images.indices {
                if batch.m(i) == 0 {
                    #expect(adversarial[i].bitPattern == batch.images[i].bitPattern)
                } else if adversarial[i] != batch.images[i] {
                    moved += 1
                }
                #expect(adversarial[i] >= 0 && adversarial[i] <= 1)
            }
            try batch.check(adversarial, settings.threat)
        }
        #expect(moved > 1000)
    }

    @Test(arguments: Norm.allCases, [AttackSettings.MaskTime.everyStep, .final])
    func allOnesIsNoMask(_ norm: Norm, _ maskTime: AttackSettings.MaskTime) throws {
        for seed in 0..<20 as Range<UInt64> {
            let plain = ToyBatch(shape, count: 3, classes: 4, seed: seed)
            var ones = plain
            ones.mask = [Float](repeating: 1, count: 3 * shape.pixels)
            let settings = settings(seed, norm: norm, maskTime: maskTime, epsilonSalient: seed % 2 == 0 ? 0 : 0.01)
            let model = classifier(seed)
            #expect(bits(try plain.attacked(settings, model: model)) == bits(try ones.attacked(settings, model: model)))
        }
    }

    @Test(arguments: Norm.allCases, [AttackSettings.MaskTime.everyStep, .final])
    func allZerosIsNoAttack(_ norm: Norm, _ maskTime: AttackSettings.MaskTime) throws {
        for seed in 0..<20 as Range<UInt64> {
            var batch = ToyBatch(shape, count: 3, classes: 4, seed: seed)
            batch.mask = [Float](repeating: 0, count: 3 * shape.pixels)
            let adversarial = try batch.attacked(settings(seed, norm: norm, maskTime: maskTime), model: classifier(seed))
            #expect(bits(adversarial) == bits(batch.images))
        }
    }

    /// With the same radius on salient pixels, the mask means nothing: plain adversarial training.
    @Test(arguments: [AttackSettings.MaskTime.everyStep, .final])
    func equalRadiiAreNoMask(_ maskTime: AttackSettings.MaskTime) throws {
        let plain = ToyBatch(shape, count: 3, classes: 4, seed: 1)
        let threat = ThreatModel(norm: .linf, epsilon: 0.05, epsilonSalient: 0.05)
        let settings = AttackSettings(threat: threat, stepSize: 0.02, steps: 4, maskTime: maskTime)
        let masked = try plain.masked(seed: 1).attacked(settings, model: classifier(1))
        #expect(bits(masked) == bits(try plain.attacked(settings, model: classifier(1))))
    }

    @Test func softMaskScalesEveryBudget() throws {
        var batch = ToyBatch(shape, count: 3, classes: 4, seed: 3, range: 0.3...0.7)
        batch.mask = uniform(3 * shape.pixels, 4, low: 0, high: 1)
        let settings = AttackSettings.pgd(ThreatModel(norm: .linf, epsilon: 0.1), stepSize: 0.05, steps: 8)
        let adversarial = try batch.attacked(settings, model: classifier(3))
        for i in batch.images.indices {
            let move = abs(Double(adversarial[i]) - Double(batch.images[i]))
            // Steps of a linear model's attack never turn round, so every value ends at its budget.
            #expect(abs(move - 0.1 * Double(batch.m(i))) < 1e-6)
        }
        try batch.check(adversarial, settings.threat)
    }

    @Test func softMaskInL2WeighsTheGradient() throws {
        var batch = ToyBatch(shape, count: 1, classes: 2, seed: 3, range: 0.4...0.6)
        batch.mask = uniform(shape.pixels, 4, low: 0, high: 1)
        batch.mask![7] = 0
        let gradients = uniform(shape.count, 5, low: -1, high: 1)
        let settings = AttackSettings(
            threat: ThreatModel(norm: .l2, epsilon: 0.2), stepSize: 0.1, steps: 1, randomStart: false)
        let adversarial = try batch.stepped(settings, from: batch.images, along: gradients)
        let weighed = gradients.indices.map { Double(gradients[$0]) * Double(batch.m($0)) }
        let size = weighed.reduce(0) { $0 + $1 * $1 }.squareRoot()
        for i in batch.images.indices {
            #expect(abs(Double(adversarial[i]) - Double(batch.images[i]) - 0.1 * weighed[i] / size) < 1e-6)
        }
    }

    @Test func twoRadiiInLinf() throws {
        let batch = ToyBatch(shape, count: 3, classes: 4, seed: 6, range: 0.3...0.7).masked(seed: 6)
        let threat = ThreatModel(norm: .linf, epsilon: 0.1, epsilonSalient: 0.02)
        let settings = AttackSettings(threat: threat, stepSize: 0.05, steps: 8, randomStart: true)
        let adversarial = try batch.attacked(settings, model: classifier(6))
        for i in batch.images.indices {
            let budget = batch.m(i) == 1 ? 0.1 : 0.02
            #expect(abs(abs(Double(adversarial[i]) - Double(batch.images[i])) - budget) < 1e-6)
        }
        try batch.check(adversarial, threat)
    }

    @Test(arguments: [true, false])
    func twoRadiiInL2(_ soft: Bool) throws {
        var batch = ToyBatch(shape, count: 3, classes: 4, seed: 7, range: 0.3...0.7).masked(seed: 7)
        if soft { batch.mask = uniform(3 * shape.pixels, 8, low: 0, high: 1) }
        let threat = ThreatModel(norm: .l2, epsilon: 0.5, epsilonSalient: 0.1)
        let settings = AttackSettings(threat: threat, stepSize: 0.3, steps: 8)
        let adversarial = try batch.attacked(settings, model: classifier(7))
        for i in 0..<3 {
            // A linear model pushes to where the two balls meet.
            #expect(abs(length(batch, adversarial, image: i) { _ in true } - 0.5) < 1e-5)
            #expect(abs(length(batch, adversarial, image: i) { batch.m($0) <= 0.5 } - 0.1) < 1e-5)
        }
        try batch.check(adversarial, threat)
    }

    /// The whole budget on salient pixels is plain adversarial training, whatever the mask.
    @Test(arguments: Norm.allCases)
    func theSalientRadiusOfTheWholeBallIsNoMask(_ norm: Norm) throws {
        let batch = ToyBatch(shape, count: 3, classes: 4, seed: 17).masked(seed: 17)
        var unmasked = batch
        unmasked.mask = nil
        let radius: Float = norm == .linf ? 0.1 : 0.5
        let masked = AttackSettings.pgd(ThreatModel(norm: norm, epsilon: radius, epsilonSalient: radius), stepSize: 0.2 * radius, steps: 6)
        let plain = AttackSettings.pgd(ThreatModel(norm: norm, epsilon: radius), stepSize: 0.2 * radius, steps: 6)
        let whole = try unmasked.attacked(plain, model: classifier(17))
        #expect(bits(try batch.attacked(masked, model: classifier(17))) == bits(whole))
        // And less than the whole budget is not.
        let less = AttackSettings.pgd(
            ThreatModel(norm: norm, epsilon: radius, epsilonSalient: 0.5 * radius), stepSize: 0.2 * radius, steps: 6)
        #expect(bits(try batch.attacked(less, model: classifier(17))) != bits(whole))
    }

    /// Masking at the end is the unmasked attack times the mask.
    @Test(arguments: Norm.allCases, [false, true])
    func maskingAtTheEnd(_ norm: Norm, _ soft: Bool) throws {
        var batch = ToyBatch(shape, count: 3, classes: 4, seed: 9).masked(seed: 9)
        if soft { batch.mask = uniform(3 * shape.pixels, 8, low: 0, high: 1) }
        var unmasked = batch
        unmasked.mask = nil
        let threat = ThreatModel(norm: norm, epsilon: norm == .linf ? 0.1 : 0.8)
        let settings = AttackSettings(threat: threat, stepSize: 0.1, steps: 4, maskTime: .final)
        let adversarial = try batch.attacked(settings, model: classifier(9))
        let whole = try unmasked.attacked(settings, model: classifier(9))
        for i in batch.images.indices {
            let expected = Double(batch.images[i]) + (Double(whole[i]) - Double(batch.images[i])) * Double(batch.m(i))
            #expect(abs(Double(adversarial[i]) - expected) < 1e-6)
        }
        try batch.check(adversarial, threat)
    }

    @Test(arguments: Norm.allCases, [false, true])
    func maskingAtTheEndKeepsToTwoRadii(_ norm: Norm, _ soft: Bool) throws {
        var batch = ToyBatch(shape, count: 3, classes: 4, seed: 10).masked(seed: 10)
        if soft { batch.mask = uniform(3 * shape.pixels, 8, low: 0, high: 1) }
        let threat = ThreatModel(norm: norm, epsilon: 0.3, epsilonSalient: 0.02)
        let settings = AttackSettings(threat: threat, stepSize: 0.3, steps: 4, maskTime: .final)
        try batch.check(try batch.attacked(settings, model: classifier(10)), threat)
    }
}
