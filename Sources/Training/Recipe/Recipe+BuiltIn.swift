import Diagnostics

extension Recipe {
    /// The names `builtIn(_:)` knows.
    package static let builtInNames = ["cifar10", "paper", "synthetic"]

    /// A recipe that comes with the program.
    ///
    /// - `cifar10`: the field's common settings (ResNet-18, PGD-10, 200 epochs), after Rice, Wong and Kolter, ICML 2020.
    /// - `paper`: the settings of the code published with SIP-AT (Redgrave and Czajka, arXiv 2501.09086).
    /// - `synthetic`: the built-in data, in about a minute.
    /// - Throws: `Failure.usage` for another name.
    package static func builtIn(_ name: String) throws -> Recipe {
        let changes: [String: RecipeValue]
        switch name {
        case "cifar10": changes = [:]
        case "paper":
            changes = [
                "epochs": .integer(50), "data.batch": .integer(32), "augmentation.crop": .integer(0),
                "augmentation.flip": .flag(false), "attack.stepSize": .number(1.0 / 255), "attack.steps": .integer(32),
                "optimizer.weightDecay": .number(1e-6), "schedule.name": .text("step"), "schedule.gamma": .number(0.75),
                "validation.metric": .text("clean"),
            ]
        case "synthetic":
            changes = [
                "epochs": .integer(12), "data.name": .text("synthetic"), "data.batch": .integer(64),
                "synthetic.train": .integer(3000), "augmentation.crop": .integer(0),
                "augmentation.flip": .flag(false), "model.name": .text("cnn"), "model.width": .integer(16),
                "attack.steps": .integer(4), "schedule.name": .text("one-cycle"), "validation.limit": .integer(200),
                "validation.steps": .integer(5), "validation.metric": .text("clean"),
            ]
        default:
            let nearest = nearestName(to: name, among: builtInNames).map { "did you mean \($0)? " } ?? ""
            throw Failure.usage(
                "there is no built-in recipe \"\(name)\"",
                remedy: "\(nearest)Built-in recipes: \(builtInNames.joined(separator: ", "))")
        }
        var recipe = Recipe(values: Dictionary(uniqueKeysWithValues: RecipeSchema.fields.map { ($0.path, $0.standard) }))
        recipe.values.merge(changes) { $1 }
        return recipe
    }
}
