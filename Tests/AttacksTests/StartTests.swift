import Attacks
import Kernels
import Testing

/// Where training methods let the ascent begin, and how far it may go.
@Suite struct StartTests {
    private let shape = ImageShape(height: 6, width: 5, channels: 3)

    private func attacked(
        _ batch: ToyBatch, _ settings: AttackSettings, start: AscentStart, gradient: Float = 0
    ) throws -> [Float] {
        let ascent = ProjectedGradientAscent(settings, start: start, imageShape: shape, classes: 2, capacity: batch.count)
        let model = PrescribedGradient([Float](repeating: gradient, count: batch.images.count), imageShape: shape)
        return try batch.attacked(ascent, model: model, seed: 3)
    }

    /// N-FGSM: noise in ±2ε, one step of ε, no projection but onto [0, 1]. The loop's ball is 3ε.
    @Test(arguments: [false, true]) func wideNoiseIsNotProjected(isMasked: Bool) throws {
        let epsilon: Float = 8.0 / 255
        var batch = ToyBatch(shape, count: 40, classes: 2, seed: 5, range: 0.2...0.8)
        if isMasked { batch = batch.masked(seed: 5) }
        let settings = AttackSettings(threat: ThreatModel(norm: .linf, epsilon: 3 * epsilon), stepSize: epsilon, steps: 1)
        let start = AscentStart.uniform(share: 2.0 / 3)
        let still = try attacked(batch, settings, start: start)
        let moved = try attacked(batch, settings, start: start, gradient: 1)
        var (widest, count) = (Float(0), 0)
        for i in batch.images.indices {
            guard batch.m(i) == 1 else {
                #expect(moved[i] == batch.images[i] && still[i] == batch.images[i])
                continue
            }
            #expect(abs(moved[i] - still[i] - epsilon) < 1e-6)
            widest = max(widest, abs(still[i] - batch.images[i]))
            count += 1
        }
        // Uniform in ±2ε: the largest of thousands is near the end.
        #expect(count > 1500 && widest > 1.98 * epsilon && widest <= 2 * epsilon + 1e-6)
        try batch.check(moved, settings.threat)
    }

    @Test func normalStartHasItsDeviationAndItsMask() throws {
        let batch = ToyBatch(shape, count: 60, classes: 2, seed: 6, range: 0.2...0.8).masked(seed: 6)
        let settings = AttackSettings(threat: ThreatModel(norm: .linf, epsilon: 8.0 / 255), stepSize: 2.0 / 255, steps: 1)
        let start = try attacked(batch, settings, start: .normal(deviation: 0.001))
        let free = batch.images.indices.filter { batch.m($0) == 1 }
        let moves = free.map { Double(start[$0]) - Double(batch.images[$0]) }
        let deviation = (moves.reduce(0) { $0 + $1 * $1 } / Double(moves.count)).squareRoot()
        #expect(moves.count > 2000 && abs(deviation / 0.001 - 1) < 0.05 && abs(moves.reduce(0, +)) / Double(moves.count) < 1e-4)
        #expect(batch.images.indices.allSatisfy { batch.m($0) == 1 || start[$0] == batch.images[$0] })
        // In a ball smaller than the noise it stays in the ball.
        for norm in Norm.allCases {
            let small = AttackSettings(threat: ThreatModel(norm: norm, epsilon: 5e-4), stepSize: 1e-4, steps: 1)
            try batch.check(attacked(batch, small, start: .normal(deviation: 0.001)), small.threat)
        }
    }

    /// A share of one is the random start as it always was, to the last bit.
    @Test(arguments: Norm.allCases) func theWholeBallIsTheOldStart(_ norm: Norm) throws {
        let batch = ToyBatch(shape, count: 4, classes: 2, seed: 7)
        let settings = AttackSettings(threat: ThreatModel(norm: norm, epsilon: 0.1), stepSize: 0.02, steps: 1)
        let model = PrescribedGradient([Float](repeating: 0, count: batch.images.count), imageShape: shape)
        #expect(try bits(attacked(batch, settings, start: .uniform(share: 1))) == bits(batch.attacked(settings, model: model, seed: 3)))
    }

    @Test func warmUpScalesRadiiAndStep() {
        let threat = ThreatModel(norm: .linf, epsilon: 0.1, epsilonSalient: 0.02)
        let scaled = AttackSettings(threat: threat, stepSize: 0.04, steps: 3).scaled(by: 0.5)
        #expect(scaled.threat.epsilon == 0.05 && scaled.threat.epsilonSalient == 0.01 && scaled.stepSize == 0.02 && scaled.steps == 3)
    }
}
