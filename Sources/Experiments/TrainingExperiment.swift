import Checkpoints
import Datasets
import Diagnostics
import Foundation
import Kernels
import MPI
import Recipes
import Training

/// What is to be trained.
package struct TrainingRequest: Sendable {
    /// Where a recipe comes from.
    package enum Source: Sendable {
        case file(String)
        case builtIn(String)
        /// Made by the caller.
        case given(Recipe)
        /// None is given: a run that is resumed has its own.
        case none
    }

    package var recipe: Source
    /// `key=value` pairs over it.
    package var overrides: [String]
    /// The run's folder.
    package var output: String
    package var mode: RunDirectory.Mode
    package var threads: Int
    package var showsProfile: Bool
    /// Seconds from now within which to end.
    package var timeBudget: Double?

    package init(
        recipe: Source, overrides: [String], output: String, mode: RunDirectory.Mode, threads: Int, showsProfile: Bool,
        timeBudget: Double?
    ) {
        self.recipe = recipe
        self.overrides = overrides
        self.output = output
        self.mode = mode
        self.threads = threads
        self.showsProfile = showsProfile
        self.timeBudget = timeBudget
    }
}

/// Trains as a request says, from opening the folder to the last step.
package struct TrainingExperiment {
    let request: TrainingRequest

    package init(_ request: TrainingRequest) { self.request = request }

    /// Collective.
    ///
    /// - Parameters:
    ///   - local: the ranks of this host.
    ///   - heartbeat: where the run tells what it is doing.
    ///   - files: how the run's files are written.
    package func run(
        communicator world: Communicator, local: Communicator, heartbeat: Heartbeat = Heartbeat(), files: any FileOperations = PosixFileOperations()
    ) throws -> RunOutcome {
        let stop = StopRequest(folder: request.output, budget: request.timeBudget)
        let watcher = StopWatcher(heartbeat, request: stop, rank: world.rank)
        let watchdog = Watchdog(heartbeat, communicator: world)
        defer {
            watcher.stop()
            watchdog.stop()
        }
        var recipe: Recipe!
        var start: RunStart?
        var initialWeights: InitialWeights?
        try world.agreeing {
            guard world.rank == 0 else { return }
            // The recipe first: a mistake in it must not leave an empty folder behind.
            let given = request.mode == .resume || goesOnWithItsOwn ? nil : try givenRecipe()
            var found = try RunStart(RunDirectory(request.output, mode: request.mode), using: files)
            recipe = try self.recipe(for: &found, given: given)
            if !found.directory.heldRun, case .file(let path) = request.recipe, isSameFile(path, request.output + "/recipe.yaml") {
                throw Failure.usage(
                    "the run would overwrite \(path) with a copy of its own", remedy: "give the run a folder without a recipe.yaml (--output), or rename the file")
            }
            if found.checkpoint == nil { initialWeights = try InitialWeights(recipe) }
            start = found
        }
        let yaml = try world.broadcast(recipe.map { $0.yaml(commented: false) } ?? "")
        recipe = try RecipeParser.parse(yaml, name: "recipe")
        let resumes = try world.broadcast(Int32(start?.checkpoint != nil ? 1 : 0)) == 1
        watchdog.use(folder: request.output, minutes: recipe.communication.watchdogMinutes)
        heartbeat.enter(.loading)
        let leftOut = try leftOutFiles(recipe, recordedIn: request.output, resumes: resumes, communicator: world, heartbeat: heartbeat)
        start?.notes += leftOut?.notes ?? []
        heartbeat.enter(.loading)
        let data = try world.agreeing {
            defer { heartbeat.enter(.meeting) }
            return try TrainingData(recipe, leavingOut: leftOut?.paths ?? [])
        }
        try world.agreeing {
            if world.rank == 0, let warning = try data.protectionWarning(recipe) { Output.complain(warning) }
            try requireMemory(recipe, data, ranks: world.size, local: local.size, threads: request.threads)
        }
        if let placements = try Placement.gather(world) {
            start?.notes += Placement.warnings(placements, threads: request.threads).map { "warning: \($0)" }
        }
        if recipe.mode == .sipAT, !recipe.salienceRule.text.isEmpty { start?.notes.append("salience by rule: \(recipe.salienceRule.text)") }
        if let warning = recipe.watchWarning { start?.notes.append(warning) }
        if recipe.attack.precision == .bfloat16, recipe.mode != .natural, !hasBFloat16Instructions {
            start?.notes.append("warning: attack.precision is bfloat16, which this CPU does not multiply (AVX512-BF16): the attack will be slower than with float32")
        }
        try RankFingerprint.compare(data: data.fingerprint, compute: .current(backend: recipe.kernels.backend), communicator: world)
        let run = try TrainingRun(
            recipe: recipe, data: data, communicator: world, start: start, resume: resumes, initialWeights: initialWeights?.load,
            threads: request.threads, showsProfile: request.showsProfile, heartbeat: heartbeat
        ) { Validator(recipe, data: data, pass: $0) }
        return try run.run(stop: stop)
    }

    /// The images that the run does without, as `data.skipBad` asks; a run that goes on does without those it began without.
    /// Collective.
    ///
    /// - Parameter folder: gets the record; nil for none.
    func leftOutFiles(
        _ recipe: Recipe, recordedIn folder: String?, resumes: Bool, communicator: Communicator, heartbeat: Heartbeat
    ) throws -> LeftOutFiles? {
        guard recipe.data.skipBad, recipe.data.name == .images else { return nil }
        let found = try LeftOutFiles.agree(
            recipe.imagesConfiguration, at: recipe.data.directory, split: .train, known: resumes ? folder : nil,
            communicator: communicator
        ) { heartbeat.enter(.meeting) }
        try communicator.agreeing {
            if communicator.rank == 0, let folder { try found?.write(to: folder) }
        }
        return found
    }

    /// Whether no recipe is given, and none is needed: a run that is to be gone on with, if there is one, is there.
    private var goesOnWithItsOwn: Bool {
        guard case .none = request.recipe, request.mode == .resumeIfPresent else { return false }
        return FileManager.default.fileExists(atPath: request.output + "/recipe.yaml")
            || FileManager.default.fileExists(atPath: request.output + "/checkpoints")
    }

    func givenRecipe() throws -> Recipe {
        switch request.recipe {
        case .file(let path):
            return try RecipeParser.read(path, overrides: request.overrides)
        case .builtIn(let name): return try RecipeParser.apply(request.overrides, to: Recipe.builtIn(name), name: "recipe \(name)")
        case .given(let recipe): return try RecipeParser.apply(request.overrides, to: recipe, name: "recipe")
        case .none:
            throw Failure.usage(
                "no recipe is given", remedy: "name a file, or a built-in one: --recipe synthetic (see --print-recipe synthetic)")
        }
    }

    /// The recipe to go on with: what is given, or what the folder has, with the overrides. Compared with that of the steps
    /// taken, whose numbers it may not change; what it does change is noted.
    private func recipe(for start: inout RunStart, given: Recipe?) throws -> Recipe {
        let path = request.output + "/recipe.yaml"
        let wanted: Recipe
        if case .none = request.recipe {
            if FileManager.default.fileExists(atPath: path) {
                let stored = try RecipeParser.read(path)
                wanted = try RecipeParser.apply(request.overrides, to: stored, name: path)
            } else if let taken = start.state?.recipe {
                wanted = try RecipeParser.apply(request.overrides, to: taken, name: request.output)
            } else {
                throw Failure.usage("\(request.output) holds neither a checkpoint nor a recipe", remedy: "give the recipe again, with --resume-if-present")
            }
        } else {
            wanted = try given ?? givenRecipe()
        }
        guard let state = start.state else { return wanted }
        let changes = wanted.differences(from: state.recipe)
        var objections = changes.compactMap { wanted.objection(to: $0) ?? state.recipe.objection(to: $0) }
        let begun = state.epoch + (state.stepInEpoch > 0 ? 1 : 0)
        if wanted.epochs < begun, wanted.epochs != state.recipe.epochs {
            objections.append("epochs was \(state.recipe.epochs), is now \(wanted.epochs), but \(begun) are begun or done")
        }
        guard objections.isEmpty else {
            throw Failure.usage(
                "\(request.output): the run cannot go on with another recipe: \(objections.joined(separator: "; "))",
                remedy: "start a new run in another folder, or give back the old values (in \(path), if it was edited)")
        }
        start.changes = changes
        return wanted
    }
}
