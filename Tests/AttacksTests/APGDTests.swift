import Attacks
import Diagnostics
import Kernels
import NeuralNet
import Testing

private let shape = ImageShape(height: 4, width: 5, channels: 3)

@Suite("APGD")
struct APGDTests {
    @Test func checkpointsOfThePaper() {
        #expect(StepSizeControl.checkpoints(iterations: 100) == [22, 41, 57, 70, 80, 87, 93, 99])
        let fifty = StepSizeControl.windows(iterations: 50)
        #expect(fifty.first == 11 && fifty.decrement == 1 && fifty.shortest == 3)
        #expect(StepSizeControl.windows(iterations: 1).first == 1)
    }

    /// The iterations after which the step of a walk with these losses is halved.
    private func halvings(_ losses: [Float], start: Float) -> [Int] {
        var control = StepSizeControl(iterations: losses.count, rho: 0.75, startLoss: start)
        var (best, halvings) = (start, [Int]())
        for (i, loss) in losses.enumerated() {
            best = max(best, loss)
            if control.record(loss, best: best) { halvings.append(i + 1) }
        }
        return halvings
    }

    @Test func risingLossesKeepTheStep() {
        #expect(halvings((1...100).map { Float($0) }, start: 0).isEmpty)
        #expect(halvings([Float](repeating: 1, count: 100), start: 0) == [22, 41, 57, 70, 80, 87, 93, 99])
    }

    /// 22 comparisons: 17 rises keep the step, 16 do not. The first compares with 0, as the authors' code does.
    @Test func countsRises() {
        func losses(rises: Int, first: Float) -> [Float] {
            var losses = [first]
            for i in 1..<100 { losses.append(losses[i - 1] + (i <= rises || i >= 22 ? 1 : -1)) }
            return losses
        }
        #expect(halvings(losses(rises: 16, first: 1), start: 0).isEmpty)
        #expect(halvings(losses(rises: 16, first: -1), start: -2) == [22])
        #expect(halvings(losses(rises: 15, first: 1), start: 0) == [22])
        #expect(halvings(losses(rises: 17, first: -1), start: -2).isEmpty)
    }

    /// Rising all the time, but never above the best: halved where the step was kept before.
    @Test func stagnationHalvesEverySecondTime() {
        #expect(halvings((1...100).map { Float($0) }, start: 1000) == [41, 70, 87, 99])
    }

    @Test func derivativesAreThoseOfTheLosses() {
        for classes in [3, 4, 7] {
            for seed in 0..<20 as Range<UInt64> {
                let logits = uniform(classes, seed, low: -3, high: 3)
                // Where ranks change within a difference quotient there is no derivative.
                let sorted = logits.sorted()
                if zip(sorted, sorted.dropFirst()).contains(where: { $1 - $0 < 0.01 }) { continue }
                let label = Int(seed) % classes
                let target = (label + 1 + Int(seed) % (classes - 1)) % classes
                var losses: [LogitLoss] = [.crossEntropy, .logitsRatio, .targetedLogitsRatioOfThree(target: target), .difference(target: target)]
                if classes >= 4 { losses.append(.targetedLogitsRatio(target: target)) }
                for loss in losses {
                    var derivative = [Float](repeating: .nan, count: classes)
                    _ = loss.evaluate(logits, classes: classes, label: label, derivative: &derivative)
                    for c in 0..<classes {
                        func shifted(_ by: Float) -> Double {
                            var moved = logits
                            moved[c] += by
                            return Double(loss.evaluate(moved, classes: classes, label: label, derivative: nil))
                        }
                        let slope = (shifted(0x1p-10) - shifted(-0x1p-10)) / 0x1p-9
                        #expect(abs(slope - Double(derivative[c])) < 2e-3 * max(1, abs(slope)), "\(loss), class \(c)")
                    }
                }
            }
        }
    }

    @Test func lossesByHand() {
        let logits: [Float] = [1, 5, 2, 4, 3]
        func value(_ loss: LogitLoss, label: Int) -> Float { loss.evaluate(logits, classes: 5, label: label, derivative: nil) }
        #expect(value(.logitsRatio, label: 1) == -0.5)
        #expect(value(.logitsRatio, label: 0) == 2)
        #expect(value(.targetedLogitsRatio(target: 0), label: 1) == -1.6)
        #expect(value(.difference(target: 3), label: 2) == 2)
        #expect(LogitRanking.top(3, of: [2, 7, 7, 1], classes: 4) == [1, 2, 0])
    }

