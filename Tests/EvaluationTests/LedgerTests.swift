import Attacks
import Datasets
import Diagnostics
import Evaluation
import NeuralNet
import Testing

/// Evaluations by ledger on models of one pixel, where everything can be computed by hand.
@Suite struct LedgerTests {
    /// Wrong as it is: 90. Within 2: 101, 99. Within 4: 103. Beyond 8: 110, 140, 60.
    private let values: [UInt8] = [90, 101, 103, 110, 140, 99, 60]
    private let labels: [Int32] = [0, 0, 0, 0, 0, 1, 1]

    @Test func countsWhatCanBeComputedByHand() throws {
        let plan = standardPlan()
        let run = try LedgerRun(plan, OnePixelModel.line(threshold: thresholdOfLine, slope: 10), pixels(values, labels: labels))
        let result = EvaluationResult(description(plan, count: 7), progress: run.progress, sums: run.sums, indices: Array(0..<7))
        #expect(run.outcome == .finished && run.progress.isFinished)
        #expect(result.clean.correct == 6 && result.clean.count == 7 && result.cleanTop5?.correct == 7)
        #expect(result.headline.map(\.robust.correct) == [4, 3, 3] && result.headline.allSatisfy { $0.weaknesses.isEmpty })
        for (row, fallen) in zip(result.chains, [[1, 5], [1, 2, 5], [1, 2, 5]]) {
            #expect(row.attacks.map(\.name) == ["apgd-ce", "apgd-t", "fab-t", "square"])
            // A line has nowhere to hide: the first attack breaks what can be broken, and the rest is given what stands.
            #expect(row.attacks.map(\.attacked) == [6] + Array(repeating: 6 - fallen.count, count: 3))
            #expect(row.attacks.map(\.fallen) == [fallen.count, 0, 0, 0])
            #expect(row.attacks.last!.after == row.robust && row.leftOut == 0)
        }
        // Two classes have one target and no ratio of logits: said, and no longer standard.
        #expect(!result.standard && result.deviations.contains { $0.contains("apgd-t: 1 targets") })
        #expect(result.deviations.contains { $0.contains("DLR loss needs three classes") })
    }

    @Test func linesHoldWhatWasFound() throws {
        let plan = standardPlan([4.0 / 255])
        let run = try LedgerRun(plan, OnePixelModel.line(threshold: thresholdOfLine, slope: 10), pixels(values, labels: labels))
        #expect(run.lines.prefix(7).allSatisfy { $0.attack == LedgerLine.clean } && run.lines.prefix(7).map(\.index) == Array(0..<7))
        #expect(run.lines[0].success && run.lines[0].rank == 1 && run.lines[1].rank == 0)
        #expect(run.lines[3].freePixels == ["all": 1] && run.lines[3].candidates == nil)
        for line in run.lines.dropFirst(7) {
            #expect(line.epsilon == 4.0 / 255 && line.linf <= 4.0 / 255 + 1e-7 && line.linf == line.l2 && line.isConfirmed)
            #expect(line.success == (line.prediction != line.label) && line.index != 0)
            #expect(line.claim.gradientQueries + line.claim.forwardQueries > 0)
        }
        // The image 103 lies 2.5/255 from the boundary: FAB is not asked, as APGD broke it.
        #expect(run.lines.filter { $0.index == 2 }.map(\.attack) == ["clean", "apgd-ce"])
        #expect(run.lines.filter { $0.index == 3 }.map(\.attack) == ["clean", "apgd-ce", "apgd-t", "fab-t", "square"])
    }

    @Test(arguments: [1, 2, 3, 64]) func groupsChangeNothing(capacity: Int) throws {
        let plan = standardPlan([9.0 / 255])
        let values = (0..<23).map { UInt8(80 + 2 * $0) }
        let data = try pixels(values, labels: values.map { $0 > 100 ? 0 : 1 })
        let usual = try LedgerRun(plan, OnePixelModel.line(threshold: thresholdOfLine), data, seed: 3)
        let other = try LedgerRun(plan, OnePixelModel.line(threshold: thresholdOfLine, capacity: capacity), data, seed: 3)
        #expect(usual.lines == other.lines)
        // A part of the images has the same lines.
        let part = try LedgerRun(plan, OnePixelModel.line(threshold: thresholdOfLine), data, indices: [3, 9, 10, 22], seed: 3)
        #expect(part.lines == usual.lines.filter { [3, 9, 10, 22].contains($0.index) })
    }

