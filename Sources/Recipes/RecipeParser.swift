import Diagnostics
import Yams

/// Reads recipes written in YAML.
///
/// A file holds groups of keys (`attack:` with `epsilon: 8/255` below it) or keys with their groups
/// (`attack.epsilon: 8/255`), and may name the built-in recipe it starts from: `base: synthetic`.
package enum RecipeParser {
    /// The recipe in `text`: its keys over those of its `base` (`cifar10` if it names none).
    ///
    /// - Parameters:
    ///   - name: the file's name, for messages.
    ///   - overrides: `key=value` pairs that come last, as given to `--set`.
    /// - Throws: `Failure.usage` naming file, line and key, what was found and what was expected; for an unknown key also
    ///   the nearest valid one.
    package static func parse(_ text: String, name: String, overrides: [String] = []) throws -> Recipe {
        try requireFewAliases(in: text, name: name)
        let root: Node?
        // Some editors begin a file with a byte-order mark, which is not part of the text.
        let text = text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
        do {
            root = try Yams.compose(yaml: text)
        } catch let error as YamlError {
            throw failure(error, name: name)
        }
        var builder = try Builder(name: name, base: Recipe.builtIn("cifar10"))
        if let root, !isEmpty(root) {
            guard case .mapping(let mapping) = root else {
                throw Failure.usage(
                    "\(name):\(line(root)): expected keys and values, found \(kind(root))",
                    remedy: "sipat train --print-recipe cifar10 shows what a recipe looks like")
            }
            let entries = try merged(mapping, name: name)
            if let base = entries.first(where: { $0.key.string == "base" }) {
                let place = "\(name):\(line(base.key))"
                do {
                    builder.recipe = try Recipe.builtIn(base.value.scalar?.string ?? kind(base.value))
                } catch let failure as Failure {
                    throw Failure.usage("\(place): base: \(failure.message)", remedy: failure.remedy)
                }
            }
            // A key that begins with x- holds nothing but what is referred to elsewhere.
            for (key, value) in entries where key.string != "base" && key.string?.hasPrefix("x-") != true {
                try read(key, value, into: &builder, name: name)
            }
        }
        return try builder.finish(overrides)
    }

    /// The recipe in a file, or in what comes out of a pipe or /dev/stdin.
    ///
    /// - Throws: `Failure` as `parse` does, and when the file cannot be read or is not text.
    package static func read(_ path: String, overrides: [String] = []) throws -> Recipe {
        let bytes = try ReadableFile.stream(path, limit: 1 << 22)
        guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
            if let wide = wideEncoding(of: bytes) {
                throw Failure.usage("\(path): is text in \(wide), expected UTF-8", remedy: "save it as UTF-8 (iconv -f \(wide) -t UTF-8)")
            }
            if let zero = bytes.firstIndex(of: 0) {
                throw Failure.usage("\(path): is no text: byte \(zero) is 0", remedy: "check that this is a recipe in YAML")
            }
            throw Failure.usage("\(path): is not text in UTF-8", remedy: "save it as UTF-8 (iconv -f LATIN1 -t UTF-8)")
        }
        return try parse(text, name: path, overrides: overrides)
    }

    /// The encoding of text in units of two or four bytes, by its byte-order mark or by the zeros of a first character in ASCII; nil
    /// if it is none.
    private static func wideEncoding(of bytes: [UInt8]) -> String? {
        if bytes.starts(with: [0xFF, 0xFE, 0, 0]) || bytes.starts(with: [0, 0, 0xFE, 0xFF]) { return "UTF-32" }
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) { return "UTF-16" }
        switch bytes.prefix(4).map({ $0 == 0 }) {
        case [false, true, true, true]: return "UTF-32LE"
        case [true, true, true, false]: return "UTF-32BE"
        case let zeros where zeros.starts(with: [false, true]): return "UTF-16LE"
        case let zeros where zeros.starts(with: [true, false]): return "UTF-16BE"
        default: return nil
        }
    }

    /// `recipe` with `key=value` overrides, checked as a whole.
    package static func apply(_ overrides: [String], to recipe: Recipe, name: String) throws -> Recipe {
        var builder = Builder(name: name, base: recipe)
        return try builder.finish(overrides)
    }

    private static func read(_ key: Node, _ value: Node, into builder: inout Builder, name: String) throws {
        let place = "\(name):\(line(key))"
        guard let path = key.scalar?.string else {
            throw Failure.usage("\(place): \(kind(key)) cannot be a key", remedy: "keys are names, such as epochs")
        }
        guard RecipeSchema.groups.contains(path) else {
            return try builder.set(path, place: place, holdsKeys: value.mapping != nil) { try parse(value, for: $0, place: place) }
        }
        if isEmpty(value) { return }
        guard case .mapping(let group) = value else {
            throw Failure.usage(
                "\(place): \(path) is \(kind(value)), expected further keys",
                remedy: "its keys are \(RecipeSchema.fields.filter { $0.group == path }.map(\.name).joined(separator: ", "))")
        }
        for (inner, value) in try merged(group, name: name) {
            let place = "\(name):\(line(inner))"
            guard let last = inner.scalar?.string else {
                throw Failure.usage("\(place): \(kind(inner)) cannot be a key", remedy: "keys are names, such as epsilon")
            }
            try builder.set("\(path).\(last)", place: place, holdsKeys: value.mapping != nil) {
                try parse(value, for: $0, place: place)
            }
        }
    }

    /// The entries of a mapping, those of merge keys (`<<: *other`) included where it has none of its own.
    private static func merged(_ mapping: Node.Mapping, name: String) throws -> [(key: Node, value: Node)] {
        var entries: [(key: Node, value: Node)] = mapping.filter { $0.key.string != "<<" }
        for (key, value) in mapping where key.string == "<<" {
            var sources: [Node.Mapping] = []
            switch value {
            case .mapping(let other): sources = [other]
            case .sequence(let others):
                if let other = others.first(where: { $0.mapping == nil }) {
                    throw Failure.usage("\(name):\(line(other)): << holds \(kind(other)), expected aliases of groups of keys", remedy: "for example <<: [*common, *other]")
                }
                sources = others.compactMap(\.mapping)
            case .scalar, .alias: break
            }
            guard !sources.isEmpty else {
                throw Failure.usage("\(name):\(line(key)): << is \(kind(value)), expected an alias of a group of keys", remedy: "for example <<: *common, with x-common: &common above")
            }
            for source in sources {
                for entry in try merged(source, name: name) where !entries.contains(where: { $0.key.string == entry.key.string }) {
                    entries.append(entry)
                }
            }
        }
        return entries
    }

    private static func parse(_ node: Node, for field: RecipeField, place: String) throws -> RecipeValue {
        switch node {
        case .scalar(let scalar): return try field.parse(scalar.string, place: place)
        case .sequence(let items):
            guard field.isList, items.allSatisfy({ $0.scalar != nil }) else { break }
            return try field.parse("[\(items.map { $0.scalar!.string }.joined(separator: ", "))]", place: place)
        case .mapping, .alias: break
        }
        throw field.mistake(place: place, found: kind(node))
    }

    private static func failure(_ error: YamlError, name: String) -> Failure {
        let remedy = "sipat train --print-recipe cifar10 shows what a recipe looks like"
        switch error {
        case .duplicatedKeysInMapping(let keys, let context):
            return .usage(
                "\(name):\(context.mark.line): \(keys.joined(separator: ", ")) is given more than once",
                remedy: "keep one of them")
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
            return .usage("\(name):\(mark.line): not YAML: \(problem)", remedy: remedy)
        case .reader(let problem, let offset, _, let text):
            let line = offset.map { text.prefix($0).count(where: \.isNewline) + 1 }
            return .usage("\(name)\(line.map { ":\($0)" } ?? ""): not YAML: \(problem)", remedy: remedy)
        default: return .usage("\(name): not YAML: \(error)", remedy: remedy)
        }
    }

    private static func line(_ node: Node) -> Int { node.mark?.line ?? 1 }

    private static func isEmpty(_ node: Node) -> Bool {
        guard let scalar = node.scalar, scalar.style != .doubleQuoted, scalar.style != .singleQuoted else { return false }
        // YAML 1.1 writes what is absent in these ways.
        return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }

    private static func kind(_ node: Node) -> String {
        switch node {
        case .scalar(let scalar): "\"\(scalar.string)\""
        case .sequence: "a list"
        case .mapping: "a group of keys"
        case .alias: "an alias"
        }
    }
}

