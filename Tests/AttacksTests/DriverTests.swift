import Attacks
import Diagnostics
import Kernels
import NeuralNet
import Testing

private let shape = ImageShape(height: 6, width: 6, channels: 3)
private let threat = ThreatModel(norm: .linf, epsilon: 0.03)

/// An attack that makes things up.
private struct Liar: Attack {
    let name = "liar"
    let threat: ThreatModel
    /// Added to every value of what it returns.
    var move: Float
    func description(classes: Int) -> AttackDescription { AttackDescription(name: name, threat: threat, settings: [:]) }
    func makeRunner(imageShape: ImageShape, classes: Int, capacity: Int) -> any AttackRunner { LiarRunner(move: move) }
}

private final class LiarRunner: AttackRunner {
    private let move: Float
    init(move: Float) { self.move = move }

    func run(
        model: some DifferentiableClassifier, on images: some AttackImages, seed: UInt64, finish: (FinishedImage) throws -> Void
    ) throws {
        // What APGD found, moved, and called a success.
        let inner = try APGD(.crossEntropy, threat).makeRunner(imageShape: model.imageShape, classes: model.classes, capacity: 4)
        try inner.run(model: model, on: images, seed: seed) { image in
            var claim = image.claim
            claim.succeeded = true
            let moved = (0..<model.imageShape.count).map { image.image[$0] + move }
            try moved.withUnsafeBufferPointer {
                try finish(
                    FinishedImage(
                        position: image.position, index: image.index, label: image.label, image: image.image, mask: image.mask,
                        adversarial: $0.baseAddress!, claim: claim))
            }
        }
    }
}

private func worstCase(_ attacks: [any Attack], _ model: some DifferentiableClassifier, _ batch: ToyBatch, seed: UInt64 = 1) throws -> WorstCase {
    let driver = AttackDriver(imageShape: shape, classes: model.classes, capacity: 5)
    return try batch.withImages { try driver.worstCase(of: attacks, model: model, on: $0, seed: seed) }
}

@Suite("The driver")
struct DriverTests {
    private let model = TinyNetwork(shape, classes: 5, seed: 21)
    private var batch: ToyBatch { ToyBatch(shape, count: 14, classes: 5, seed: 3, range: 0.1...0.9).labelled(by: model) }

    @Test func fallenImagesAreNotAttackedAgain() throws {
        var batch = batch
        batch.labels[4] = (batch.labels[4] + 1) % 5
        let attacks = shortAttacks(threat)
        let driver = AttackDriver(imageShape: shape, classes: 5, capacity: 5)
        var found: [Int: [Float]] = [:]
        var last = 0
        let result = try batch.withImages { images in
            try driver.worstCase(of: attacks, model: model, on: images, seed: 1) { position, image in
                #expect(found[position] == nil)
                found[position] = (0..<shape.count).map { image[$0] }
            } progress: { attack, done, total in
                #expect(done >= 1 && done <= total && attack >= last)
                last = attack
            }
        }
        #expect(result.clean.map(\.succeeded) == (0..<14).map { $0 == 4 })
        #expect(!result.isRobust[4] && result.isRobust.count { $0 } == result.standing())
        var standing = Set(0..<14).subtracting([4])
        for record in result.records {
            #expect(record.outcomes.map(\.position) == standing.sorted())
            #expect(record.unconfirmed == 0)
            for outcome in record.outcomes where outcome.succeeded { standing.remove(outcome.position) }
        }
        #expect(standing.count == result.standing() && !standing.isEmpty && standing.count < 13)
        #expect(Set(found.keys) == Set(0..<14).subtracting(standing).subtracting([4]))
        for (position, image) in found {
            var one = batch.selecting([position])
            one.images = image
            #expect(one.labelled(by: model).labels != one.labels)
        }
    }

    /// What stands does not depend on which images are given, nor on their order.
    @Test func eachImageHasItsOwnResult() throws {
        let attacks = shortAttacks(threat)
        let whole = try worstCase(attacks, model, batch)
        let order = Philox(seed: 2, purpose: .test).permutation(14).prefix(6)
        let part = try worstCase(attacks, model, batch.selecting(Array(order)))
        for (place, i) in order.enumerated() {
            #expect(part.isRobust[place] == whole.isRobust[i])
            for (a, b) in zip(part.records, whole.records) {
                var mine = a.outcomes.first { $0.position == place }
                mine?.position = i
                #expect(mine == b.outcomes.first { $0.position == i })
            }
        }
    }

    @Test func attacksAreNotBelieved() throws {
        let harmless = try worstCase([Liar(threat: threat, move: 0)], model, batch)
        #expect(harmless.standing() == 14 && harmless.records[0].unconfirmed == 14)
        let failure = #expect(throws: Failure.self) { try worstCase([Liar(threat: threat, move: 0.031)], model, batch) }
        #expect(failure?.message.contains("under liar") == true && failure?.message.contains("10") == true)
    }

    /// Gradients that are zero move no gradient attack, which says so; Square needs none.
    @Test func killedGradientsAreSeen() throws {
        let killed = KilledGradients(model)
        let broken = try worstCase([Square(threat)], model, batch)
        let result = try worstCase([APGD(.targeted, threat), FAB(threat, isTargeted: true), Square(threat)], killed, batch)
        let standing = result.records.map { $0.outcomes.count - $0.fallen }
        #expect(standing[1] == standing[0] && standing[2] < standing[1] && result.standing() <= broken.standing())
        for record in result.records.prefix(2) {
            #expect(record.outcomes.count { $0.claim.hasZeroGradient } >= record.outcomes.count - record.fallen)
        }
        #expect(result.records[2].zeroGradients == 0)
        let sound = try worstCase([APGD(.targeted, threat)], model, batch)
        #expect(sound.records[0].zeroGradients == 0 && sound.standing() < standing[0])
    }

    /// A model that draws random numbers contradicts the attacks, and more passes per gradient help.
    @Test func randomModelsContradict() throws {
        let random = RandomisedLogits(model, noise: 0.5)
        let result = try worstCase([APGD(.crossEntropy, threat), Square(threat)], random, batch)
        #expect(result.records.contains { $0.unconfirmed > 0 })
        #expect(try worstCase([APGD(.crossEntropy, threat)], model, batch).records[0].unconfirmed == 0)
    }

    @Test func listsOfAutoAttack() throws {
        #expect(AutoAttack.attacks(.standard, threat).map(\.name) == ["apgd-ce", "apgd-t", "fab-t", "square"])
        #expect(AutoAttack.attacks(.plus, threat).map(\.name) == ["apgd-ce", "apgd-dlr", "fab", "square", "apgd-t", "fab-t"])
        #expect(AutoAttack.attacks(.rand, threat).map(\.name) == ["apgd-ce", "apgd-dlr"])
        func setting(_ version: AutoAttack.Version, _ place: Int, _ name: String) -> String? {
            AutoAttack.attacks(version, threat)[place].description(classes: 10).settings[name]
        }
        #expect(setting(.standard, 0, "restarts") == "1" && setting(.plus, 0, "restarts") == "5" && setting(.plus, 2, "restarts") == "5")
        #expect(setting(.plus, 4, "restarts") == "1" && setting(.plus, 5, "targets") == "9" && setting(.standard, 3, "queries") == "5000")
        #expect(setting(.rand, 1, "gradientPasses") == "20")
        for name in AutoAttack.names { #expect(try AutoAttack.attack(named: name, threat).name == name) }
        let failure = #expect(throws: Failure.self) { _ = try AutoAttack.attack(named: "squares", threat) }
        #expect(failure?.remedy?.contains("did you mean square") == true)
    }
}
