import Attacks
import Diagnostics
import Kernels
import NeuralNet
import Testing

private let shape = ImageShape(height: 7, width: 6, channels: 3)

private func threat(_ norm: Norm, _ size: Float = 1) -> ThreatModel {
    ThreatModel(norm: norm, epsilon: size * (norm == .linf ? 0.03 : 0.25))
}

private func batch(_ model: TinyNetwork, count: Int = 9, seed: UInt64 = 5) -> ToyBatch {
    ToyBatch(model.imageShape, count: count, classes: model.classes, seed: seed).labelled(by: model)
}

@Suite("Every attack")
struct LaneTests {
    /// Alone, in groups of any size, and in any order: the same bits and the same counts.
    @Test(arguments: Norm.allCases, [false, true])
    func neighboursDoNotMatter(_ norm: Norm, _ isMasked: Bool) throws {
        let model = TinyNetwork(shape, classes: 5, seed: 1)
        var batch = batch(model)
        if isMasked { batch = batch.masked(seed: 2) }
        for attack in shortAttacks(threat(norm)) {
            let whole = try batch.run(attack, model: model, capacity: 9)
            #expect(Set(whole.map(\.claim.succeeded)).count == 2, "\(attack.name) should break some images and not others")
            for (capacity, modelCapacity) in [(1, 64), (2, 64), (4, 64), (9, 3), (64, 5)] {
                let small = TinyNetwork(shape, classes: 5, seed: 1, capacity: modelCapacity)
                #expect(try batch.run(attack, model: small, capacity: capacity) == whole, "\(attack.name), \(capacity)")
            }
            let order = Philox(seed: 5, purpose: .test).permutation(9)
            let permuted = try batch.selecting(order).run(attack, model: model, capacity: 4)
            for (place, i) in order.enumerated() { #expect(permuted[place] == whole[i], "\(attack.name), image \(i)") }
            let alone = try batch.selecting([6]).run(attack, model: model)
            #expect(alone[0] == whole[6], "\(attack.name)")
        }
    }

    @Test(arguments: Norm.allCases)
    func seedsAndIndicesMatter(_ norm: Norm) throws {
        let model = TinyNetwork(shape, classes: 5, seed: 1)
        let batch = batch(model)
        // FAB draws for restarts only, which need not find anything nearer.
        for attack in shortAttacks(threat(norm)) where !(attack is FAB) {
            let first = try batch.run(attack, model: model)
            #expect(try batch.run(attack, model: model) == first)
            #expect(try batch.run(attack, model: model, seed: 4) != first, "\(attack.name)")
            var renamed = batch
            renamed.indices = renamed.indices.map { $0 + 1 }
            #expect(try renamed.run(attack, model: model) != first, "\(attack.name)")
        }
    }

    @Test(arguments: Norm.allCases)
    func aMaskOfOnesIsNoMask(_ norm: Norm) throws {
        let model = TinyNetwork(shape, classes: 5, seed: 1)
        let plain = batch(model)
        var ones = plain
        ones.mask = [Float](repeating: 1, count: plain.count * shape.pixels)
        for attack in shortAttacks(threat(norm)) {
            #expect(try ones.run(attack, model: model) == plain.run(attack, model: model), "\(attack.name)")
        }
    }

    @Test(arguments: Norm.allCases)
    func aMaskOfZerosIsTheImageItself(_ norm: Norm) throws {
        let model = TinyNetwork(shape, classes: 5, seed: 1)
        var batch = batch(model)
        batch.images[0] = -0.0
        batch.mask = [Float](repeating: 0, count: batch.count * shape.pixels)
        for attack in shortAttacks(threat(norm)) {
            let results = try batch.run(attack, model: model)
            #expect(results.flatMap(\.adversarial) == bits(batch.images), "\(attack.name)")
            #expect(results.allSatisfy { !$0.claim.succeeded })
        }
    }

    /// Frozen pixels keep their bits, the others stay in the ball; and the attacks find something all the same.
    @Test(arguments: Norm.allCases, [ImageShape(height: 7, width: 6, channels: 3), ImageShape(height: 5, width: 9, channels: 1), ImageShape(height: 3, width: 4, channels: 3)])
    func staysInsideMaskBallAndBox(_ norm: Norm, _ shape: ImageShape) throws {
        let model = TinyNetwork(shape, classes: 4, seed: 8)
        for isMasked in [false, true] {
            var batch = ToyBatch(shape, count: 6, classes: 4, seed: 9)
            for i in stride(from: 0, to: batch.images.count, by: 5) {
                batch.images[i] = [0, 1, .leastNonzeroMagnitude, 1 - 0x1p-24][i / 5 % 4]
            }
            batch = batch.labelled(by: model)
            if isMasked { batch = batch.masked(seed: 4) }
            var fallen = 0
            for attack in shortAttacks(threat(norm, 6)) {
                let results = try batch.run(attack, model: model)
                fallen += results.count { $0.claim.succeeded }
                let adversarial = results.flatMap(\.values)
                try batch.check(adversarial, attack.threat)
                for i in adversarial.indices where batch.m(i) == 0 { #expect(adversarial[i].bitPattern == batch.images[i].bitPattern) }
                for (i, result) in results.enumerated() where result.claim.succeeded {
                    var one = batch.selecting([i])
                    one.images = result.values
                    #expect(one.labelled(by: model).labels != one.labels, "\(attack.name): image \(i) is not misclassified")
                }
            }
            #expect(fallen > 0)
        }
    }

    /// An attack of the last row alone: Square reaches it too, which its unmasked windows would not.
    @Test(arguments: Norm.allCases)
    func reachesAMaskInTheLastRow(_ norm: Norm) throws {
        let model = TinyNetwork(shape, classes: 5, seed: 1)
        var batch = batch(model)
        batch.mask = (0..<batch.count * shape.pixels).map { $0 % shape.pixels >= shape.pixels - shape.width ? 1 : 0 }
        for attack in shortAttacks(threat(norm, 4)) {
            let results = try batch.run(attack, model: model)
            #expect(results.contains { $0.claim.succeeded }, "\(attack.name)")
            #expect(results.allSatisfy { $0.claim.variant == (attack is Square ? .masked : .standard) })
        }
    }

    @Test func misclassifiedImagesAreNotAttacked() throws {
        let model = TinyNetwork(shape, classes: 5, seed: 1)
        var batch = batch(model)
        batch.labels[2] = (batch.labels[2] + 1) % 5
        for attack in shortAttacks(threat(.linf)) {
            let result = try batch.run(attack, model: model)[2]
            #expect(result.claim.succeeded && result.claim.variant == .none && result.claim.queries == 1)
            #expect(result.adversarial == bits(Array(batch.images[2 * shape.count..<3 * shape.count])))
        }
    }

    /// A start that fools the model already is found by all attacks that take starts, at once.
    @Test(arguments: Norm.allCases)
    func beginsAtAGivenPoint(_ norm: Norm) throws {
        let model = TinyNetwork(shape, classes: 5, seed: 1)
        let all = batch(model)
        let found = try all.run(APGD(.crossEntropy, threat(norm)), model: model)
        let fallen = found.indices.filter { found[$0].claim.succeeded }
        try #require(fallen.count >= 2)
        let starts = fallen.flatMap { found[$0].values }
        for attack in shortAttacks(threat(norm)) where !(attack is PGDAttack) && !(attack is FAB) {
            let again = try all.selecting(fallen).run(attack, model: model, starts: starts)
            #expect(again.allSatisfy { $0.claim.succeeded && $0.claim.queries == 2 }, "\(attack.name)")
            #expect(again.flatMap(\.adversarial) == bits(starts), "\(attack.name)")
        }
    }

    @Test func badInputIsAFailure() throws {
        let model = TinyNetwork(shape, classes: 5, seed: 1)
        for attack in shortAttacks(threat(.linf)) {
            var soft = batch(model)
            soft.mask = [Float](repeating: 0.5, count: soft.count * shape.pixels)
            if !(attack is PGDAttack) {
                let failure = #expect(throws: Failure.self) { try soft.run(attack, model: model) }
                #expect(failure?.message.contains("mask of image 100 is 0.5") == true)
            }
            var beyond = batch(model)
            beyond.labels[1] = 5
            let failure = #expect(throws: Failure.self) { try beyond.run(attack, model: model) }
            #expect(failure?.message.contains("image 107 has label 5") == true)
            #expect(failure?.kind == .badData)
        }
        for epsilon in [Float(0), -1, .nan, .infinity] {
            #expect(throws: Failure.self) { try batch(model).run(APGD(.crossEntropy, ThreatModel(norm: .linf, epsilon: epsilon)), model: model) }
        }
        #expect(throws: Failure.self) {
            try batch(model).run(Square(ThreatModel(norm: .l2, epsilon: 1, epsilonSalient: 0.5)), model: model)
        }
        #expect(throws: Failure.self) { _ = try AutoAttack.attack(named: "apgd", threat(.linf)) }
    }

    @Test(arguments: [Float.nan, .infinity])
    func logitsThatAreNoNumbersAreAFailure(_ value: Float) throws {
        let weights = uniform(3 * shape.count, 1, low: -1, high: 1)
        let sound = LinearClassifier(weights, classes: 3, imageShape: shape)
        var batch = ToyBatch(shape, count: 3, classes: 3, seed: 2).labelled(by: sound)
        batch.images[shape.count + 4] = value
        for attack in shortAttacks(threat(.linf)) where !(attack is PGDAttack) {
            let failure = #expect(throws: Failure.self) { try batch.run(attack, model: sound) }
            #expect(failure?.message.contains("logits of image 107") == true)
        }
    }
}
