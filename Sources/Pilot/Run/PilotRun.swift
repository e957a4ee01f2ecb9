import Checkpoints
import Diagnostics
import Digests
import Evaluation
import Experiments
import Foundation
import MPI
import Recipes
import Training

/// Does what a plan says, part by part.
///
/// Killed at any moment, it goes on with the part it was in, on any number of ranks: a training from its newest checkpoint, an
/// evaluation from the images that are left.
package struct PilotRun {
    package enum Outcome: Sendable {
        case finished
        /// Asked to stop: run me again.
        case stopped
    }

    private let folder: String
    private let threads: Int
    private let program: String

    /// - Parameters:
    ///   - program: the version, for the record.
    package init(_ folder: String, threads: Int, program: String) {
        self.folder = folder
        self.threads = threads
        self.program = program
    }

    /// Collective.
    ///
    /// - Throws: `Failure` naming file and key; among others for a plan that was changed after parts of it were done.
    package func run(communicator world: Communicator, local: Communicator) throws -> Outcome {
        let isFirst = world.rank == 0
        var lock: RunDirectory?
        let text = try world.agreeing { () -> String in
            guard isFirst else { return "" }
            let path = folder + "/" + PilotFolder.plan
            guard FileManager.default.fileExists(atPath: path) else {
                throw Failure.usage("\(folder) holds no pilot (\(PilotFolder.plan) is missing)", remedy: "make one: sipat pilot plan --output \(shellQuoted(folder))")
            }
            let plan = try PilotPlan(contentsOf: path)
            for obstacle in plan.obstacles(tested: plan.evaluation.images == 0 ? .max : plan.evaluation.images) { Output.progress(obstacle + "\n") }
            lock = try RunDirectory(folder, mode: .resumeIfPresent)
            return String(decoding: try jsonBytes(plan, .line), as: UTF8.self)
        }
        let plan = try decodedJSON(PilotPlan.self, from: Array(try world.broadcast(text).utf8))
        let parts = PilotPart.all(plan)
        var (ledger, cost) = try world.agreeing { isFirst ? try (opened(plan, parts), openedCost()) : (emptyLedger(plan), PilotCost(host: "", processor: "")) }
        let stop = StopRequest(folder: folder, budget: nil)
        for (place, part) in parts.enumerated() {
            guard try world.broadcast(Int32(ledger.entry(part) == nil ? 0 : 1)) == 0 else { continue }
            guard try stop.agree(world, reserving: 0).reason == .none else {
                if isFirst { stop.clear() }
                return .stopped
            }
            let (start, energy) = (monotonicSeconds(), isFirst ? EnergyMeter() : nil)
            defer { _ = energy?.stop() }
            try world.agreeing {
                guard isFirst else { return }
                Output.progress("== part \(place + 1) of \(parts.count): \(part.name)\n")
                cost.begin(part, ranks: world.size, threads: threads)
                try writeJSON(cost, to: folder + "/" + PilotCost.fileName)
            }
            let isDone = try perform(part, plan, world, local)
            try world.agreeing {
                guard isFirst else { return }
                cost.end(part, seconds: monotonicSeconds() - start, joules: energy?.stop(), isDone: isDone)
                try writeJSON(cost, to: folder + "/" + PilotCost.fileName)
                guard isDone else { return }
                ledger.done.append(.init(part: part.name, hash: try part.hash(plan), output: try output(part), files: try files(part)))
                try writeJSON(ledger, to: folder + "/" + PilotLedger.fileName)
            }
            guard isDone else { return .stopped }
        }
        withExtendedLifetime(lock) {}
        return .finished
    }

    // MARK: What is there

    private func emptyLedger(_ plan: PilotPlan) -> PilotLedger { PilotLedger(program: program, plan: plan.hash, criteria: plan.criteriaHash, start: .init(plan)) }

    private func opened(_ plan: PilotPlan, _ parts: [PilotPart]) throws -> PilotLedger {
        guard var ledger = try PilotLedger.read(folder) else {
            let ledger = emptyLedger(plan)
            try writeJSON(ledger, to: folder + "/" + PilotLedger.fileName)
            return ledger
        }
        try ledger.requireWhole(plan, path: folder + "/" + PilotFolder.plan, kind: .usage)
        for part in parts {
            guard let entry = ledger.entry(part), !(try part.matches(entry.hash, plan)) else { continue }
            if part.isQuick {
                ledger.done.removeAll { $0.part == part.name }
                continue
            }
            throw Failure.usage(
                "\(folder)/\(PilotFolder.plan) was changed after \"\(part.name)\" was done, in what decides its outcome",
                remedy: "give back the old values, or plan a new pilot in another folder")
        }
        ledger.plan = plan.hash
        return ledger
    }

    private func openedCost() throws -> PilotCost {
        try PilotCost.read(folder) ?? PilotCost(host: Host.name, processor: Self.processor)
    }

    private static var processor: String {
        let text = (try? ReadableFile.stream("/proc/cpuinfo")).map { String(decoding: $0, as: UTF8.self) } ?? ""
        return text.split(separator: "\n").first { $0.hasPrefix("model name") }.flatMap { $0.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) } } ?? "?"
    }

    // MARK: Parts

    /// - Returns: false where it was asked to stop.
    private func perform(_ part: PilotPart, _ plan: PilotPlan, _ world: Communicator, _ local: Communicator) throws -> Bool {
        switch part.kind {
        case .material:
            try world.agreeing {
                guard world.rank == 0 else { return }
                try writeJSON(try PilotMaterial(plan), to: folder + "/" + PilotFolder.material)
            }
        case .training: return try train(plan, part.method!, part.seed!, world, local)
        case .evaluation: return try evaluate(plan, part.method!, part.seed!, world)
        case .pictures:
            try world.agreeing {
                guard world.rank == 0 else { return }
                try writeJSON(try pictures(plan), to: folder + "/" + PilotFolder.pictures)
            }
        }
        return true
    }

    private func train(_ plan: PilotPlan, _ method: PilotMethod, _ seed: Int, _ world: Communicator, _ local: Communicator) throws -> Bool {
        let request = TrainingRequest(
            recipe: .given(try plan.recipe(method, seed: seed)), overrides: [], output: folder + "/" + PilotPart.run(method, seed), mode: .resumeIfPresent,
            threads: threads, showsProfile: false, timeBudget: nil)
        if case .stopped = try TrainingExperiment(request).run(communicator: world, local: local) { return false }
        return true
    }

    private func evaluate(_ plan: PilotPlan, _ method: PilotMethod, _ seed: Int, _ world: Communicator) throws -> Bool {
        let output = folder + "/" + PilotPart.evaluation(method, seed)
        let isThere = world.rank == 0 && FileManager.default.fileExists(atPath: output + "/" + EvaluationFolder.description)
        let resumes = try world.broadcast(Int32(isThere ? 1 : 0)) == 1
        let experiment = try world.agreeing {
            if world.rank == 0 { try makeFolders(output) }
            return try ledgerExperiment(plan, method, seed, resumes: resumes, isFirst: world.rank == 0)
        }
        let outcome = try experiment.run(communicator: world, keepsLines: false) { _, _ in }
        guard case .finished(let result, _) = outcome else { return false }
        let isFirstSeed = seed == plan.seeds[0]
        let isChecked = isFirstSeed && plan.evaluation.checked.contains(method.rawValue)
        var line = ProgressLine()
        do {
            _ = try experiment.addAppendices(result, checks: isChecked, measures: !method.isControl, ranksLikeliest: false, communicator: world) { line.note($0) }
        } catch let failure as Failure where failure.kind == .requeue {
            return false
        }
        return true
    }

    private func ledgerExperiment(_ plan: PilotPlan, _ method: PilotMethod, _ seed: Int, resumes: Bool, isFirst: Bool) throws -> LedgerExperiment {
        let asked = try PilotEvaluation(plan, method, seed, folder: folder)
        return try LedgerExperiment(
            try EvaluationExperiment(asked.request), asked.ledger(resumes: resumes, program: program), isFirst: isFirst)
    }

    /// Of the first model of SIP-AT and of the first rival, at the radius that the recommendation looks at.
    private func pictures(_ plan: PilotPlan) throws -> PilotPictures {
        var result = PilotPictures()
        for method in plan.allMethods where method == .sipAT || method == .atHalf {
            let experiment = try ledgerExperiment(plan, method, plan.seeds[0], resumes: true, isFirst: true)
            let view = try LedgerView(folder + "/" + PilotPart.evaluation(method, plan.seeds[0]))
            result.models.append(.init(method: method.rawValue, seed: plan.seeds[0], pictures: try experiment.pictures(view, at: Float(plan.evaluation.decision / 255))))
        }
        return result
    }

    private func files(_ part: PilotPart) throws -> [String: String]? {
        guard part.kind == .evaluation else { return nil }
        return try PilotLedger.results(try Ledger(folder + "/" + PilotPart.evaluation(part.method!, part.seed!)))
    }

    /// SHA-256 of what came out.
    private func output(_ part: PilotPart) throws -> String {
        switch part.kind {
        case .material: try SHA256.hex(ofFile: folder + "/" + PilotFolder.material)
        case .pictures: try SHA256.hex(ofFile: folder + "/" + PilotFolder.pictures)
        case .training: try SHA256.hex(ofFile: WeightsSource(folder + "/" + PilotPart.run(part.method!, part.seed!)).path)
        case .evaluation: try EvaluationFolder.description(in: folder + "/" + PilotPart.evaluation(part.method!, part.seed!)).hash
        }
    }
}

/// The names in a pilot's folder.
package enum PilotFolder {
    package static let plan = "pilot.yaml"
    package static let material = "material.json"
    package static let pictures = "pictures.json"
    package static let report = "report.json"
    package static let page = "report.html"
}

/// What adversarial images look like.
package struct PilotPictures: Codable, Sendable, Hashable {
    package struct Model: Codable, Sendable, Hashable {
        package var method: String
        package var seed: Int
        package var pictures: [ReportPicture]
    }

    package var models: [Model] = []

    package init() {}
}
