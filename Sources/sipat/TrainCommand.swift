import ArgumentParser
import Diagnostics
import Experiments
import Foundation
import MPI
import Recipes
import Training

struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Train a model as a recipe says.",
        discussion: """
            The run's folder gets recipe.yaml, metrics.jsonl, checkpoints, and at the end model-card.md. SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, a \
            file named stop in the folder, or --time-budget end the run with exit code 75: after the current step and a \
            checkpoint; while data is loaded or a model validated within three seconds, and a resumed run does that again.

            mpirun -n 2 sipat train --recipe synthetic --output runs/first
            mpirun -n 2 sipat train recipe.yaml --output runs/cifar --set data.directory=cifar-10-batches-bin
            mpirun -n 2 sipat train recipe.yaml --set data.directory=cifar-10-batches-bin --estimate --budget 40h
            """)

    @Argument(help: ArgumentHelp("A recipe in YAML.", valueName: "file"))
    var file: String?

    @Option(help: "A built-in recipe instead of a file: \(Recipe.builtInNames.joined(separator: ", ")).")
    var recipe: String?

    @Option(help: "The run's folder.")
    var output: String?

    @Option(name: .customLong("set"), help: ArgumentHelp("Override a key of the recipe; may be given often.", valueName: "key=value"))
    var overrides: [String] = []

    @Flag(help: "Do without image files that cannot be used, and record them in left-out.json: as --set data.skipBad=true.")
    var skipBad = false

    @Flag(help: "Go on with the run in --output from its newest good checkpoint, on any number of ranks.")
    var resume = false

    @Flag(help: "Go on if --output holds a run, else begin one (for jobs that are requeued).")
    var resumeIfPresent = false

    @Option(help: "Threads per rank; results are those of as many ranks.")
    var threads = 1

    @Flag(help: "After each epoch, print where the time of its steps went, and on which rank it took longest.")
    var profile = false

    @Option(help: ArgumentHelp("End cleanly before this much time has passed, such as 11h50m or 300s.", valueName: "duration"))
    var timeBudget: Duration?

    @Flag(help: "Take a few steps, write nothing, and say what the run would cost: time, core-hours, memory, disk, here and on other numbers of ranks.")
    var estimate = false

    @Option(help: ArgumentHelp("With --estimate: also which methods and how many epochs fit into so many core-hours, such as 40h.", valueName: "core-hours"))
    var budget: Duration?

    @Option(help: ArgumentHelp("Print a commented recipe (\(Recipe.builtInNames.joined(separator: ", "))) and exit.", valueName: "name"))
    var printRecipe: String?

    mutating func validate() throws {
        try expandTilde(&file)
        try expandTilde(&output)
    }

    func run() throws {
        // Before MPI starts: from here on a signal loses nothing. What writes nothing is ended by it at once.
        if printRecipe == nil, !estimate { StopRequest.watchSignals() }
        if let printRecipe {
            return try reportingFailures {
                guard Sipat.speaks else { return }
                try Output.result(try Recipe.builtIn(printRecipe).yaml(commented: true), terminator: "")
            }
        }
        if estimate { return try printEstimate() }
        let outcome = try Session.withSession { session -> RunOutcome in
            let request = try session.world.agreeing { try self.request() }
            let outcome = try TrainingExperiment(request).run(communicator: session.world, local: session.local)
            if case .stopped(let reason) = outcome, session.world.rank == 0 {
                Output.progress("stopped by \(reason.text) after a checkpoint; resume with: sipat train --output \(request.output) --resume\n")
            }
            return outcome
        }
        if case .stopped = outcome { throw ExitCode(Failure.Kind.requeue.rawValue) }
    }

    private func printEstimate() throws {
        try Session.withSession { session in
            let request = try session.world.agreeing { try self.request() }
            let result = try TrainingExperiment(request).estimate(communicator: session.world, local: session.local)
            try session.world.agreeing {
                guard session.world.rank == 0 else { return }
                let text = EstimateText(estimate: result)
                try Output.result(text.text + (budget.map { "\n\n" + text.table(budget: $0.seconds) } ?? ""))
            }
        }
    }

    /// - Throws: `Failure.usage` for flags that contradict each other.
    private func request() throws -> TrainingRequest {
        guard budget == nil || estimate else { throw Failure.usage("--budget is given without --estimate", remedy: "add --estimate; to end a run in time there is --time-budget") }
        guard !estimate || !resume && !resumeIfPresent else { throw Failure.usage("--estimate looks at a run that is to begin", remedy: "leave out --resume; give the recipe") }
        guard let output = output ?? (estimate ? "" : nil) else { throw Failure.usage("--output is missing", remedy: "name the run's folder: --output runs/first") }
        guard threads >= 1, threads <= 1024 else { throw Failure.usage("--threads is \(threads), expected 1 to 1024") }
        let source: TrainingRequest.Source
        switch (file, recipe) {
        case (let file?, nil): source = .file(file)
        case (nil, let name?): source = .builtIn(name)
        case (nil, nil): source = .none
        default: throw Failure.usage("a file and --recipe are both given", remedy: "leave one of them out")
        }
        return TrainingRequest(
            recipe: source, overrides: overrides + (skipBad ? ["data.skipBad=true"] : []), output: output,
            mode: resume ? .resume : resumeIfPresent ? .resumeIfPresent : .new, threads: threads, showsProfile: profile,
            timeBudget: timeBudget?.seconds)
    }
}

/// A length of time on the command line.
struct Duration: ExpressibleByArgument {
    let seconds: Double

    init?(argument: String) {
        var (total, digits) = (0.0, "")
        for character in argument {
            if character.isNumber || character == "." {
                digits.append(character)
                continue
            }
            guard let value = Double(digits), let unit = ["d": 86400.0, "h": 3600, "m": 60, "s": 1][character] else { return nil }
            total += value * unit
            digits = ""
        }
        if !digits.isEmpty {
            guard let value = Double(digits) else { return nil }
            total += value
        }
        // Beyond thirty thousand years nothing is meant, and sums overflow.
        guard total > 0, total < 1e12 else { return nil }
        seconds = total
    }
}

/// Runs what needs no ranks, so that its failures look and exit as elsewhere.
func reportingFailures<R>(_ body: () throws -> R) throws -> R {
    do {
        return try body()
    } catch let failure as Failure {
        Output.complain("error: \(failure)")
        throw ExitCode(failure.kind.rawValue)
    }
}
