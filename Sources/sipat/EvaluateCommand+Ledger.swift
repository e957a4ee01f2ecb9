import Datasets
import Diagnostics
import Evaluation
import Experiments
import MPI

/// Evaluations with a ledger.
extension EvaluateCommand {
    /// - Returns: whether it was stopped before its end.
    func evaluate(_ world: Communicator, _ evaluation: EvaluationExperiment, _ asked: LedgerRequest, leftOut: LeftOutFiles?) throws -> Bool {
        let experiment = try world.agreeing { try LedgerExperiment(evaluation, asked, isFirst: world.rank == 0) }
        if world.rank == 0 { for note in experiment.notes { Output.complain(note) } }
        try world.agreeing {
            if world.rank == 0, let output = asked.output { try leftOut?.write(to: output) }
        }
        let start = monotonicSeconds()
        var pace = LedgerPace()
        let outcome = try experiment.run(communicator: world, keepsLines: perSample != nil) { pace.show($0, $1) }
        guard case .finished(let result, let lines) = outcome else {
            if world.rank == 0 { Output.progress("stopped; go on with: sipat evaluate --output \(asked.output ?? "") --resume\n") }
            return true
        }
        // A result that is there is shown, whatever becomes of what follows.
        let appendices = Result { try addAppendices(experiment, result, world) }
        try world.agreeing {
            guard let result else { return }
            if let json { try writeJSON(result, to: json) }
            if let perSample, let lines { try writeLines(lines, to: perSample) }
            let description = result.description
            let heading =
                "\(description.model.name) on \(evaluation.indices.count) images of \(description.data.name), "
                + "\(description.attack.isEmpty ? "no attack" : description.attack) \(description.norm.rawValue), \(duration(monotonicSeconds() - start))"
            let more = (try? appendices.get())?.checks.map { "\n" + $0.text } ?? ""
            try Output.result(EvaluationTable.text(result, heading: heading) + more)
        }
        _ = try appendices.get()
        return false
    }

    private func addAppendices(
        _ experiment: LedgerExperiment, _ result: EvaluationResult?, _ world: Communicator
    ) throws -> (checks: SelfChecks?, measures: Measures?) {
        let isAutoAttack = experiment.description.attack.contains("autoattack")
        var line = ProgressLine()
        return try experiment.addAppendices(result, checks: checks ?? isAutoAttack, measures: measures, communicator: world) { line.note($0) }
    }

    /// The command whose evaluation the folder holds, going on.
    func resumed() throws -> EvaluateCommand {
        guard let output else { throw Failure.usage("--resume needs --output", remedy: "name the evaluation's folder: --output eval/first") }
        let description = try EvaluationFolder.description(in: output)
        var other = Self.ownArguments()
        // What may differ from process to process.
        let flags = ["--resume", "--checks", "--no-checks", "--measures"]
        other.removeAll { flags.contains($0) || $0.hasPrefix("--output=") || $0.hasPrefix("--batch=") || $0.hasPrefix("--json=") || $0.hasPrefix("--per-sample=") }
        for flag in ["--output", "--batch", "--json", "--per-sample"] {
            while let place = other.firstIndex(of: flag) { other.removeSubrange(place..<min(place + 2, other.count)) }
        }
        guard other.isEmpty else {
            throw Failure.usage(
                "\(other.joined(separator: " ")) beside --resume: what is evaluated, and how, is in \(output)",
                remedy: "leave it out, or give --weights and all other flags again, to be compared")
        }
        var command: EvaluateCommand
        do { command = try EvaluateCommand.parse(description.arguments) } catch {
            throw Failure.badData(
                "\(output)/\(EvaluationFolder.description): its arguments are no command line of this program: \(EvaluateCommand.message(for: error))",
                remedy: "give --weights and all other flags again")
        }
        command.weights = description.model.weights
        if command.images != nil { command.images = description.images }
        if let from = description.transferFrom { command.transferFrom = from.weights }
        (command.output, command.resume, command.json, command.perSample) = (output, true, json, perSample)
        command.batch = batch
        command.checks = checks ?? command.checks
        command.measures = measures || command.measures
        return command
    }

    /// This process's arguments after the command's name.
    static func ownArguments() -> [String] {
        Array(CommandLine.arguments.drop { $0 != configuration.commandName }.dropFirst())
    }
}

/// Says now and then what is being done and how long it will take.
private struct LedgerPace {
    private var line = ProgressLine()
    private var lastShown = monotonicSeconds()
    /// When each phase was first heard of, and what was done of it then.
    private var starts: [Int: (seconds: Double, done: Int)] = [:]

    mutating func show(_ progress: EvaluationProgress, _ phase: Int) {
        let now = monotonicSeconds()
        if starts[phase] == nil { starts[phase] = (now, progress.done[phase]) }
        let (start, done) = starts[phase]!
        guard now - lastShown > 5, progress.done[phase] > done, let chain = progress.plan.chain(of: phase) else { return }
        lastShown = now
        let left = (now - start) / Double(progress.done[phase] - done) * Double(progress.due[phase] - progress.done[phase])
        line.note(
            "\(progress.plan.phases[phase].name), \(chain.region.rawValue), ε = \(EvaluationTable.radius(chain.epsilon)): "
                + "\(progress.done[phase])/\(progress.due[phase]) images, \(duration(left)) left")
    }
}
