import Datasets
import Evaluation
import Testing

@Suite struct EvaluatorTests {
    private func evaluate(
        _ model: OnePixelModel, _ data: any ImageSource, _ settings: EvaluationProtocol, indices: [Int]? = nil, ranks: Int = 1
    ) throws -> (report: EvaluationReport, records: [SampleRecord]) {
        let evaluator = Evaluator(pass: model, dataset: data)
        let indices = indices ?? Array(0..<data.count)
        let records = try (0..<ranks).flatMap { try evaluator.share(settings, indices: indices, rank: $0, size: ranks) }
        return try evaluator.assemble(records, settings, indices: indices)
    }

    /// Class 0 above 100/255. An image falls exactly when the attack's radius reaches the threshold.
    @Test func countsWhatCanBeComputedByHand() throws {
        let data = try pixels([90, 101, 103, 110, 140, 99, 60], labels: [0, 0, 0, 0, 0, 1, 1])
        let epsilons = [0, 2, 4, 8, 255].map { Float($0) / 255 }
        let (report, records) = try evaluate(.line(threshold: 100.5 / 255, slope: 10), data, .init(epsilons: epsilons, steps: 5))
        #expect(report.rows.map(\.count) == [7, 7, 7, 7, 7])
        // Wrong as it is: 90. Within 2: 101, 99. Within 4: 103. Beyond 8: 110, 140, 60.
        #expect(report.rows.map(\.correct) == [6, 4, 3, 3, 0])
        #expect(report.rows[0].accuracy == 6.0 / 7 && report.rows[0].top5 == 1)
        #expect(report.rows.dropFirst().allSatisfy { $0.top5 == nil })
        // By radius, then by image; sizes are those of the perturbation.
        #expect(records.map(\.index) == (0..<5).flatMap { _ in 0..<7 } && records.count == 35)
        #expect(records.allSatisfy { $0.linf <= $0.epsilon + 1e-7 && $0.linf == $0.l2 })
        #expect(abs(records[7 * 3 + 4].linf - 8.0 / 255) < 1e-6)
        // loss = log(1 + exp(−f)) for class 0 of logits (f, 0), at 140 − 8.
        let f = 10 * (132 - 100.5) / 255
        #expect(abs(Double(records[7 * 3 + 4].loss) - logistic(f)) < 1e-5)
        let losses = records[0..<7].map { Double($0.loss) }
        #expect(abs(report.rows[0].loss - losses.reduce(0, +) / 7) < 1e-12)
    }

    /// From 38/255, where the wave is negative, ascent leads through the trough to where it is positive again.
    @Test func anImageThatAnAttackRepairsIsNotRobust() throws {
        let data = try pixels([38], labels: [0])
        let settings = EvaluationProtocol(epsilons: [0, 0.2], steps: 1, stepSize: 0.2, randomStart: false)
        let (report, _) = try evaluate(.wave(), data, settings)
        #expect(report.rows.map(\.correct) == [0, 0])
        // The attack itself would have left it with the right prediction.
        let moved = 38.0 / 255 + 0.2
        #expect(sine(moved) > 0 && sine(38.0 / 255) < 0)
    }

    @Test func fallenImagesAreNotAttackedAgain() throws {
        let data = try pixels([90, 101, 103, 140], labels: [0, 0, 0, 0])
        func seen(restarts: Int, epsilon: Float) throws -> Int {
            let model = OnePixelModel.line(threshold: 100.5 / 255)
            _ = try evaluate(model, data, .init(epsilons: [epsilon], steps: 3, restarts: restarts))
            return model.seen
        }
        // Clean: 4. Each restart of an image costs three gradients and one look at the outcome. 90 is wrong as it is.
        #expect(try seen(restarts: 1, epsilon: 4.0 / 255) == 4 + 3 * 4)
        // Only 140 withstands the first restart.
        #expect(try seen(restarts: 5, epsilon: 4.0 / 255) == 4 + 3 * 4 + 4 * 4)
        #expect(try seen(restarts: 5, epsilon: 1) == 4 + 3 * 4)
    }

    @Test(arguments: [1, 2, 3, 4]) func ranksAndGroupsChangeNothing(ranks: Int) throws {
        let values = (0..<23).map { UInt8(80 + 2 * $0) }
        let data = try pixels(values, labels: values.map { $0 > 100 ? 0 : 1 })
        let settings = EvaluationProtocol(epsilons: [0, 3.0 / 255, 9.0 / 255], steps: 4, restarts: 2, seed: 3)
        let indices = [22, 3, 4, 0, 17, 9, 10, 11, 1]
        let alone = try evaluate(.line(threshold: 100.5 / 255, capacity: 64), data, settings, indices: indices)
        let shared = try evaluate(.line(threshold: 100.5 / 255, capacity: 2), data, settings, indices: indices, ranks: ranks)
        #expect(alone.records == shared.records && alone.report == shared.report)
        #expect(alone.records.prefix(9).map(\.index) == indices)
    }

    /// Maps: salient, background, no map, a map below the threshold.
    @Test func regionsFollowTheMaps() throws {
        let data = try pixels([101, 101, 101, 101], labels: [0, 0, 0, 0], salience: [1, 0, 0, 0.3], annotated: [true, true, false, true])
        func row(_ region: EvaluationProtocol.Region, threshold: Float = 0.5) throws -> EvaluationReport.Row {
            let settings = EvaluationProtocol(epsilons: [8.0 / 255], steps: 3, region: region, salienceThreshold: threshold)
            return try evaluate(.line(threshold: 100.5 / 255), data, settings).report.rows[0]
        }
        #expect(try row(.all).count == 4 && row(.all).correct == 0)
        // Only the first image has a salient pixel: the others have nothing to attack, and are no evidence of robustness.
        let salient = try row(.salient)
        #expect(salient.count == 1 && salient.correct == 0 && salient.emptyRegions == 3)
        let background = try row(.background)
        #expect(background.count == 3 && background.correct == 0 && background.emptyRegions == 1)
        // With the threshold of 1 − S ≥ 0.8, 0.3 is salient.
        #expect(try row(.salient, threshold: 0.8).count == 2)
    }

    @Test func vanishedGradientsAreCounted() throws {
        let data = try pixels([120, 130], labels: [0, 0])
        let flat = OnePixelModel({ _ in 5 }, derivative: { _ in 0 })
        let row = try evaluate(flat, data, .init(epsilons: [8.0 / 255], steps: 3)).report.rows[0]
        #expect(row.zeroGradients == 2 && row.correct == 2)
        #expect(try evaluate(.line(threshold: 0.4), data, .init(epsilons: [8.0 / 255], steps: 3)).report.rows[0].zeroGradients == 0)
    }

    @Test func modelsThatAreNotFiniteAreRefused() throws {
        let data = try pixels([120], labels: [0])
        let broken = OnePixelModel({ _ in .nan }, derivative: { _ in 0 })
        #expect(throws: (any Error).self) { try evaluate(broken, data, .init(epsilons: [0])) }
    }
}
