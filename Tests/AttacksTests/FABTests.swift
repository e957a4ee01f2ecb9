import Attacks
import Kernels
import NeuralNet
import Testing

private let shape = ImageShape(height: 4, width: 5, channels: 3)

/// Σ w · d of the projection with multiplier λ, in float64; d itself if asked for.
private struct ReferenceProjection {
    let (norm, point, normal, residual): (Norm, [Double], [Double], Double)

    func displacement(_ lambda: Double) -> [Double] {
        let sign = residual >= 0 ? 1.0 : -1
        return zip(point, normal).map { v, w in
            let w = sign * w
            guard w != 0, norm == .linf || abs(w) >= 1e-8 else { return 0 }
            let room = w > 0 ? v : 1 - v
            let length = norm == .linf ? min(lambda, room) : min(lambda * abs(w), room)
            return w > 0 ? -length : length
        }
    }

    /// By bisection on the multiplier.
    var solution: [Double] {
        func change(_ lambda: Double) -> Double { abs(zip(displacement(lambda), normal).reduce(0) { $0 + $1.0 * $1.1 }) }
        var (low, high) = (0.0, 1e9)
        if change(high) < abs(residual) { return displacement(high) }
        for _ in 0..<200 {
            let middle = (low + high) / 2
            if change(middle) < abs(residual) { low = middle } else { high = middle }
        }
        return displacement(high)
    }
}

private func project(_ norm: Norm, _ point: [Float], _ normal: [Float], _ residual: Double) -> [Float] {
    var (weights, rooms, displacement) = (point, point, point)
    BoxHyperplane.project(
        norm, point, normal: normal, residual: residual, count: point.count, weights: &weights, rooms: &rooms,
        displacement: &displacement)
    return displacement
}

@Suite("FAB")
struct FABTests {
    @Test(arguments: Norm.allCases)
    func projectsAsFloat64Does(_ norm: Norm) {
        for seed in 0..<300 as Range<UInt64> {
            let count = [1, 3, 17, 60, 200][Int(seed % 5)]
            var point = uniform(count, seed, low: 0, high: 1)
            var normal = uniform(count, seed + 1000, low: -1, high: 1)
            for i in stride(from: 0, to: count, by: 4) where seed % 2 == 0 { normal[i] = 0 }
            for i in stride(from: 1, to: count, by: 3) where seed % 3 == 0 { point[i] = i % 2 == 0 ? 0 : 1 }
            let total = normal.reduce(0) { $0 + Double(abs($1)) }
            // From nothing to beyond what the box can hold, to both sides.
            let residual = total * [0, 1e-5, 0.01, 0.1, 0.3, 0.6, 2][Int(seed % 7)] * (seed % 11 < 5 ? 1 : -1)
            let expected = ReferenceProjection(
                norm: norm, point: point.map(Double.init), normal: normal.map(Double.init), residual: residual
            ).solution
            for (found, expected) in zip(project(norm, point, normal, residual), expected) {
                #expect(abs(Double(found) - expected) < 1e-5, "seed \(seed)")
            }
        }
    }

    @Test func projectsByHand() {
        // The last value has no room: the others make up for it.
        let linf = project(.linf, [0.5, 0.5, 0.1], [1, -1, 2], 0.6)
        #expect(zip(linf, [-0.2, 0.2, -0.1]).allSatisfy { abs($0 - $1) < 1e-6 })
        let l2 = project(.l2, [0.5, 0.5], [3, -4], 1)
        #expect(zip(l2, [-0.12, 0.16]).allSatisfy { abs($0 - $1) < 1e-6 })
        #expect(project(.linf, [0.5, 0.25], [1, 0], 3) == [-0.5, 0])
        #expect(project(.l2, [0.5, 0.25], [1, 0], -3) == [0.5, 0])
        #expect(project(.linf, [0.5, 0.25], [0, 0], 1) == [0, 0])
    }

    /// Far from the box's faces the nearest boundary of a linear model is at margin / ‖w‖ in the dual norm. Without a final search
    /// FAB stays the half per cent beyond it at which its overshoot and its backward step balance.
    @Test(arguments: Norm.allCases, [false, true])
    func findsTheDistanceOfALinearModel(_ norm: Norm, _ isMasked: Bool) throws {
        let classes = 4
        let model = LinearClassifier(uniform(classes * shape.count, 3, low: -1, high: 1), classes: classes, imageShape: shape)
        var batch = ToyBatch(shape, count: 8, classes: classes, seed: 6, range: 0.45...0.55).labelled(by: model)
        if isMasked { batch = batch.masked(seed: 3) }
        /// Of the nearest boundary, and the largest move of a value on the way there.
        func distance(_ n: Int) -> (distance: Double, move: Double) {
            let label = Int(batch.labels[n])
            return (0..<classes).filter { $0 != label }.map { c -> (distance: Double, move: Double) in
                let w = (0..<shape.count).map { Double(model.weights[c * shape.count + $0]) - Double(model.weights[label * shape.count + $0]) }
                let f = zip(w, batch.images[n * shape.count..<(n + 1) * shape.count]).reduce(0) { $0 + $1.0 * Double($1.1) }
                let free = w.enumerated().map { $1 * Double(batch.m(n * shape.count + $0)) }
                let dual = norm == .linf ? free.reduce(0) { $0 + abs($1) } : free.reduce(0) { $0 + $1 * $1 }.squareRoot()
                let move = norm == .linf ? -f / dual : -f / dual * free.reduce(0) { max($0, abs($1)) } / dual
                return (-f / dual, move)
            }.min { $0.distance < $1.distance }!
        }
        for isTargeted in [false, true] {
            var attack = FAB(ThreatModel(norm: norm, epsilon: 1e-4), isTargeted: isTargeted)
            attack.stopsAtSuccess = false
            for (n, result) in try batch.run(attack, model: model).enumerated() {
                let found = Double(try #require(result.claim.boundaryDistance))
                let (least, move) = distance(n)
                #expect(found >= least - 1e-6)
                if move < 0.44 { #expect(found < 1.006 * least, "image \(n): \(found), \(least)") }
                #expect(!result.claim.succeeded && result.adversarial == bits(Array(batch.images[n * shape.count..<(n + 1) * shape.count])))
            }
            // A radius a little above the distance is enough, one a little below is not.
            for (factor, succeeds) in [(1.01, true), (0.99, false)] {
                let radius = ThreatModel(norm: norm, epsilon: Float(factor * distance(0).distance))
                #expect(try batch.selecting([0]).run(FAB(radius, isTargeted: isTargeted), model: model)[0].claim.succeeded == succeeds)
            }
        }
    }
}