/// A recipe in the making, and where each of its values was given.
private struct Builder {
    let name: String
    var recipe: Recipe
    private var places: [String: (order: Int, text: String)] = [:]
    private var given = 0

    init(name: String, base: Recipe) {
        self.name = name
        recipe = base
    }

    /// Sets the key `path` to what `parse` makes of it.
    mutating func set(
        _ path: String, place: String, isOverride: Bool = false, holdsKeys: Bool = false, parse: (RecipeField) throws -> RecipeValue
    ) throws {
        guard let field = RecipeSchema.byPath[path] else { throw unknown(path, place: place, isGroup: holdsKeys) }
        if !isOverride, let earlier = places[path] {
            throw Failure.usage("\(place): \(path) is given more than once, first at \(earlier.text)", remedy: "keep one of them")
        }
        recipe[field] = try parse(field)
        places[path] = (given, place)
        given += 1
    }

    mutating func finish(_ overrides: [String]) throws -> Recipe {
        for override in overrides {
            let place = "--set \(override)"
            guard let equals = override.firstIndex(of: "=") else {
                throw Failure.usage("\(place): expected key=value", remedy: "for example --set optimizer.lr=0.05")
            }
            let (key, value) = (override[..<equals].trimmingPrefix { $0 == " " }, override[override.index(after: equals)...])
            guard !key.isEmpty else {
                throw Failure.usage("\(place): no key before the =", remedy: "for example --set optimizer.lr=0.05")
            }
            try set(String(key), place: place, isOverride: true) { try $0.parse(String(value), place: place) }
        }
        // Of keys that contradict each other, the one given last is the likely culprit.
        try recipe.checkConsistency { keys in keys.compactMap { places[$0] }.max { $0.order < $1.order }?.text ?? name }
        return recipe
    }

    private func unknown(_ path: String, place: String, isGroup: Bool) -> Failure {
        if !isGroup, RecipeSchema.groups.contains(path) {
            let keys = RecipeSchema.fields.filter { $0.group == path }.map(\.path)
            return .usage("\(place): \(path) is a group of keys, not a key", remedy: "its keys are \(keys.joined(separator: ", "))")
        }
        if path == "base" {
            return .usage("\(place): base is no key: it says what a file begins with", remedy: "write it into the file, or give --recipe instead of one")
        }
        // What holds no letter is not misspelt.
        let nearest = path.contains(where: \.isLetter) ? RecipeSchema.nearest(to: path, isGroup: isGroup) : nil
        return .usage(
            "\(place): there is no \(isGroup ? "group" : "key") \(path)",
            remedy: nearest.map { "did you mean \($0)?" } ?? "sipat train --print-recipe cifar10 lists every key")
    }
}
