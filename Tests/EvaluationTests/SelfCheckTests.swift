import Attacks
import Datasets
import Evaluation
import Foundation
import Kernels
import Testing

func exponential(_ x: Double) -> Double { exp(x) }

/// Models of which the truth is known: the checks must believe the sound one and none of the others.
@Suite struct SelfCheckTests {
    private let data = KnownModel().dataset(48)

    private func checks(
        _ defence: KnownModel.Defence, norm: Norm = .linf, epsilon: Float = 8.0 / 255, evaluation: CheckedEvaluation? = nil, ranks: Int = 1
    ) throws -> SelfChecks {
        var settings = CheckSettings(norm: norm, epsilon: epsilon, seed: 3)
        settings.count = 40
        return try .alone(
            settings, model: KnownModel(defence), dataset: data, indices: Array(0..<data.count), evaluation: evaluation, ranks: ranks)
    }

    private func status(_ checks: SelfChecks, _ name: String) -> SelfCheck.Status? { checks.checks.first { $0.name == name }?.status }

    @Test(arguments: [Norm.linf, .l2]) func aLinearModelIsTrusted(norm: Norm) throws {
        let found = try checks(.none, norm: norm, epsilon: norm == .linf ? 8.0 / 255 : 0.1)
        #expect(found.verdict == .trusted, "\(found.text)")
        #expect(found.right == 40 && found.indices.count == 40)
        #expect(found.checks.filter { $0.status == .skipped }.map(\.name) == ["transfer"], "\(found.text)")
    }

    /// The attacks that the checks take for the truth find exactly the images that are nearer than the radius.
    @Test func distancesAreThoseOfTheClosedForm() throws {
        let (model, epsilon) = (KnownModel(), Float(8.0 / 255))
        let driver = AttackDriver(imageShape: model.imageShape, classes: 3, capacity: 8)
        var images = [Float](repeating: 0, count: 48 * 16)
        for i in 0..<48 { try images.withUnsafeMutableBufferPointer { try data.read(i, values: $0.baseAddress! + 16 * i) } }
        let memory = HeldImages(model.imageShape, images: FloatBuffer(images), labels: data.labels, indices: Array(0..<48))
        let worst = try driver.worstCase(
            of: AutoAttack.attacks(.standard, ThreatModel(norm: .linf, epsilon: epsilon)), model: model, on: memory, seed: 0)
        let distances = (0..<48).map { model.distance(Array(images[16 * $0..<16 * $0 + 16]), label: Int(data.labels[$0])) }
        #expect(distances.allSatisfy { abs($0 - Double(epsilon)) > 1e-5 })
        #expect(worst.isRobust == distances.map { $0 > Double(epsilon) })
        #expect(Set(worst.isRobust).count == 2)
    }

    @Test func killedGradientsAreInvalid() throws {
        for defence in [KnownModel.Defence.levels(32), .deadGradient] {
            let found = try checks(defence)
            #expect(found.verdict == .invalid)
            #expect(status(found, "zero-gradients") == .failed && status(found, "square") == .failed, "\(found.text)")
            #expect(status(found, "planted-weakness") == .failed, "\(found.text)")
        }
        // A staircase is flat where it is looked at; a function whose slope is denied is not.
        #expect(status(try checks(.deadGradient), "finite-differences") == .failed)
        let wrong = try checks(.wrongGradient)
        #expect(wrong.verdict == .invalid && status(wrong, "finite-differences") == .failed && status(wrong, "zero-gradients") == .passed)
    }

    @Test func randomModelsAreInvalid() throws {
        let found = try checks(.noise(0.5))
        #expect(found.verdict == .invalid && status(found, "repeatable") == .failed, "\(found.text)")
        let drifting = try checks(.drift(1e-4))
        #expect(drifting.verdict == .invalid && status(drifting, "repeatable") == .failed)
    }

    @Test func modelsThatLookAtTheirBatchAreInvalid() throws {
        let found = try checks(.batch)
        #expect(found.verdict == .invalid && status(found, "batch-independence") == .failed && status(found, "repeatable") == .passed, "\(found.text)")
    }

    @Test func probabilitiesAreDoubtful() throws {
        let found = try checks(.softmax)
        #expect(status(found, "logits") == .doubtful && found.verdict != .trusted, "\(found.text)")
    }

    /// An evaluation that says that all images stand, by an attack that did nothing.
    @Test func weakEvaluationsAreToldFromStrongOnes() throws {
        var nothing = CheckedEvaluation(
            standing: Set(0..<48), standingGradients: Set(0..<48), fallenToTransfer: nil, largest: 0.9, perturbed: 48, unconfirmed: 0, weaknesses: 0)
        let weak = try checks(.none, evaluation: nothing)
        #expect(weak.verdict == .invalid && status(weak, "order") == .failed && status(weak, "more-iterations") == .failed)
        let epsilon = Double(Float(8.0 / 255))
        var image = [Float](repeating: 0, count: 16)
        let standing = try (0..<48).filter { i in
            try data.read(i, values: &image)
            return KnownModel().distance(image, label: Int(data.labels[i])) > epsilon
        }
        nothing.standing = Set(standing)
        nothing.standingGradients = nothing.standing
        #expect(try checks(.none, evaluation: nothing).verdict == .trusted)
        // What other findings of the ledger do to a sound evaluation.
        nothing.fallenToTransfer = Set((0..<48).filter { !standing.contains($0) })
        #expect(try checks(.none, evaluation: nothing).verdict == .trusted)
        nothing.fallenToTransfer = [standing[0]]
        #expect(status(try checks(.none, evaluation: nothing), "transfer") == .failed)
        nothing.fallenToTransfer = nil
        nothing.largest = 1.01
        #expect(status(try checks(.none, evaluation: nothing), "admissible") == .failed)
        (nothing.largest, nothing.weaknesses) = (1, 1)
        #expect(try checks(.none, evaluation: nothing).verdict == .doubtful)
        (nothing.weaknesses, nothing.unconfirmed) = (0, 1)
        #expect(status(try checks(.none, evaluation: nothing), "confirmed") == .failed)
    }

    @Test(arguments: [2, 3, 4]) func ranksChangeNothing(ranks: Int) throws {
        #expect(try checks(.none, ranks: ranks) == checks(.none))
        #expect(try checks(.levels(32), ranks: ranks) == checks(.levels(32)))
    }
}
