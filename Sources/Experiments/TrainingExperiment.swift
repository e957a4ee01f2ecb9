import Checkpoints
import Diagnostics
import MPI
import Recipes
import Training

/// What is to be trained.
package struct TrainingRequest: Sendable {
    /// Where a recipe comes from.
    package enum Source: Sendable {
        case file(String)
        case builtIn(String)
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
    private let request: TrainingRequest

    package init(_ request: TrainingRequest) { self.request = request }

    /// Collective.
    ///
    /// - Parameter local: the ranks of this host.
    package func run(communicator world: Communicator, local: Communicator) throws -> RunOutcome {
        var recipe: Recipe!
        var folder: RunDirectory?
        try world.agreeing {
            guard world.rank == 0 else { return }
            // The recipe first: a mistake in it must not leave an empty folder behind.
            if request.mode != .resume { recipe = try givenRecipe() }
            folder = try RunDirectory(request.output, mode: request.mode)
            if folder!.heldRun {
                recipe = try resumedRecipe()
            } else if case .file(let path) = request.recipe, isSameFile(path, request.output + "/recipe.yaml") {
                throw Failure.usage(
                    "the run would overwrite \(path) with a copy of its own", remedy: "give the run a folder without a recipe.yaml (--output), or rename the file")
            }
        }
        let yaml = try world.broadcast(recipe.map { $0.yaml(commented: false) } ?? "")
        recipe = try RecipeParser.parse(yaml, name: "recipe")
        let resumes = try world.broadcast(Int32(folder?.heldRun == true ? 1 : 0)) == 1
        let data = try world.agreeing { try TrainingData(recipe) }
        try world.agreeing {
            if world.rank == 0, let warning = try data.protectionWarning(recipe) { Output.complain(warning) }
            try requireMemory(recipe, data, ranks: world.size, local: local.size, threads: request.threads)
        }
        let run = try TrainingRun(
            recipe: recipe, data: data, communicator: world, folder: folder, resume: resumes, threads: request.threads,
            showsProfile: request.showsProfile
        ) { Validator(recipe, data: data, model: $0) }
        return try run.run(stop: StopRequest(folder: request.output, budget: request.timeBudget), folder: request.output)
    }

    private func givenRecipe() throws -> Recipe {
        switch request.recipe {
        case .file(let path):
            return try RecipeParser.read(path, overrides: request.overrides)
        case .builtIn(let name): return try RecipeParser.apply(request.overrides, to: Recipe.builtIn(name), name: "recipe \(name)")
        case .none:
            throw Failure.usage(
                "no recipe is given", remedy: "name a file, or a built-in one: --recipe synthetic (see --print-recipe synthetic)")
        }
    }

    /// The recipe the run was started with; what is given now may change only what does not change the numbers.
    private func resumedRecipe() throws -> Recipe {
        let path = request.output + "/recipe.yaml"
        let stored = try RecipeParser.read(path)
        let wanted: Recipe
        if case .none = request.recipe {
            wanted = try RecipeParser.apply(request.overrides, to: stored, name: path)
        } else {
            wanted = try givenRecipe()
        }
        let refused = wanted.differences(from: stored).filter { !$0.field.mayChange }
        guard refused.isEmpty else {
            let list = refused.map { "\($0.field.path) was \($0.old), is now \($0.new)" }.joined(separator: "; ")
            throw Failure.usage(
                "\(request.output): the run cannot go on with another recipe: \(list)", remedy: "start a new run in another folder")
        }
        return wanted
    }
}
