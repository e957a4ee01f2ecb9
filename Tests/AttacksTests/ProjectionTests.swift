import Attacks
import Foundation
import Kernels
import Testing

private let shape = ImageShape(height: 7, width: 5, channels: 3)

/// One step of an attack as the papers write it, in float64.
private struct ReferenceStep {
    let threat: ThreatModel
    let stepSize: Double

    func apply(_ x: [Float], mask: [Float], from start: [Float], along gradient: [Float], channels: Int) -> [Double] {
        let m = x.indices.map { Double(mask[$0 / channels]) }
        let (epsilon, salient) = (Double(threat.epsilon), Double(threat.epsilonSalient))
        var point = start.map(Double.init)
        switch threat.norm {
        case .linf:
            for i in x.indices {
                let budget = salient + (epsilon - salient) * m[i]
                let direction = gradient[i] > 0 ? 1.0 : gradient[i] < 0 ? -1.0 : 0.0
                let move = point[i] + stepSize * direction - Double(x[i])
                point[i] = Double(x[i]) + (budget == 0 ? 0 : Swift.min(budget, Swift.max(-budget, move)))
            }
        case .l2:
            let weighed = x.indices.map { Double(gradient[$0]) * (salient == 0 ? m[$0] : 1) }
            let size = norm(weighed)
            if size > 0 { for i in x.indices { point[i] += stepSize * weighed[i] / size } }
            let inner = x.indices.filter { salient == 0 ? m[$0] > 0 : m[$0] > 0.5 }
            let outer = x.indices.filter { salient == 0 ? m[$0] == 0 : m[$0] <= 0.5 }
            // The nearest point of {‖δ‖ ≤ ε, ‖δ_salient‖ ≤ ε_salient}, by Dykstra's alternating projections.
            let delta = point.indices.map { point[$0] - Double(x[$0]) }
            var (a, b) = (norm(inner.map { delta[$0] }), norm(outer.map { delta[$0] }))
            let (lengthA, lengthB) = (a, b)
            var (p, q) = ((0.0, 0.0), (0.0, 0.0))
            for _ in 0..<20_000 {
                let u = (a + p.0, b + p.1)
                let size = max(1, (u.0 * u.0 + u.1 * u.1).squareRoot() / epsilon)
                let y = (u.0 / size, u.1 / size)
                p = (u.0 - y.0, u.1 - y.1)
                let v = (y.0 + q.0, y.1 + q.1)
                (a, b) = (v.0, Swift.min(v.1, salient))
                q = (v.0 - a, v.1 - b)
            }
            if lengthA > 0 { for i in inner { point[i] = Double(x[i]) + delta[i] * a / lengthA } }
            if lengthB > 0 { for i in outer { point[i] = Double(x[i]) + delta[i] * b / lengthB } }
        }
        return point.map { Swift.min(1, Swift.max(0, $0)) }
    }

    private func norm(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }
}

@Suite("One step, against float64")
struct ProjectionTests {
    @Test(arguments: Norm.allCases, [Float(0), 0.02])
    func matchesReference(_ norm: Norm, _ epsilonSalient: Float) throws {
        for seed in 0..<40 as Range<UInt64> {
            var batch = ToyBatch(shape, count: 2, classes: 2, seed: seed)
            switch seed % 3 {
            case 0: batch.mask = [Float](repeating: 1, count: 2 * shape.pixels)
            case 1: batch = batch.masked(seed: seed)
            default: batch.mask = uniform(2 * shape.pixels, seed + 7, low: 0, high: 1)
            }
            let scale: Float = norm == .linf ? 1 : 4
            let threat = ThreatModel(norm: norm, epsilon: 0.06 * scale, epsilonSalient: epsilonSalient * scale)
            let settings = AttackSettings(threat: threat, stepSize: [0.01, 0.05, 2][Int(seed % 3)] * scale, steps: 1)
            // A point of the ball: a step of random size from the image.
            let first = AttackSettings(threat: threat, stepSize: 0.03 * scale, steps: 1)
            let start = try batch.stepped(first, from: batch.images, along: uniform(batch.images.count, seed + 1, low: -1, high: 1))
            var gradients = uniform(batch.images.count, seed + 2, low: -1, high: 1)
            gradients[3] = 0
            gradients[4] = -0.0
            let adversarial = try batch.stepped(settings, from: start, along: gradients)
            for i in 0..<2 {
                let values = i * shape.count..<(i + 1) * shape.count
                let expected = ReferenceStep(threat: threat, stepSize: Double(settings.stepSize)).apply(
                    Array(batch.images[values]), mask: Array(batch.mask![i * shape.pixels..<(i + 1) * shape.pixels]),
                    from: Array(start[values]), along: Array(gradients[values]), channels: shape.channels)
                for (found, expected) in zip(adversarial[values], expected) { #expect(abs(Double(found) - expected) < 3e-7) }
            }
            try batch.check(adversarial, threat)
        }
    }

    /// The gradients of a confident network are tiny; their direction counts all the same.
    @Test(arguments: [Float(1e-12), 1e-25, 1e-38, 1e30])
    func normalisesGradientsOfAnySize(_ size: Float) throws {
        let batch = ToyBatch(shape, count: 1, classes: 2, seed: 3, range: 0.4...0.6)
        var gradients = [Float](repeating: 0, count: shape.count)
        (gradients[10], gradients[20]) = (3 * size, -4 * size)
        let settings = AttackSettings(threat: ThreatModel(norm: .l2, epsilon: 0.5), stepSize: 0.05, steps: 1)
        let adversarial = try batch.stepped(settings, from: batch.images, along: gradients)
        #expect(abs(adversarial[10] - batch.images[10] - 0.03) < 1e-6 && abs(adversarial[20] - batch.images[20] + 0.04) < 1e-6)
        #expect(zip(adversarial, batch.images).count { $0 != $1 } == 2)
    }

    @Test(arguments: Norm.allCases)
    func zeroGradientsMoveNothing(_ norm: Norm) throws {
        let batch = ToyBatch(shape, count: 2, classes: 2, seed: 3)
        let settings = AttackSettings(threat: ThreatModel(norm: norm, epsilon: 0.1), stepSize: 0.05, steps: 3, randomStart: false)
        let adversarial = try batch.stepped(settings, from: batch.images, along: [Float](repeating: 0, count: batch.images.count))
        #expect(bits(adversarial) == bits(batch.images))
    }
}
