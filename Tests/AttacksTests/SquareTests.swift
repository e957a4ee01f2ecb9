import Attacks
import Kernels
import Testing

@Suite("Square")
struct SquareTests {
    /// Iterations that begin a stage, and the sides of the paper's windows there.
    @Test(arguments: [
        (28, [25, 18, 13, 9, 6, 4, 3, 2], [25, 19, 13, 9, 7, 5, 3, 3]), (32, [29, 20, 14, 10, 7, 5, 4, 3], [29, 21, 15, 11, 7, 5, 5, 3]),
        (64, [57, 40, 29, 20, 14, 10, 7, 5], [57, 41, 29, 21, 15, 11, 7, 5]),
        (224, [200, 142, 100, 71, 50, 35, 25, 18], [201, 143, 101, 71, 51, 35, 25, 19]),
        (299, [267, 189, 134, 95, 67, 47, 33, 24], [267, 189, 135, 95, 67, 47, 33, 25]),
    ])
    func sidesOfThePaper(_ size: Int, _ linf: [Int], _ l2: [Int]) {
        for (norm, sides) in [(Norm.linf, linf), (.l2, l2)] {
            for (stage, first) in [0, 11, 51, 201, 501, 1001, 2001, 4001].enumerated() {
                for iteration in [first, [10, 50, 200, 500, 1000, 2000, 4000, 6000][stage]] {
                    let share = SquareSchedule.share(0.8, iteration: iteration)
                    #expect(SquareSchedule.side(norm, share: share, pixels: size * size, limit: size) == sides[stage])
                }
            }
        }
        #expect(SquareSchedule.share(0.8, iteration: 9000) == 0.8 / 512)
        #expect(SquareSchedule.side(.linf, share: 0.8, pixels: 2000, limit: 20) == 20)
        #expect(SquareSchedule.side(.l2, share: 0.01, pixels: 100, limit: 2) == 2)
    }

    @Test func patternsHaveLengthOneAndTwoSigns() {
        for side in 1...12 {
            let pattern = SquarePattern.pattern(side: side)
            #expect(abs(pattern.reduce(0) { $0 + $1 * $1 } - 1) < 1e-5)
            #expect(pattern[..<(side / 2 * side)].allSatisfy { $0 > 0 } && pattern[(side / 2 * side)...].allSatisfy { $0 < 0 })
            let transposed = SquarePattern.transposed(pattern, side: side)
            #expect(SquarePattern.transposed(transposed, side: side) == pattern)
        }
    }

    /// Beyond the distance at which a linear model falls, Square needs some more room, as it has no gradient and leaves out the
    /// last row and column; before it nothing falls.
    @Test(arguments: Norm.allCases)
    func approachesTheOptimumOfALinearModel(_ norm: Norm) throws {
        let shape = ImageShape(height: 16, width: 16, channels: 3)
        // Weights that vary slowly, as squares do.
        let coarse = uniform(2 * 2 * 2 * 3, 5, low: -1, high: 1)
        let weights = (0..<2 * shape.count).map { i -> Float in
            let (c, pixel, channel) = (i / shape.count, i % shape.count / 3, i % 3)
            return coarse[((c * 2 + pixel / 16 / 8) * 2 + pixel % 16 / 8) * 3 + channel]
        }
        let model = LinearClassifier(weights, classes: 2, imageShape: shape)
        let batch = ToyBatch(shape, count: 4, classes: 2, seed: 6, range: 0.3...0.7).labelled(by: model)
        for n in 0..<4 {
            let image = Array(batch.images[n * shape.count..<(n + 1) * shape.count])
            let w = (0..<shape.count).map { Double(weights[$0] - weights[shape.count + $0]) }
            let margin = abs(zip(w, image).reduce(0) { $0 + $1.0 * Double($1.1) })
            let dual = norm == .linf ? w.reduce(0) { $0 + abs($1) } : w.reduce(0) { $0 + $1 * $1 }.squareRoot()
            for (factor, succeeds) in [(norm == .linf ? 1.6 : 2.2, true), (0.99, false)] {
                let attack = Square(ThreatModel(norm: norm, epsilon: Float(factor * margin / dual)))
                let result = try batch.selecting([n]).run(attack, model: model)[0]
                #expect(result.claim.succeeded == succeeds, "image \(n), \(factor)")
                #expect(result.claim.gradientQueries == 0)
                if !succeeds { #expect(result.claim.iterations == 5000 && result.claim.queries <= 5002) }
            }
        }
    }
}
