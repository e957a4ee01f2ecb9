import Attacks
import Checkpoints
import Datasets
import Diagnostics
import Evaluation
import Foundation
import Kernels
import MPI
import NeuralNet
import Training

/// An evaluation, image by image, with all it needs opened.
package struct LedgerExperiment {
    package enum Outcome {
        /// On rank 0 with the result.
        case finished(EvaluationResult?, lines: [LedgerLine]?)
        /// Asked to stop; what was done is in the folder.
        case stopped
    }

    package let description: EvaluationDescription
    let evaluation: EvaluationExperiment
    let request: LedgerRequest
    let plan: EvaluationPlan
    private let evaluator: LedgerEvaluator
    private let corpus: Corpus?
    /// Held by rank 0 for as long as the evaluation works.
    private let folder: RunDirectory?

    /// - Parameter isFirst: whether this is rank 0, which owns the folder.
    /// - Throws: `Failure` naming the flag or the file at fault; among others for a folder that holds an evaluation already
    ///   or, on resuming, another than is asked for.
    package init(_ evaluation: EvaluationExperiment, _ request: LedgerRequest, isFirst: Bool) throws {
        self.evaluation = evaluation
        self.request = request
        let settings = evaluation.settings
        let radii = settings.epsilons.filter { $0 > 0 }
        let regions = EvaluationProtocol.Region.allCases.filter { $0 == .all || request.regions.contains($0) }
        let dataset = evaluation.dataset
        guard regions == [.all] || dataset.hasSalience else {
            throw Failure.usage("--regions \(regions.map(\.rawValue).joined(separator: ",")) needs salience maps", remedy: "give --salience maps.npy for this split")
        }
        guard request.attacks.isEmpty || !radii.isEmpty else {
            throw Failure.usage(
                "--epsilons holds no radius but 0, where \(request.attacks.joined(separator: ",")) has nothing to do",
                remedy: "give a radius such as 8/255, or leave --attack out for the clean accuracy")
        }
        let data = EvaluationDescription.Data(
            name: dataset.name, split: evaluation.split.rawValue, count: dataset.count, fingerprint: dataset.fingerprint,
            salienceFingerprint: regions == [.all] ? nil : dataset.salienceFingerprint, classNames: dataset.classNames,
            shape: [dataset.imageShape.height, dataset.imageShape.width, dataset.imageShape.channels])
        if isFirst { try Self.requirePixels(evaluation, regions) }
        if isFirst, let output = request.output { folder = try Self.claim(output, resumes: request.resumes) } else { folder = nil }
        corpus =
            request.against.isEmpty
            ? nil : try Corpus(request.against, data: data, norm: settings.norm, leavingOut: request.output)
        let surrogate = try request.transferFrom.map { try evaluation.surrogate($0) }
        plan = Self.plan(request, norm: settings.norm, radii: radii, regions: regions, corpus: corpus, transfers: surrogate != nil)
        var description = EvaluationDescription(
            program: request.program, model: try evaluation.modelDescription(), data: data, images: IndexList.text(evaluation.indices),
            attack: request.attacks.joined(separator: ","), norm: settings.norm, epsilons: settings.epsilons, regions: regions,
            salienceThreshold: settings.salienceThreshold, seed: settings.seed, keepsImages: request.keepsImages, plan: plan,
            against: corpus?.members ?? [], transferFrom: try surrogate?.modelDescription(), arguments: request.arguments)
        description.backend = evaluation.backend == .native ? nil : evaluation.backend
        self.description = description
        evaluator = LedgerEvaluator(
            plan, model: evaluation.makePass(), surrogate: surrogate?.makePass(), dataset: dataset, indices: evaluation.indices,
            threshold: settings.salienceThreshold, seed: settings.seed, keepsImages: request.keepsImages, corpus: corpus)
        if isFirst, let output = request.output { try prepare(output) }
    }

    /// Warnings, a line each.
    package var notes: [String] {
        description.deviations.map { "not AutoAttack as published: \($0)" }
            + (folder?.lockWarning.map { ["warning: \($0)"] } ?? [])
    }

    /// Does what is left to be done, and on rank 0 writes the result. Collective.
    ///
    /// An evaluation with a folder stops at a signal, or at a file `stop` in its folder.
    ///
    /// - Parameters:
    ///   - keepsLines: whether the lines are wanted, too.
    ///   - show: on rank 0, after each result.
    package func run(
        communicator: Communicator, keepsLines: Bool,
        show: @escaping (EvaluationProgress, _ phase: Int) throws -> Void
    ) throws -> Outcome {
        try RankFingerprint.compare(data: description.hash, compute: .current(backend: evaluation.backend), communicator: communicator)
        let isFirst = communicator.rank == 0
        let (start, ledgerFolder, memory) = try communicator.agreeing { () -> (EvaluationProgress, LedgerFolder?, MemorySink?) in
            let empty = EvaluationProgress(plan, count: evaluation.indices.count, norm: description.norm)
            guard isFirst else { return (empty, nil, nil) }
            guard let output = request.output else {
                var begun = empty
                begun.begin()
                return (begun, nil, MemorySink(plan, keepsLines: keepsLines))
            }
            let ledger = try Ledger(output, plan: plan)
            return (ledger.progress, try LedgerFolder(ledger, shape: evaluation.dataset.imageShape), nil)
        }
        let sink: any LedgerSink = ledgerFolder ?? memory ?? MemorySink(plan, keepsLines: false)
        let stop = request.output.map { StopRequest(folder: $0, budget: nil) }
        let shouldStop = { stop.map { $0.reason(reserving: 0) != .none } ?? false }
        let (outcome, progress) = try evaluator.run(
            from: start, communicator: communicator, sink: sink, shouldStop: shouldStop, show: show)
        let stopped = try communicator.any(outcome == .stopped)
        guard !stopped else {
            if isFirst { stop?.clear() }
            return .stopped
        }
        return try communicator.agreeing {
            guard isFirst else { return .finished(nil, lines: nil) }
            let kept = try ledgerFolder?.images.map { try evaluator.verify($0, progress) }
            let result = EvaluationResult(
                description, progress: progress, sums: ledgerFolder?.sums ?? memory!.sums, indices: evaluation.indices, keptImages: kept,
                releases: corpus.map { releases($0, progress) })
            var lines = memory?.sortedLines
            if let output = request.output {
                try writeJSON(result, to: output + "/" + EvaluationFolder.result)
                if keepsLines { lines = try Ledger(output).sortedLines() }
            }
            return .finished(result, lines: lines)
        }
    }

    private func releases(_ corpus: Corpus, _ progress: EvaluationProgress) -> [ReleaseComparison] {
        let indices = evaluation.indices
        var robust: [Float: Set<Int>] = [:]
        for epsilon in description.epsilons where epsilon > 0 { robust[epsilon] = Set(progress.robustPositions(epsilon).map { indices[$0] }) }
        return corpus.comparisons(indices: indices, robust: robust)
    }

    /// - Throws: `Failure.badData` for a region that is empty in every image.
    private static func requirePixels(_ evaluation: EvaluationExperiment, _ regions: [EvaluationProtocol.Region]) throws {
        let settings = evaluation.settings
        for region in regions where region != .all {
            let holdsSome = try LedgerEvaluator.hasPixels(
                region, dataset: evaluation.dataset, indices: evaluation.indices, threshold: settings.salienceThreshold, seed: settings.seed)
            guard !holdsSome else { continue }
            throw Failure.badData(
                "the region \(region.rawValue) holds no pixel of any of the \(evaluation.indices.count) images",
                remedy: "give maps that mark something (--salience), another --threshold, or leave the region out of --regions")
        }
    }

    private static func plan(
        _ request: LedgerRequest, norm: Norm, radii: [Float], regions: [EvaluationProtocol.Region], corpus: Corpus?, transfers: Bool
    ) -> EvaluationPlan {
        var plan = EvaluationPlan()
        guard !request.attacks.isEmpty else { return plan }
        for region in regions {
            for epsilon in radii {
                plan.add(
                    region: region, epsilon: epsilon,
                    attacks: EvaluationAttacks.attacks(request.attacks, ThreatModel(norm: norm, epsilon: epsilon), request.pgd))
            }
        }
        for epsilon in radii {
            let threat = ThreatModel(norm: norm, epsilon: epsilon)
            if let corpus { plan.add(.against, epsilon: epsilon, attacks: corpus.attacks(threat)) }
            guard transfers else { continue }
            // To its end: what fools the other model most, not first.
            var attack = APGD(.crossEntropy, threat)
            attack.stopsAtSuccess = false
            plan.add(.transfer, epsilon: epsilon, attacks: [("transfer-apgd-ce", attack)])
        }
        return plan
    }

    private static func claim(_ output: String, resumes: Bool) throws -> RunDirectory {
        let path = output + "/" + EvaluationFolder.description
        let isThere = FileManager.default.fileExists(atPath: path)
        guard resumes || !isThere else {
            throw Failure.usage("\(output) already holds an evaluation", remedy: "go on with it (--resume), or write to another folder (--output)")
        }
        guard !resumes || isThere else {
            throw Failure.usage("\(output) holds no evaluation to go on with", remedy: "check the path, or start without --resume")
        }
        let folder = try RunDirectory(output, mode: .resumeIfPresent)
        guard !folder.heldRun else { throw Failure.usage("\(output) holds a training run", remedy: "write to another folder (--output)") }
        return folder
    }

    /// Writes the description, or compares it with the one that is there.
    private func prepare(_ output: String) throws {
        guard request.resumes else { return try writeJSON(description, to: output + "/" + EvaluationFolder.description) }
        let differences = try EvaluationFolder.description(in: output).differences(from: description)
        guard differences.isEmpty else {
            throw Failure.usage(
                "\(output) holds another evaluation than is asked for: \(differences.joined(separator: "; "))",
                remedy: "go on with what it holds (sipat evaluate --output \(output) --resume), or write to another folder")
        }
    }
}
