import Attacks
import Diagnostics
import Kernels
import Testing

private let shape = ImageShape(height: 4, width: 5, channels: 3)
private let linf = ThreatModel(norm: .linf, epsilon: 0.1)
private let l2 = ThreatModel(norm: .l2, epsilon: 0.1)

/// Three images in the middle of the range, whose pixel (1, 2) is masked in image 1.
private func batch() -> ToyBatch {
    var batch = ToyBatch(shape, count: 3, classes: 2, seed: 1, range: 0.4...0.6)
    batch.mask = [Float](repeating: 1, count: 3 * shape.pixels)
    batch.mask![shape.pixels + 7] = 0
    return batch
}

/// The message for the batch's images with `move` added to value `channel` of a pixel of image 1.
private func complaint(
    _ threat: ThreatModel, pixel: Int, channel: Int = 1, move: Float, _ change: (inout ToyBatch) -> Void = { _ in }
) -> String? {
    var batch = batch()
    change(&batch)
    var adversarial = batch.images
    adversarial[shape.count + pixel * 3 + channel] += move
    do {
        try batch.check(adversarial, threat)
        return nil
    } catch {
        return (error as? Failure)?.message
    }
}

@Suite("Admissibility")
struct AdmissibilityTests {
    @Test(arguments: [linf, l2])
    func acceptsTheBall(_ threat: ThreatModel) {
        #expect(complaint(threat, pixel: 3, move: 0) == nil)
        #expect(complaint(threat, pixel: 3, move: 0.0999) == nil)
        #expect(complaint(threat, pixel: 3, move: -0.1) == nil)
    }

    @Test func catchesAMoveTooFar() throws {
        let message = try #require(complaint(linf, pixel: 8, move: 0.1001))
        #expect(message.contains("sample 1") && message.contains("pixel (1, 3)") && message.contains("0.1"))
        #expect(try #require(complaint(l2, pixel: 8, move: -0.1001)).contains("sample 1"))
    }

    @Test func catchesAnL2SumTooLarge() throws {
        let batch = batch()
        let each = 0.1 / Float(shape.count).squareRoot()
        func moved(by size: Float) -> [Float] { batch.images.map { $0 + size } }
        var plain = batch
        plain.mask = nil
        #expect(throws: Never.self) { try plain.check(moved(by: 0.999 * each), l2) }
        #expect(throws: Failure.self) { try plain.check(moved(by: 1.001 * each), l2) }
    }

    @Test(arguments: [linf, l2, ThreatModel(norm: .l2, epsilon: 0), ThreatModel(norm: .linf, epsilon: 0)])
    func catchesTheSmallestMoveOfAMaskedPixel(_ threat: ThreatModel) throws {
        let message = try #require(complaint(threat, pixel: 7, move: 0x1p-24))
        #expect(message.contains("masked") && message.contains("pixel (1, 2)"))
    }

    @Test(arguments: [linf, l2])
    func catchesValuesOutsideTheRange(_ threat: ThreatModel) throws {
        #expect(try #require(complaint(threat, pixel: 2, move: 0.05) { $0.images[shape.count + 7] = 0.99 }).contains("1.04"))
        #expect(try #require(complaint(threat, pixel: 2, move: -0.05) { $0.images[shape.count + 7] = 0.01 }).contains("-0.04"))
    }

    @Test(arguments: [linf, l2], [Float.nan, .infinity, -.infinity])
    func catchesWhatIsNoNumber(_ threat: ThreatModel, _ value: Float) {
        #expect(complaint(threat, pixel: 2, move: value) != nil)
        #expect(complaint(threat, pixel: 7, move: value) != nil)
    }

    @Test(arguments: [linf, l2])
    func catchesImagesAndMasksThatAreNoNumbers(_ threat: ThreatModel) {
        let adversarial = batch().images
        var broken = batch()
        broken.images[4] = .nan
        #expect(throws: Failure.self) { try broken.check(adversarial, threat) }
        for value in [Float.nan, -0.1, 1.1] {
            var broken = batch()
            broken.mask![4] = value
            #expect(throws: Failure.self) { try broken.check(adversarial, threat) }
        }
    }

    @Test func knowsTheSalientRadius() {
        let two = ThreatModel(norm: .linf, epsilon: 0.1, epsilonSalient: 0.02)
        #expect(complaint(two, pixel: 7, move: 0.0199) == nil)
        #expect(complaint(two, pixel: 7, move: 0.0201) != nil)
        let balls = ThreatModel(norm: .l2, epsilon: 0.1, epsilonSalient: 0.02)
        #expect(complaint(balls, pixel: 7, move: 0.0199) == nil)
        #expect(complaint(balls, pixel: 7, move: 0.0201) != nil)
        #expect(complaint(balls, pixel: 6, move: 0.0999) == nil)
    }

    /// Each part in a ball of its own is not enough: the whole has one too.
    @Test func addsUpTheTwoPartsOfAnL2Perturbation() {
        let balls = ThreatModel(norm: .l2, epsilon: 0.1, epsilonSalient: 0.08)
        func complains(_ background: Float, _ salient: Float) -> Bool {
            let batch = batch()
            var adversarial = batch.images
            adversarial[shape.count + 6 * 3] += background
            adversarial[shape.count + 7 * 3] += salient
            return (try? batch.check(adversarial, balls)) == nil
        }
        #expect(!complains(0.0799, 0.0599) && complains(0.0899, 0.0699) && complains(0.01, 0.0801))
    }

    @Test func knowsSoftBudgets() {
        func half(_ batch: inout ToyBatch) { batch.mask![shape.pixels + 9] = 0.5 }
        #expect(complaint(linf, pixel: 9, move: 0.0499, half) == nil)
        #expect(complaint(linf, pixel: 9, move: 0.0501, half) != nil)
    }

    /// Large images at small radii: the rounding of every value adds up, and must be forgiven.
    @Test func forgivesRoundingOfLargeImages() throws {
        let shape = ImageShape(height: 224, width: 224, channels: 3)
        let batch = ToyBatch(shape, count: 1, classes: 2, seed: 2)
        let settings = AttackSettings.pgd(ThreatModel(norm: .l2, epsilon: 1e-4), stepSize: 1e-4, steps: 2)
        let model = PrescribedGradient(uniform(shape.count, 3, low: -1, high: 1), imageShape: shape)
        try batch.check(try batch.attacked(settings, model: model), settings.threat)
    }
}
