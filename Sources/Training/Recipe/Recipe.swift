import Diagnostics
import Foundation

/// Everything that decides a run's numbers, and a few things that do not: a value for each key of `RecipeSchema`.
package struct Recipe: Sendable, Hashable, Codable {
    package internal(set) var values: [String: RecipeValue]

    /// The names `builtIn(_:)` knows.
    package static let builtInNames = ["cifar10", "paper", "synthetic"]

    /// A recipe that comes with the program: `cifar10` (the field's common settings), `paper` (those of the published
    /// SIP-AT code) or `synthetic` (the built-in data, in about a minute).
    package static func builtIn(_ name: String) throws -> Recipe {
        var recipe = Recipe(values: Dictionary(uniqueKeysWithValues: RecipeSchema.fields.map { ($0.path, $0.standard) }))
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
                "epochs": .integer(6), "data.name": .text("synthetic"), "data.batch": .integer(64),
                "augmentation.crop": .integer(2), "augmentation.flip": .flag(false), "model.name": .text("resnet18"),
                "model.width": .integer(8), "attack.steps": .integer(5), "schedule.name": .text("one-cycle"),
                "validation.limit": .integer(400), "validation.steps": .integer(5),
            ]
        default:
            let nearest = nearestName(to: name, among: builtInNames).map { "did you mean \($0)? " } ?? ""
            throw Failure.usage(
                "there is no built-in recipe \"\(name)\"",
                remedy: "\(nearest)Built-in recipes: \(builtInNames.joined(separator: ", "))")
        }
        recipe.values.merge(changes) { $1 }
        return recipe
    }

    /// What no single key can tell.
    ///
    /// - Throws: `Failure` naming the keys that contradict each other.
    package func validate(name: String) throws {
        func contradiction(_ message: String, _ remedy: String) -> Failure { .usage("\(name): \(message)", remedy: remedy) }
        for key in ["attack.epsilon", "attack.epsilonSalient"] where text("attack.norm") == "linf" && number(key) > 1 {
            throw contradiction(
                "\(key) is \(values[key]!), but images are in [0, 1]",
                "did you mean \(values[key]!)/255? The common radius is 8/255")
        }
        guard microBatch <= batch else {
            throw contradiction(
                "data.microBatch is \(microBatch), more than data.batch, \(batch)", "make the micro-batch \(batch) or smaller")
        }
        guard epsilonSalient <= epsilon else {
            throw contradiction(
                "attack.epsilonSalient is \(values["attack.epsilonSalient"]!), more than attack.epsilon, \(values["attack.epsilon"]!)",
                "salient pixels are those that may move less")
        }
        if dataName != "synthetic" && directory.isEmpty {
            throw contradiction(
                "data.directory is not given", "--set data.directory=DIR, the folder with the files of \(dataName)")
        }
        if mode == .sipAT, dataName != "synthetic", salienceMaps.isEmpty, salienceEstimator == "none" {
            throw contradiction(
                "mode sip-at needs to know which pixels are salient",
                "--set salience.maps=FILE.npy, or --set salience.estimator=spectral-residual")
        }
        if !salienceMaps.isEmpty, salienceEstimator != "none" {
            throw contradiction("salience.maps and salience.estimator are both given", "leave one of them out")
        }
    }

    /// Keys whose values differ, with both.
    package func differences(from other: Recipe) -> [(field: RecipeField, old: RecipeValue, new: RecipeValue)] {
        RecipeSchema.fields.compactMap { field in
            let (old, new) = (other.values[field.path] ?? field.standard, values[field.path] ?? field.standard)
            return old == new ? nil : (field, old, new)
        }
    }

    /// As YAML that parses to this recipe; `commented` explains each key.
    package func yaml(commented: Bool) -> String {
        var text = ""
        var group = ""
        for field in RecipeSchema.fields {
            let parts = field.path.split(separator: ".").map(String.init)
            if parts.count == 2, parts[0] != group {
                group = parts[0]
                text += commented ? "\n\(group):\n" : "\(group):\n"
            }
            let line = "\(parts.count == 2 ? "  " : "")\(parts.last!): \(values[field.path] ?? field.standard)"
            let choices = field.allowed.map { " [\($0)]" } ?? ""
            text += commented ? line.padded(to: 32) + "# \(field.about)\(choices)\n" : line + "\n"
        }
        return text
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        count < width ? self + String(repeating: " ", count: width - count) : self + "  "
    }
}
