import Foundation
import Kernels
import Salience
import Testing

@Suite struct ScoreTests {
    let height = 12
    let width = 10
    let images = 5

    /// As in Fixtures/make_scores.py.
    func truth(_ i: Int) -> [Float] {
        grid { x, y in
            if i == images - 1 { return 1 }
            let rows = (2 * i..<2 * i + 4 + i).contains(y)
            return rows && (1 + i..<5 + i).contains(x) ? 1 : rows && x == 5 + i ? (i % 2 == 1 ? 0.75 : 0.25) : 0
        }
    }

    func prediction(_ i: Int) -> [Float] {
        let truth = truth(i)
        return grid { x, y in
            i == 1 ? 0.25 : Float(min(16, (x * 7 + y * 13 + x * y + i * 31) % 17 + (truth[y * width + x] > 0.5 ? 4 : 0))) / 16
        }
    }

    func grid(_ value: (_ x: Int, _ y: Int) -> Float) -> [Float] { (0..<height * width).map { value($0 % width, $0 / width) } }

    func scores(_ map: [Float], _ truth: [Float], others: [[Float]] = [], _ settings: ScoreSettings = ScoreSettings()) -> [Score: Double] {
        let own = ScoreTruth(truth, threshold: settings.threshold)
        var places = PositivePlaces(pixels: truth.count)
        for map in [truth] + others { places.add(ScoreTruth(map, threshold: settings.threshold)) }
        let found = MapScores(map, truth: own, places: places, settings: settings)
        return Dictionary(uniqueKeysWithValues: zip(settings.scores, found.values).compactMap { score, value in value.map { (score, $0) } })
    }

    @Test func scoresAreThoseOfTheReference() throws {
        let text = try Data(contentsOf: URL(fileURLWithPath: fixtures + "/scores.json"))
        let expected = try JSONDecoder().decode([[String: Double?]].self, from: text)
        #expect(expected.count == images)
        for i in 0..<images {
            let found = scores(prediction(i), truth(i), others: (0..<images).filter { $0 != i }.map(truth), ScoreSettings(coverage: 0.3))
            #expect(expected[i].count == Score.allCases.count)
            for score in Score.allCases {
                switch (expected[i][score.rawValue] ?? nil, found[score]) {
                case (nil, nil): break
                case (let a?, let b?): #expect(abs(a - b) < 1e-9 * max(1, abs(a)), "image \(i), \(score): \(b), expected \(a)")
                case (let a, let b): Issue.record("image \(i), \(score): \(String(describing: b)), expected \(String(describing: a))")
                }
            }
        }
    }

    /// Four pixels: P = 1, 1/2, 1/2, 0 and F the first two.
    @Test func aSmallMapByHand() {
        let found = scores([1, 0.5, 0.5, 0], [1, 1, 0, 0], others: [[0, 0, 0, 1], [0, 0, 1, 1]], ScoreSettings(coverage: 0.25))
        // Pairs: 1 > 1/2, 1 > 0, 1/2 = 1/2, 1/2 > 0.
        #expect(found[.auc] == 3.5 / 4)
        // Against the last pixel with weight 1 + 1/2 and the third with 1/2: (1 + 1)·1.5 + (1 + 1/2)·0.5 over 2 · 2.
        #expect(abs(found[.shuffledAUC]! - 3.75 / 4) < 1e-12)
        // The second place falls among two, one of which is in F.
        #expect(found[.overlapAtEqualArea] == 1.5 / 2.5)
        #expect(found[.overlapAtCoverage] == 0.5)
        // At 1 − S < 1/2 only the first.
        #expect(found[.overlap] == 0.5)
        #expect(found[.pointing] == 1 && found[.energy] == 0.75)
        // Mean 1/2, variance 1/8: (1/2 + 0) / 2 / √(1/8).
        #expect(abs(found[.scanpath]! - 0.25 * 8.0.squareRoot()) < 1e-12)
        // Covariance 1/8; variances 1/8 and 1/4.
        #expect(abs(found[.correlation]! - 1 / 2.0.squareRoot()) < 1e-12)
        // p = 1/2, 1/4, 1/4, 0 and q = 1/2, 1/2, 0, 0.
        #expect(found[.similarity] == 0.75)
        #expect(abs(found[.divergence]! - 0.5 * Foundation.log(2)) < 1e-12)
    }

