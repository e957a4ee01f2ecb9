import ArgumentParser
import Checkpoints
import Diagnostics
import Foundation
import MPI
import Training

struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Train a model as a recipe says.",
        discussion: """
            The run's folder gets recipe.yaml, metrics.jsonl and checkpoints. SIGTERM, SIGINT, SIGUSR1, a file named stop in \
            the folder, or --time-budget end the run after the current step with a checkpoint and exit code 75.

            mpirun -n 2 sipat train --recipe synthetic --output runs/first
            mpirun -n 2 sipat train recipe.yaml --output runs/cifar --set data.directory=cifar-10-batches-bin
            """)

    @Argument(help: ArgumentHelp("A recipe in YAML.", valueName: "file"))
    var file: String?

    @Option(help: "A built-in recipe instead of a file: cifar10, paper or synthetic.")
    var recipe: String?

    @Option(help: "The run's folder.")
    var output: String?

    @Option(name: .customLong("set"), help: ArgumentHelp("Override a key of the recipe; may be given often.", valueName: "key=value"))
    var overrides: [String] = []

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

    @Option(help: ArgumentHelp("Print a commented recipe (cifar10, paper or synthetic) and exit.", valueName: "name"))
    var printRecipe: String?

    func run() throws {
        if let printRecipe {
            print(try reportingFailures { try Recipe.builtIn(printRecipe).yaml(commented: true) }, terminator: "")
            return
        }
        let code = try Session.withSession { session in try train(session) }
        if code != 0 { throw ExitCode(code) }
    }

    private func train(_ session: Session) throws -> Int32 {
        let world = session.world
        var recipe: Recipe!
        var folder: RunDirectory?
        try world.agreeing {
            guard let output else {
                throw Failure.usage("--output is missing", remedy: "name the run's folder: --output runs/first")
            }
            guard threads >= 1, threads <= 1024 else { throw Failure.usage("--threads is \(threads), expected 1 to 1024") }
            if world.rank == 0 {
                let mode: RunDirectory.Mode = resume ? .resume : resumeIfPresent ? .resumeIfPresent : .new
                // The recipe first: a mistake in it must not leave an empty folder behind.
                if !resume { recipe = try givenRecipe() }
                folder = try RunDirectory(output, mode: mode)
                if folder!.heldRun { recipe = try resumedRecipe(output) }
            }
        }
        let yaml = try world.broadcast(recipe.map { $0.yaml(commented: false) } ?? "")
        recipe = try RecipeParser.parse(yaml, name: "recipe")
        let resumes = try world.broadcast(Int32(folder?.heldRun == true ? 1 : 0)) == 1
        let run = try TrainingRun(recipe: recipe, communicator: world, folder: folder, resume: resumes, threads: threads, showsProfile: profile)
        let stop = StopRequest(folder: output!, budget: timeBudget?.seconds)
        switch try run.run(stop: stop, folder: output!) {
        case .finished: return 0
        case .stopped(let reason):
            if world.rank == 0 { print("stopped by \(reason.text) after a checkpoint; resume with: sipat train --output \(output!) --resume") }
            return Failure.Kind.requeue.rawValue
        }
    }

    private func givenRecipe() throws -> Recipe {
        switch (file, recipe) {
        case (let file?, nil):
            let text = String(decoding: try ReadableFile.contents(of: file), as: UTF8.self)
            return try RecipeParser.parse(text, name: file, overrides: overrides)
        case (nil, let name?): return try RecipeParser.apply(overrides, to: Recipe.builtIn(name), name: "recipe \(name)")
        case (nil, nil):
            throw Failure.usage(
                "no recipe is given", remedy: "name a file, or a built-in one: --recipe synthetic (see --print-recipe synthetic)")
        default: throw Failure.usage("a file and --recipe are both given", remedy: "leave one of them out")
        }
    }

    /// The recipe the run was started with; what is given now may change only what does not change the numbers.
    private func resumedRecipe(_ output: String) throws -> Recipe {
        let path = output + "/recipe.yaml"
        let stored = try RecipeParser.parse(String(decoding: try ReadableFile.contents(of: path), as: UTF8.self), name: path)
        let wanted = file != nil || recipe != nil ? try givenRecipe() : try RecipeParser.apply(overrides, to: stored, name: path)
        let refused = wanted.differences(from: stored).filter { !$0.field.mayChange }
        guard refused.isEmpty else {
            let list = refused.map { "\($0.field.path) was \($0.old), is now \($0.new)" }.joined(separator: "; ")
            throw Failure.usage("\(output): the run cannot go on with another recipe: \(list)", remedy: "start a new run in another folder")
        }
        return wanted
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
        guard total > 0 else { return nil }
        seconds = total
    }
}

/// Runs what needs no ranks, so that its failures look and exit as elsewhere.
func reportingFailures<R>(_ body: () throws -> R) throws -> R {
    do {
        return try body()
    } catch let failure as Failure {
        FileHandle.standardError.write(Data("error: \(failure)\n".utf8))
        throw ExitCode(failure.kind.rawValue)
    }
}
