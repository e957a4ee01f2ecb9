import Diagnostics
import Foundation
import Yams

/// Reads recipes written in YAML.
package enum RecipeParser {
    /// The recipe in `text`: its keys over those of its `base` (a built-in recipe, `cifar10` if it names none).
    ///
    /// - Parameters:
    ///   - name: the file's name, for messages.
    ///   - overrides: `key=value` pairs that come last, as given to `--set`.
    /// - Throws: `Failure` naming file, line and key; for an unknown key also the nearest valid one.
    package static func parse(_ text: String, name: String, overrides: [String] = []) throws -> Recipe {
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch let error as YamlError {
            throw Failure.usage("\(name): not valid YAML: \(error)", remedy: "see --print-recipe for one that is")
        }
        var base = "cifar10"
        var given: [(RecipeField, RecipeValue)] = []
        if let root, root != Node("") {
            guard case .mapping(let mapping) = root else {
                throw Failure.usage("\(name):\(line(root)): expected keys and values", remedy: "see --print-recipe")
            }
            for (key, value) in mapping {
                let path = key.string ?? ""
                let place = "\(name):\(line(key))"
                if path == "base" {
                    base = value.string ?? ""
                } else if RecipeSchema.groups.contains(path) {
                    guard case .mapping(let group) = value else {
                        throw Failure.usage("\(place): \(path) holds further keys, found \"\(value.string ?? "a list")\"")
                    }
                    for (inner, value) in group {
                        let place = "\(name):\(line(inner))"
                        let field = try field("\(path).\(inner.string ?? "")", place: place)
                        given.append((field, try parse(value, for: field, place: place)))
                    }
                } else {
                    let field = try field(path, place: place)
                    given.append((field, try parse(value, for: field, place: place)))
                }
            }
        }
        var recipe = try Recipe.builtIn(base)
        for (field, value) in given { recipe.values[field.path] = value }
        return try apply(overrides, to: recipe, name: name)
    }

    /// `recipe` with `key=value` overrides, checked as a whole.
    package static func apply(_ overrides: [String], to recipe: Recipe, name: String) throws -> Recipe {
        var recipe = recipe
        for override in overrides {
            let place = "--set \(override)"
            guard let equals = override.firstIndex(of: "=") else {
                throw Failure.usage("\(place): expected key=value", remedy: "for example --set optimizer.lr=0.05")
            }
            let field = try field(String(override[..<equals]), place: place)
            recipe.values[field.path] = try field.parse(String(override[override.index(after: equals)...]), place: place)
        }
        try recipe.validate(name: name)
        return recipe
    }

    private static func field(_ path: String, place: String) throws -> RecipeField {
        if let field = RecipeSchema.byPath[path] { return field }
        let paths = RecipeSchema.fields.map(\.path)
        let last = path.split(separator: ".").last.map(String.init) ?? path
        let sameName = paths.first { $0.hasSuffix(".\(last)") }
        let nearest = sameName ?? nearestName(to: path, among: paths) ?? nearestName(to: path, among: RecipeSchema.groups)
        throw Failure.usage(
            "\(place): there is no key \(path)",
            remedy: nearest.map { "did you mean \($0)?" } ?? "--print-recipe lists every key")
    }

    private static func parse(_ node: Node, for field: RecipeField, place: String) throws -> RecipeValue {
        switch node {
        case .scalar(let scalar): return try field.parse(scalar.string, place: place)
        case .sequence(let items):
            return try field.parse("[\(items.map { $0.string ?? "?" }.joined(separator: ", "))]", place: place)
        case .mapping, .alias:
            throw Failure.usage("\(place): \(field.path) is one value, found more keys", remedy: field.about)
        }
    }

    private static func line(_ node: Node) -> Int { node.mark?.line ?? 0 }
}
