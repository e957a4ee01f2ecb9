import Recipes

extension FuzzTarget {
    /// YAML; what is accepted can be printed, plain and commented, and read again.
    static let recipe = FuzzTarget("recipe") { input in
        try check(RecipeParser.parse(String(decoding: input.bytes, as: UTF8.self), name: "recipe.yaml"))
    }

    /// A line for each `--set`, over the recipe `synthetic`.
    static let overrides = FuzzTarget("overrides") { input in
        let lines = String(decoding: input.bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        try check(RecipeParser.apply(lines.map(String.init), to: Recipe.builtIn("synthetic"), name: "recipe synthetic"))
    }
}

private func check(_ recipe: Recipe) {
    for commented in [false, true] {
        let text = recipe.yaml(commented: commented)
        guard let again = try? RecipeParser.parse(text, name: "again"), again == recipe else { fatalError("printed, it is another:\n\(text)") }
    }
}