    @Test func theTruthItselfIsPerfect() {
        let found = scores(truth(0), truth(0), others: [truth(2)])
        for score in [Score.correlation, .similarity, .auc, .overlap, .overlapAtEqualArea, .pointing] { #expect(abs(found[score]! - 1) < 1e-12, "\(score)") }
        #expect(abs(found[.divergence]!) < 1e-9 && found[.shuffledAUC]! > 0.9)
    }

    @Test(arguments: [Float(0), 0.25, 1]) func aConstantMapKnowsNothing(level: Float) {
        let flat = [Float](repeating: level, count: height * width)
        let found = scores(flat, truth(0), others: [truth(2)])
        #expect(found[.correlation] == 0 && found[.scanpath] == 0 && found[.auc] == 0.5 && found[.shuffledAUC] == 0.5)
        let share = 16.0 / 120
        #expect(abs(found[.energy]! - share) < 1e-12 && abs(found[.pointing]! - share) < 1e-12)
        var places = PositivePlaces(pixels: 120)
        let own = ScoreTruth(truth(0), threshold: 0.5)
        places.add(own)
        let alone = MapScores(flat, truth: own, places: places, settings: ScoreSettings())
        #expect(alone.isConstant && alone.values[5] == nil)
        #expect(!MapScores(truth(0), truth: own, places: places, settings: ScoreSettings()).isConstant)
    }

    @Test func scoresDoNotDependOnScaleWhereTheyShouldNot() {
        let map = prediction(0)
        let (a, b) = (scores(map, truth(0), others: [truth(2)]), scores(map.map { $0 / 4 }, truth(0), others: [truth(2)]))
        for score in Score.allCases where ![.overlap, .overlapAtCoverage].contains(score) { #expect(abs(a[score]! - b[score]!) < 1e-12, "\(score)") }
    }

    /// A map that is the same for all images has a mean shuffled AUC of a half, however biased the truths are.
    @Test func theShuffledAUCIsBlindToACommonBias() {
        let prior = grid { x, y in Float(exp(-Double((x - 4) * (x - 4) + (y - 5) * (y - 5)) / 20)) }
        let truths = (0..<40).map { i in
            let key = Philox(seed: 1, purpose: .test, sample: i)
            let (left, top) = (2 + key.uniform(0, below: 4), 3 + key.uniform(1, below: 3))
            let (right, bottom) = (left + 1 + key.uniform(2, below: 4), top + 1 + key.uniform(3, below: 5))
            return grid { x, y in (left..<right).contains(x) && (top..<bottom).contains(y) ? 1 : 0 }
        }
        let found = truths.indices.map { i in scores(prior, truths[i], others: truths.indices.filter { $0 != i }.map { truths[$0] }) }
        let mean = found.reduce(0) { $0 + $1[.shuffledAUC]! } / 40
        #expect(abs(mean - 0.5) < 1e-9, "\(mean)")
        #expect(found.reduce(0) { $0 + $1[.auc]! } / 40 > 0.7)
    }

    @Test func theBootstrapIsThatOfItsDraws() {
        let values = (0..<30).map { i -> Double? in i % 7 == 3 ? nil : Double(i * i % 11) }
        let bootstrap = Bootstrap(samples: 200, seed: 9)
        let found = bootstrap.means(of: [values, values.map { $0.map { -$0 } }, [nil]], group: 4)
        #expect(found[2] == nil)
        var means: [Double] = []
        for b in 0..<200 {
            let key = Philox(seed: 9, purpose: .bootstrap, epoch: 4, sample: b)
            let drawn = (0..<30).compactMap { values[key.uniform($0, below: 30)] }
            means.append(drawn.reduce(0, +) / Double(drawn.count))
        }
        means.sort()
        // Places 4.975 and 194.025 of 0 … 199.
        let (low, high) = (means[4] + 0.975 * (means[5] - means[4]), means[194] + 0.025 * (means[195] - means[194]))
        let known = values.compactMap { $0 }
        #expect(found[0]?.images == known.count && abs(found[0]!.mean - known.reduce(0, +) / Double(known.count)) < 1e-12)
        #expect(abs(found[0]!.low - low) < 1e-9 && abs(found[0]!.high - high) < 1e-9)
        // The same samples for the other column.
        #expect(abs(found[1]!.low + high) < 1e-9 && abs(found[1]!.high + low) < 1e-9)
    }

    /// The interval of a normal mean is ±1.96 standard errors.
    @Test func theIntervalHasItsWidth() {
        var values = [Float](repeating: 0, count: 2000)
        Philox(seed: 5, purpose: .test).fillNormal(&values, count: 2000, mean: 3, standardDeviation: 2)
        let found = Bootstrap(seed: 0).means(of: [values.map { Double($0) }])[0]!
        let error = 2 / 2000.0.squareRoot()
        #expect(abs((found.high - found.low) / (2 * 1.96 * error) - 1) < 0.1, "\(found)")
        #expect(found.low < found.mean && found.mean < found.high)
    }
}
