import Attacks
import Datasets
import Diagnostics
import Evaluation
import Foundation
import MPI
import Training

/// What follows an evaluation that has its folder: checks, other measures, statistics, the report.
extension LedgerExperiment {
    /// Collective. What is there already, of this evaluation and with these settings, is not made again.
    ///
    /// - Parameters:
    ///   - ranksLikeliest: whether the measures attack the likeliest classes, too, by far the most of their work.
    ///   - say: on rank 0: what is being done.
    /// - Returns: on rank 0 the checks and measures that the folder now holds.
    /// - Throws: `Failure.requeue` if it was asked to stop; the evaluation itself is whole all the same.
    package func addAppendices(
        _ result: EvaluationResult?, checks wantsChecks: Bool, measures wantsMeasures: Bool, ranksLikeliest: Bool = true, communicator: Communicator,
        say: @escaping (String) -> Void
    ) throws -> (checks: SelfChecks?, measures: Measures?) {
        guard let output = request.output else { return (nil, nil) }
        let stop = StopRequest(folder: output, budget: nil)
        let view = try communicator.agreeing { communicator.rank == 0 ? try LedgerView(output) : nil }
        do {
            if wantsChecks { try check(view, result, output, communicator, stop, say) }
            if wantsMeasures { try measure(view, output, ranksLikeliest, communicator, stop, say) }
        } catch let failure as Failure where failure.kind == .requeue {
            if communicator.rank == 0 { stop.clear() }
            throw failure
        }
        return try communicator.agreeing {
            guard let view, let result else { return (nil, nil) }
            let checks = try EvaluationFolder.checks(in: output).flatMap { $0.evaluation == description.hash ? $0 : nil }
            let measures = try EvaluationFolder.measures(in: output).flatMap { $0.evaluation == description.hash ? $0 : nil }
            let statistics = EvaluationStatistics(view, attributes: try evaluation.dataset.attributes())
            try writeJSON(statistics, to: output + "/" + EvaluationFolder.statistics)
            let pictures = try ReportPictures(self, view).make()
            let page = EvaluationPage(
                result: result, statistics: statistics, checks: checks, measures: measures, pictures: pictures, titles: titles(pictures),
                commands: commands)
            try writeAtomically(Array(page.document.utf8), to: output + "/" + EvaluationFolder.report)
            return (checks, measures)
        }
    }

    /// Images at a radius of the evaluation, as reports show them: those that fell and were most wrong, or where none fell those that
    /// withstood, whose prediction is their label. Attacks them again where they were not kept.
    package func pictures(_ view: LedgerView, at radius: Float) throws -> [ReportPicture] { try ReportPictures(self, view).make(at: radius) }

    private func check(
        _ view: LedgerView?, _ result: EvaluationResult?, _ output: String, _ communicator: Communicator, _ stop: StopRequest,
        _ say: @escaping (String) -> Void
    ) throws {
        // Rank 0 knows the ledger; the others are told what matters.
        let told = try communicator.agreeing { () -> String in
            guard let view, let result, let settings = CheckSettings(view) else { return "" }
            if let known = try EvaluationFolder.checks(in: output), known.evaluation == description.hash, known.settings == settings { return "" }
            let chosen = ValidationSplit.classBalanced(evaluation.indices, labels: evaluation.dataset.labels, limit: settings.count)
            let checked = CheckedEvaluation(view, result, epsilon: settings.epsilon, chosen: chosen)
            return String(decoding: try jsonBytes(Told(settings: settings, evaluation: checked), .line), as: UTF8.self)
        }
        let text = try communicator.broadcast(told)
        guard !text.isEmpty else { return }
        let asked = try decodedJSON(Told.self, from: Array(text.utf8))
        var checks = try SelfChecks.run(
            asked.settings, model: evaluation.makePass(), dataset: evaluation.dataset, indices: evaluation.indices, evaluation: asked.evaluation,
            checksum: { evaluation.modelChecksum }, communicator: communicator
        ) { stage in
            try requireGoingOn(stop)
            if communicator.rank == 0 { say("checks: \(stage)") }
        }
        try communicator.agreeing {
            checks?.evaluation = description.hash
            if let checks { try writeJSON(checks, to: output + "/" + EvaluationFolder.checks) }
        }
    }

    private struct Told: Codable {
        let settings: CheckSettings
        let evaluation: CheckedEvaluation
    }

    private func measure(
        _ view: LedgerView?, _ output: String, _ ranksLikeliest: Bool, _ communicator: Communicator, _ stop: StopRequest, _ say: (String) -> Void
    ) throws {
        let isKnown = try communicator.agreeing { () -> Bool in
            guard view != nil, let known = try EvaluationFolder.measures(in: output) else { return false }
            return known.evaluation == description.hash
        }
        guard try !communicator.any(isKnown) else { return }
        if communicator.rank == 0 { say("measures: \(ranksLikeliest ? "likeliest classes, " : "")noise, blur, JPEG, brightness") }
        // Of what each radius's attacks broke, rank 0 tells.
        var fallen: [Float: Set<Int>] = [:]
        for epsilon in evaluation.settings.epsilons where epsilon > 0 {
            var list: [Int] = []
            if let view { list = zip(view.ledger.indices, view.robust(epsilon)).filter { !$1 }.map(\.0) }
            let count = try communicator.broadcast(list.count)
            if communicator.rank != 0 { list = Array(repeating: 0, count: count) }
            try communicator.broadcast(&list)
            fallen[epsilon] = Set(list)
        }
        let runner = MeasureRunner(norm: description.norm, epsilons: request.attacks.isEmpty || !ranksLikeliest ? [] : description.epsilons, seed: description.seed)
        let found = try runner.run(
            model: evaluation.makePass(), dataset: evaluation.dataset, indices: evaluation.indices, fallen: fallen, communicator: communicator
        ) { stop.reason(reserving: 0) != .none }
        guard try communicator.all(communicator.rank != 0 || found != nil) else { throw Self.stopped }
        try communicator.agreeing {
            guard communicator.rank == 0, var found else { return }
            found.evaluation = description.hash
            try writeJSON(found, to: output + "/" + EvaluationFolder.measures)
        }
    }

    private static let stopped = Failure(
        .requeue, "stopped after the evaluation and before the end of its checks and measures", remedy: "go on with --resume: the result itself is there")

    private func requireGoingOn(_ stop: StopRequest) throws {
        if stop.reason(reserving: 0) != .none { throw Self.stopped }
    }

    private func titles(_ pictures: [ReportPicture]) -> [Int: String] {
        let dataset = evaluation.dataset
        return Dictionary(
            uniqueKeysWithValues: pictures.map { ($0.index, dataset.title(of: $0.index)) }.filter { $0.1 != "image \($0.0) of \(dataset.name)" })
    }

    /// What was typed, as far as this program knows.
    private var commands: [String] {
        let folder = request.output ?? ""
        let arguments = (try? EvaluationFolder.description(in: folder).arguments) ?? description.arguments
        return [
            (["sipat", "evaluate"] + arguments.map(shellQuoted)).joined(separator: " "), "sipat evaluate export \(shellQuoted(folder)) --format csv",
        ]
    }
}
