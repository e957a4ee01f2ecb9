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
    package func run(communicator world: Communicator) throws -> RunOutcome {
        var recipe: Recipe!
        var folder: RunDirectory?
        try world.agreeing {
            guard world.rank == 0 else { return }
            // The recipe first: a mistake in it must not leave an empty folder behind.
            if request.mode != .resume { recipe = try givenRecipe() }
            folder = try RunDirectory(request.output, mode: request.mode)
            if folder!.heldRun { recipe = try resumedRecipe() }
        }
        let yaml = try world.broadcast(recipe.map { $0.yaml(commented: false) } ?? "")
        recipe = try RecipeParser.parse(yaml, name: "recipe")
        let resumes = try world.broadcast(Int32(folder?.heldRun == true ? 1 : 0)) == 1
        let data = try world.agreeing { try TrainingData(recipe) }
        let run = try TrainingRun(
            recipe: recipe, data: data, communicator: world, folder: folder, resume: resumes, threads: request.threads,
            showsProfile: request.showsProfile
        ) { Validator(recipe, data: data, model: $0) }
        return try run.run(stop: StopRequest(folder: request.output, budget: request.timeBudget), folder: request.output)
    }

    private func givenRecipe() throws -> Recipe {
        switch request.recipe {
        case .file(let path):
            let text = String(decoding: try ReadableFile.contents(of: path), as: UTF8.self)
            return try RecipeParser.parse(text, name: path, overrides: request.overrides)
        case .builtIn(let name): return try RecipeParser.apply(request.overrides, to: Recipe.builtIn(name), name: "recipe \(name)")
        case .none:
            throw Failure.usage(
                "no recipe is given", remedy: "name a file, or a built-in one: --recipe synthetic (see --print-recipe synthetic)")
        }
    }

    /// The recipe the run was started with; what is given now may change only what does not change the numbers.
    private func resumedRecipe() throws -> Recipe {
        let path = request.output + "/recipe.yaml"
        let stored = try RecipeParser.parse(String(decoding: try ReadableFile.contents(of: path), as: UTF8.self), name: path)
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
