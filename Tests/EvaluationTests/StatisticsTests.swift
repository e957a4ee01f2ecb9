import Evaluation
import Testing

/// Figures of scipy: `binomtest(k, n).proportion_ci(0.95, "exact" | "wilson")`, whose root finder is good to some 1e-9, and
/// `binomtest(b, b + c).pvalue`.
@Suite struct StatisticsTests {
    @Test(arguments: [
        (0, 10, 0.0, 0.30849710781876294, 0.0, 0.27753279986288926),
        (1, 10, 0.0025285785444625728, 0.44501611702819543, 0.017876213095072896, 0.4041500267952385),
        (5, 10, 0.1870860284474045, 0.8129139715525955, 0.236593090512564, 0.7634069094874361),
        (10, 10, 0.6915028921812371, 1.0, 0.7224672001371109, 1.0),
        (53, 100, 0.4275814748900451, 0.6305948358056561, 0.4328885697009936, 0.6248918204065873),
        (997, 1000, 0.9912579767613423, 0.9993809000683501, 0.9912169859464968, 0.9989792161188613),
        (0, 300, 0.0, 0.012220974694296421, 0.0, 0.012642971224546036),
        (1, 1, 0.025000000000000022, 1.0, 0.20654931437723745, 1.0),
        (5342, 10000, 0.5243643621322717, 0.5440157096737531, 0.524411867241204, 0.5439618672702417),
    ])
    func intervals(count: Int, total: Int, exactLow: Double, exactHigh: Double, low: Double, high: Double) {
        let exact = BinomialInterval.clopperPearson(count, of: total)
        #expect(abs(exact.low - exactLow) < 1e-8 && abs(exact.high - exactHigh) < 1e-8, "\(exact)")
        let wilson = BinomialInterval.wilson(count, of: total)
        #expect(abs(wilson.low - low) < 1e-10 && abs(wilson.high - high) < 1e-10, "\(wilson)")
    }

    @Test func otherLevels() {
        let exact = BinomialInterval.clopperPearson(53, of: 100, level: 0.99)
        #expect(abs(exact.low - 0.3976182462332496) < 1e-8 && abs(exact.high - 0.6594487403879076) < 1e-8)
        let wilson = BinomialInterval.wilson(53, of: 100, level: 0.99)
        #expect(abs(wilson.low - 0.40362371073755776) < 1e-10 && abs(wilson.high - 0.6526430479994929) < 1e-10)
        // Nothing counted, nothing known.
        #expect(BinomialInterval.wilson(0, of: 0) == BinomialInterval(low: 0, high: 1))
    }

    @Test(arguments: [
        (0, 0, 1.0), (0, 5, 0.0625), (1, 5, 0.21875), (3, 3, 1.0), (3, 12, 0.03515625), (40, 61, 0.046044066929342785),
        (120, 180, 0.0006342200069283566), (0, 1, 1.0), (500, 600, 0.0028195449914364284),
    ])
    func mcNemar(first: Int, second: Int, expected: Double) {
        let one = PairedComparison(count: 2000, both: 10, onlyFirst: first, onlySecond: second)
        let other = PairedComparison(count: 2000, both: 10, onlyFirst: second, onlySecond: first)
        #expect(abs(one.pValue - expected) < 1e-10 && one.pValue == other.pValue, "\(one.pValue)")
        #expect(one.difference == Double(second - first) / 2000 && one.difference == -other.difference)
    }

    @Test func pairsAreCounted() {
        let pair = PairedComparison([true, true, false, false, true], [true, false, true, false, false])
        #expect(pair == PairedComparison(count: 5, both: 1, onlyFirst: 2, onlySecond: 1))
        // (2 + 1)/7 − (1 + 1)/7 and its deviation by hand: √((5/7 − 1/49)/7) = √(34/343).
        let interval = pair.interval()
        #expect(abs(interval.low - (-1.0 / 7 - 1.959963984540054 * (34.0 / 343).squareRoot())) < 1e-9)
        #expect(abs(interval.high - (-1.0 / 7 + 1.959963984540054 * (34.0 / 343).squareRoot())) < 1e-9)
    }

    /// The mean of zeros and ones has a known deviation, √(p(1 − p)/n).
    @Test func bootstrapOfAMean() throws {
        let values = (0..<400).map { $0 % 4 == 0 ? 1.0 : 0.0 }
        let mean = { (chosen: [Int]) in chosen.reduce(0.0) { $0 + values[$1] } / Double(chosen.count) }
        let interval = try #require(Bootstrap.interval(count: 400, mean))
        let half = 1.96 * (0.25 * 0.75 / 400).squareRoot()
        #expect(abs(interval.low - (0.25 - half)) < 0.006 && abs(interval.high - (0.25 + half)) < 0.006, "\(interval)")
        #expect(interval == Bootstrap.interval(count: 400, mean) && interval != Bootstrap.interval(count: 400, seed: 1, mean))
        #expect(Bootstrap.interval(count: 400) { _ in nil } == nil)
    }

    @Test func breakdowns() throws {
        let byClass = Breakdown(
            attribute: "class", names: ["a", "b", "c"], group: [0, 0, 1, nil, 1, 0], isCorrect: [true, false, false, true, false, true])
        #expect(byClass.rows.map(\.count) == [3, 2, 0] && byClass.rows.map(\.correct) == [2, 0, 0] && byClass.worst?.name == "b")
        let byCamera = try #require(Breakdown(attribute: "line", values: ["10", "9", nil, "10"], isCorrect: [true, true, true, false]))
        #expect(byCamera.rows.map(\.name) == ["9", "10"] && byCamera.rows.map(\.correct) == [1, 1] && byCamera.rows.map(\.count) == [1, 2])
        #expect(Breakdown(attribute: "site", values: ["x", "x"], isCorrect: [true, true]) == nil)
        #expect(Breakdown(attribute: "file", values: (0..<99).map { "\($0)" }, isCorrect: Array(repeating: true, count: 99)) == nil)
    }

    @Test func confusion() {
        let matrix = ConfusionMatrix(classNames: ["a", "b", "c"], labels: [0, 0, 0, 1, 2, 2], predictions: [0, 1, 1, 1, 0, 0])
        #expect(matrix.counts == [[1, 2, 0], [0, 1, 0], [2, 0, 0]])
        #expect(matrix.largestMistakes(1).map { [$0.label, $0.prediction, $0.count] } == [[0, 1, 2]])
        #expect(matrix.largestMistakes(5).count == 2)
    }
}
