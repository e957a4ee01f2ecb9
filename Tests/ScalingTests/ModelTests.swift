import Foundation
import Diagnostics
import Scaling
import Testing

@Suite("The model of a step")
struct ModelTests {
    @Test func aFitRecoversWhatTheTimesWereMadeOf() throws {
        let link = Link(latency: 35e-6, bandwidth: 2.5e9)
        let model = try StepModel(syntheticRun(perMicroBatch: 0.3, link: link, spread: 0.02), bucketBytes: 4e6)
        for (_, seconds) in model.computePerMicroBatch { #expect(near(seconds, 0.3, 1e-9)) }
        #expect(near(model.within.latency, link.latency, 1e-6) && near(model.within.bandwidth, link.bandwidth, 1e-6))
        #expect(near(model.backwardShare, 1.0 / 3, 1e-9) && model.spread == 0.02 && model.optimizer == 0.01)
    }

    /// Ranks that were measured alone say nothing of how ranks differ.
    @Test func theSpreadIsThatOfRanksTogether() throws {
        var run = syntheticRun(spread: 0.02)
        for index in run.points.indices where run.points[index].ranks == 1 { run.points[index].spread = 0.3 }
        #expect(try StepModel(run, bucketBytes: 4e6).spread == 0.02)
        #expect(try StepModel(run, upTo: 1, bucketBytes: 4e6).spread == 0.3)
    }

    @Test func heldOutPointsOfTheModelItselfArePredictedExactly() throws {
        let run = syntheticRun(spread: 0.01)
        let prediction = try ScalePrediction(
            run, .init(networks: [], ranksPerHost: 4, globalBatch: 64, rankBatch: 32, bucketBytes: 4e6))
        #expect(prediction.heldOut.map(\.ranks) == [2, 2, 4, 4])
        // Two ranks are predicted from one, where nothing is known of the link yet.
        for point in prediction.heldOut where point.ranks == 4 { #expect(abs(point.error) < 1e-6, "\(point)") }
    }

    @Test func withoutCommunicationAndSpreadAStepIsItsComputation() throws {
        let model = try StepModel(syntheticRun(), bucketBytes: 4e6)
        let fast = Link(latency: 0, bandwidth: .infinity)
        var ideal = model
        ideal.within = fast
        for ranks in [1, 8, 64, 4096] {
            let step = ideal.predict(ranks: ranks, microBatches: 4096, ranksPerHost: 16, between: fast)
            #expect(near(step.seconds, 0.1 * Double(4096 / ranks) + 0.01, 1e-9), "\(ranks)")
            #expect(step.latency + step.transfer == 0)
        }
    }

    @Test func theBottleneckIsNamed() throws {
        let model = try StepModel(syntheticRun(), bucketBytes: 4e6)
        func bottleneck(_ link: Link, spread: Double = 0) -> String {
            var model = model
            model.spread = spread
            return model.predict(ranks: 64, microBatches: 64, ranksPerHost: 1, between: link).bottleneck
        }
        #expect(bottleneck(Link(latency: 0, bandwidth: 1e8)) == "bandwidth")
        #expect(bottleneck(Link(latency: 0.01, bandwidth: 1e12)) == "latency")
        #expect(bottleneck(Link(latency: 0, bandwidth: 1e12), spread: 0.1) == "imbalance")
        let prediction = try ScalePrediction(
            syntheticRun(), .init(networks: [Network.known[3]], ranksPerHost: 16, globalBatch: 64, rankBatch: 32, bucketBytes: 4e6))
        let strong = try #require(prediction.series.first { $0.scaling == .strong })
        // 64 images are four micro-batches.
        #expect(strong.rows.filter { $0.step.ranks > 4 }.allSatisfy { $0.bottleneck == "too few micro-batches" })
        #expect(strong.largestEfficient <= 4)
        let weak = try #require(prediction.series.first { $0.scaling == .weak })
        #expect(weak.rows.last?.step.ranks == 4096 && weak.rows.last!.efficiency < 1)
    }

    /// What is sent can only hide behind the backward pass as far as that lasts.
    @Test func overlap() {
        let link = Link(latency: 0, bandwidth: 1e9)
        let model = ReductionModel(within: link, between: link, ranksPerHost: 2)
        let overlap = OverlapModel(bucketBytes: 1e6)
        let whole = model.cost(bytes: 10e6, ranks: 2).transfer
        #expect(near(overlap.exposed(bytes: 10e6, ranks: 2, backward: 0, model: model).transfer, whole, 1e-9))
        // Only the last of ten buckets is left when the pass is much longer than the transfers.
        #expect(near(overlap.exposed(bytes: 10e6, ranks: 2, backward: 100, model: model).transfer, whole / 10, 1e-6))
        #expect(overlap.exposed(bytes: 10e6, ranks: 1, backward: 0, model: model).transfer == 0)
    }

    @Test func theExpectedMaximumGrows() {
        // Published tables: 0.8463 for 3, 1.0294 for 4, 1.7660 for 16, 2.5076 for 100.
        let exact = [(3, 0.8463), (4, 1.0294), (16, 1.7660), (100, 2.5076)]
        for (count, value) in exact { #expect(near(Statistics.expectedMaximum(of: count), value, 0.05), "\(count)") }
        #expect(Statistics.expectedMaximum(of: 1) == 0)
        #expect(near(Statistics.normalQuantile(0.975), 1.959964, 1e-5))
    }

    @Test func deviations() {
        #expect(near(Statistics.relativeDeviation([9, 10, 11]), 0.1, 1e-12) && Statistics.relativeDeviation([3]) == 0)
    }

    @Test func medians() {
        #expect([3, 1, 2].median() == 2 && [4, 1, 2, 3].median() == 2.5 && [].median() == 0)
    }
}
