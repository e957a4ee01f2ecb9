import Checkpoints
import Diagnostics
import Digests
import NeuralNet
import Recipes

/// The weights that a run begins from, as its recipe says: `model.weights`.
struct InitialWeights {
    private let source: WeightsSource

    /// Nil where a recipe names none.
    ///
    /// - Throws: `Failure` if there is nothing of that name, or it is another network's.
    init?(_ recipe: Recipe) throws {
        guard !recipe.model.weights.isEmpty else { return nil }
        source = try WeightsSource(expandingTilde(recipe.model.weights))
        guard let theirs = try source.recipe?.modelConfiguration() else { return }
        let own = try recipe.modelConfiguration()
        guard (theirs.name, theirs.width, theirs.stem) != (own.name, own.width, own.stem) || (theirs.depth, theirs.widen) != (own.depth, own.widen) else { return }
        let wide = theirs.name == "wide-resnet" ? ", model.depth=\(theirs.depth) and model.widen=\(theirs.widen)" : ""
        throw Failure.usage(
            "model.weights: \(source.path) holds another network than \(own.name) of width \(own.width) with the stem \(own.stem.rawValue)",
            remedy: "set model.name=\(theirs.name), model.width=\(theirs.width), model.stem=\(theirs.stem.rawValue)\(wide)")
    }

    /// Overwrites a model's weights and running statistics, all but a last layer for other classes.
    ///
    /// - Returns: what the user should know, a line each, and the SHA-256 of the file.
    /// - Throws: `Failure` if the file does not fit.
    func load(into model: ModelState) throws -> (notes: [String], hash: String) {
        let notes = try ModelWeights.load(source.path, into: model, renewsLastLayer: true, words: .recipe)
        let hash = try SHA256.hex(ofFile: source.path)
        return (["begins from \(source.account), SHA-256 \(hash.prefix(12))"] + notes, hash)
    }
}