    /// Stopped wherever it looks up, and gone on with: the same lines.
    @Test func stoppedAnywhereItComesToTheSameLines() throws {
        let plan = standardPlan([4.0 / 255])
        let data = try pixels(values, labels: labels)
        let whole = try LedgerRun(plan, OnePixelModel.line(threshold: thresholdOfLine), data)
        var stops = 0
        for beats in stride(from: 0, to: 12_000, by: 397) {
            let part = try LedgerRun(plan, OnePixelModel.line(threshold: thresholdOfLine), data, beats: beats)
            guard part.outcome == .stopped else { break }
            stops += 1
            #expect(Set(part.lines).isSubset(of: whole.lines))
            let rest = try LedgerRun(plan, OnePixelModel.line(threshold: thresholdOfLine, capacity: 2), data, begun: part.lines)
            #expect(rest.outcome == .finished && rest.lines == whole.lines)
        }
        #expect(stops > 8)
        // What is finished is not done again.
        let model = OnePixelModel.line(threshold: thresholdOfLine)
        #expect(try LedgerRun(plan, model, data, begun: whole.lines).lines == whole.lines && model.seen == 0)
    }

    /// Maps: salient, background, no map, a map below the threshold.
    @Test func regionsFollowTheMaps() throws {
        let data = try pixels([101, 101, 101, 101], labels: [0, 0, 0, 0], salience: [1, 0, 0, 0.3], annotated: [true, true, false, true])
        let plan = standardPlan([8.0 / 255], regions: [.all, .salient, .background, .random])
        let run = try LedgerRun(plan, OnePixelModel.line(threshold: thresholdOfLine), data)
        let result = EvaluationResult(description(plan, count: 4), progress: run.progress, sums: run.sums, indices: Array(0..<4))
        #expect(result.chains.map(\.region) == [.all, .salient, .background, .random])
        #expect(result.chains.map(\.robust.count) == [4, 1, 3, 1] && result.chains.map(\.leftOut) == [0, 3, 1, 3])
        #expect(result.chains.allSatisfy { $0.robust.correct == 0 } && result.headline[0].weaknesses.isEmpty)
        #expect(run.lines[0].freePixels == ["all": 1, "salient": 1, "background": 0, "random": 1])
        // A mask of ones gives the bits of no mask.
        func plain(_ region: EvaluationProtocol.Region) -> [LedgerLine] {
            run.lines.filter { $0.region == region && $0.epsilon > 0 && $0.index == 1 }.map {
                var line = $0
                line.region = .all
                return line
            }
        }
        #expect(plain(.background) == plain(.all) && !plain(.all).isEmpty)
    }

    /// A region's attacker finds what the whole image's could not: it counts, and is told.
    @Test func aStrongerMaskedAttackIsMerged() throws {
        let data = try pixels([101, 103, 140], labels: [0, 0, 0], salience: [1, 1, 1], annotated: nil)
        let threat = ThreatModel(norm: .linf, epsilon: 4.0 / 255)
        var plan = EvaluationPlan()
        plan.add(region: .all, epsilon: threat.epsilon, attacks: [("idle", Idle(threat: threat))])
        plan.add(region: .salient, epsilon: threat.epsilon, attacks: [("apgd-ce", APGD(.crossEntropy, threat))])
        let run = try LedgerRun(plan, OnePixelModel.line(threshold: thresholdOfLine), data)
        let result = EvaluationResult(description(plan, count: 3), progress: run.progress, sums: run.sums, indices: [4, 5, 6])
        #expect(result.chains.map(\.robust.correct) == [3, 1])
        #expect(result.headline[0].robust.correct == 1 && result.headline[0].weaknesses.map(\.foundBy) == ["salient"])
        #expect(result.headline[0].weaknesses[0].indices == [4, 5])
        #expect(EvaluationTable.text(result, heading: "h").contains("salient broke 2 images"))
    }

    @Test func vanishedGradientsAreCounted() throws {
        let data = try pixels([120, 130], labels: [0, 0])
        let flat = OnePixelModel({ _ in 5 }, derivative: { _ in 0 })
        let plan = standardPlan([8.0 / 255])
        let run = try LedgerRun(plan, flat, data)
        let result = EvaluationResult(description(plan, count: 2), progress: run.progress, sums: run.sums, indices: [0, 1])
        #expect(result.chains[0].attacks.prefix(3).map(\.zeroGradients) == [2, 2, 2] && result.chains[0].robust.correct == 2)
        #expect(EvaluationTable.text(result, heading: "h").contains("no sign of robustness"))
    }
}