    /// With two classes the loss grows with w · x, whose maximum over the masked ball in the box is known.
    @Test(arguments: APGD.Objective.allCases, [false, true])
    func reachesTheOptimumOfALinearModel(_ objective: APGD.Objective, _ isMasked: Bool) throws {
        let model = LinearClassifier(uniform(2 * shape.count, 1, low: -2, high: 2), classes: 2, imageShape: shape)
        var batch = ToyBatch(shape, count: 6, classes: 2, seed: 1, range: 0.1...0.9).labelled(by: model)
        if isMasked { batch = batch.masked(seed: 1) }
        // Small enough that nobody falls: what is returned is the best point.
        var attack = APGD(objective, ThreatModel(norm: .linf, epsilon: 1e-3))
        attack.iterations = 50
        for (n, result) in try batch.run(attack, model: model).enumerated() {
            try #require(!result.claim.succeeded)
            #expect(result.claim.iterations == 50 && result.claim.gradientQueries == 51)
            for (j, value) in result.values.enumerated() {
                let i = n * shape.count + j
                let slope = model.weights[j] - model.weights[shape.count + j]
                let ascending = batch.labels[n] == 0 ? -slope : slope
                let move: Float = (ascending > 0 ? 1e-3 : -1e-3) * batch.m(i)
                #expect(abs(value - (batch.images[i] + move)) < 2e-7)
            }
        }
        let l2 = APGD(objective, ThreatModel(norm: .l2, epsilon: 5e-3))
        for (n, result) in try batch.run(l2, model: model).enumerated() {
            try #require(!result.claim.succeeded)
            let sign: Double = batch.labels[n] == 0 ? 1 : -1
            let ascent = (0..<shape.count).map { j -> Double in
                let slope = Double(model.weights[shape.count + j]) - Double(model.weights[j])
                return slope * sign * Double(batch.m(n * shape.count + j))
            }
            let size = ascent.reduce(0) { $0 + $1 * $1 }.squareRoot()
            for (j, value) in result.values.enumerated() {
                let move = Double(value) - Double(batch.images[n * shape.count + j])
                #expect(abs(move - 5e-3 * ascent[j] / size) < 2e-5)
            }
        }
    }

    @Test func fewClassesAreStated() throws {
        let threat = ThreatModel(norm: .linf, epsilon: 0.1)
        #expect(APGD(.targeted, threat).description(classes: 10).isStandard)
        #expect(APGD(.targeted, threat).description(classes: 9).settings["targets"] == "8")
        let three = APGD(.targeted, threat).description(classes: 3)
        #expect(three.settings["loss"] == "dlr-targeted-3" && three.deviations.count == 2 && !three.isStandard)
        #expect(APGD(.logitsRatio, threat).description(classes: 3).isStandard)
        let two = APGD(.logitsRatio, threat).description(classes: 2)
        #expect(two.settings["loss"] == "logit-difference" && !two.isStandard)
        #expect(FAB(threat, isTargeted: true).description(classes: 2).settings["targets"] == "1")
        for classes in [2, 3] {
            let model = TinyNetwork(shape, classes: classes, seed: 4)
            let batch = ToyBatch(shape, count: 8, classes: classes, seed: 2).labelled(by: model)
            for attack in shortAttacks(threat) { #expect(try batch.run(attack, model: model).contains { $0.claim.succeeded }, "\(attack.name)") }
        }
    }

    /// Going on after the first success leaves the same images standing.
    @Test(arguments: Norm.allCases)
    func stoppingAtSuccessChangesNoVerdict(_ norm: Norm) throws {
        let model = TinyNetwork(shape, classes: 5, seed: 4)
        let batch = ToyBatch(shape, count: 12, classes: 5, seed: 2).labelled(by: model)
        let threat = ThreatModel(norm: norm, epsilon: norm == .linf ? 0.03 : 0.2)
        var (stopped, fallen) = (0, 0)
        for objective in APGD.Objective.allCases {
            let attack = APGD(objective, threat)
            var long = attack
            long.stopsAtSuccess = false
            let (short, whole) = (try batch.run(attack, model: model), try batch.run(long, model: model))
            #expect(short.map(\.claim.succeeded) == whole.map(\.claim.succeeded))
            stopped += zip(short, whole).count { $0.claim.iterations < $1.claim.iterations }
            fallen += short.count { $0.claim.succeeded }
        }
        var (fab, whole) = (FAB(threat, isTargeted: true), FAB(threat, isTargeted: true))
        (fab.targets, whole.targets, whole.stopsAtSuccess) = (4, 4, false)
        #expect(try batch.run(fab, model: model).map(\.claim.succeeded) == batch.run(whole, model: model).map(\.claim.succeeded))
        #expect(stopped > 3 && fallen < 36)
    }

    @Test func averagesGradientsOfSeveralPasses() throws {
        let model = TinyNetwork(shape, classes: 5, seed: 4)
        let batch = ToyBatch(shape, count: 4, classes: 5, seed: 2).labelled(by: model)
        let threat = ThreatModel(norm: .linf, epsilon: 0.03)
        var averaged = APGD(.crossEntropy, threat)
        averaged.gradientPasses = 4
        let (one, four) = (try batch.run(APGD(.crossEntropy, threat), model: model), try batch.run(averaged, model: model))
        // The mean of four equal gradients is that gradient.
        #expect(one.map(\.adversarial) == four.map(\.adversarial))
        #expect(zip(one, four).allSatisfy { $1.claim.gradientQueries == 4 * $0.claim.gradientQueries })
    }
}
