import Diagnostics
import Foundation

/// One key of a recipe: what it may hold, what it means, and whether a resumed run may change it.
package struct RecipeField: Sendable {
    package enum Kind: Sendable {
        case integer(ClosedRange<Int>)
        case number(ClosedRange<Double>)
        case flag
        case text
        case choice([String])
        /// One of these names, or another that the function accepts.
        case name([String], @Sendable (String) -> Bool)
        /// Strictly ascending and positive.
        case integers
        /// A number for each channel of an image, in this range, or the name of known ones.
        case channels(ClosedRange<Double>)
    }

    /// Group and name, such as `attack.epsilon`, or the name alone for a key outside the groups.
    package let path: String
    package let kind: Kind
    /// The value in the recipe `cifar10`, from which all others are made.
    package let standard: RecipeValue
    /// One line, with the unit.
    package let about: String
    /// Whether a run may be resumed with another value: nothing that changes the weights of steps taken may.
    package let mayChange: Bool
    /// For a key that may change in some recipes only: why it may not in this one, or nil.
    let objection: (@Sendable (Recipe) -> String?)?
    let get: @Sendable (Recipe) -> RecipeValue
    let set: @Sendable (inout Recipe, RecipeValue) -> Void

    /// The part of the path before the dot, or nil.
    package var group: String? { path.firstIndex(of: ".").map { String(path[..<$0]) } }
    /// The part of the path after the dot.
    package var name: String { String(path[(path.firstIndex(of: ".").map(path.index(after:)) ?? path.startIndex)...]) }

    /// Reads what a file or `--set` gives for this key.
    ///
    /// - Parameters:
    ///   - text: a scalar, or a list as `[1, 2]`.
    ///   - place: where it was given, for the message: `recipe.yaml:12`, `--set optimizer.lr=fast`.
    /// - Throws: `Failure.usage` with the place, the key, what was found and what was expected.
    package func parse(_ text: String, place: String) throws -> RecipeValue {
        guard let value = read(text), allows(value) else { throw mistake(place: place, found: "\"\(text)\"", suggestion: suggestion(for: text)) }
        return value
    }

    /// Whether `value` has this key's type and lies in its range.
    package func allows(_ value: RecipeValue) -> Bool {
        switch (kind, value) {
        case (.integer(let range), .integer(let value)): range.contains(value)
        case (.number(let range), .number(let value)): range.contains(value)
        case (.flag, .flag), (.text, .text): true
        case (.choice(let names), .text(let name)): names.contains(name)
        case (.name(_, let isKnown), .text(let name)): isKnown(name)
        case (.channels, .text(let name)): ChannelConstants.names.contains(name)
        case (.channels(let range), .numbers(let values)): (values.count == 1 || values.count == 3) && values.allSatisfy { range.contains($0) }
        case (.integers, .integers(let values)):
            values.allSatisfy { $0 > 0 } && zip(values, values.dropFirst()).allSatisfy { $0 < $1 }
        default: false
        }
    }

    /// What the key may hold, in words.
    package var expectation: String {
        switch kind {
        case .integer(let range): "a whole number \(Self.words(.integer(range.lowerBound), range.upperBound < 1 << 40 ? .integer(range.upperBound) : nil))"
        case .number(let range): "a number \(Self.words(.number(range.lowerBound), .number(range.upperBound))), such as 0.1, 1e-4 or 8/255"
        case .flag: "true or false"
        case .text: "a text"
        case .choice(let names), .name(let names, _): "one of \(names.joined(separator: ", "))"
        case .integers: "an ascending list of positive whole numbers, such as [100, 150]"
        case .channels(let range):
            "\(ChannelConstants.names.joined(separator: ", ")), or a number for each channel \(Self.words(.number(range.lowerBound), .number(range.upperBound))), such as [0.485, 0.456, 0.406]"
        }
    }

    /// What the key may hold, for the comment beside it; nil where the type says it all.
    package var allowed: String? {
        switch kind {
        case .choice(let names), .name(let names, _): names.joined(separator: " | ")
        case .channels: (ChannelConstants.names + ["a number per channel"]).joined(separator: " | ")
        case .number(let range) where range.upperBound <= 1:
            "\(RecipeValue.number(range.lowerBound)) to \(RecipeValue.number(range.upperBound))"
        default: nil
        }
    }

    /// Whether it may hold a list.
    var isList: Bool {
        switch kind {
        case .integers, .channels: true
        default: false
        }
    }

    /// The failure for a value this key cannot have.
    func mistake(place: String, found: String, suggestion: String? = nil) -> Failure {
        .usage(
            "\(place): \(path) is \(found), expected \(expectation)",
            remedy: (suggestion.map { "did you mean \($0)? " } ?? "") + "\(path): \(about)")
    }

    private func read(_ text: String) -> RecipeValue? {
        let trimmed = text.trimmingCharacters(in: .whitespaces)
        switch kind {
        case .integer: return Int(trimmed).map(RecipeValue.integer)
        case .number: return Self.number(trimmed).map(RecipeValue.number)
        case .flag:
            switch trimmed.lowercased() {
            case "true", "yes", "on": return .flag(true)
            case "false", "no", "off": return .flag(false)
            default: return nil
            }
        case .text: return .text(text)
        case .choice, .name: return .text(trimmed)
        case .integers:
            guard trimmed.hasPrefix("["), trimmed.hasSuffix("]"), trimmed.count >= 2 else { return nil }
            let inner = trimmed.dropFirst().dropLast()
            if inner.allSatisfy(\.isWhitespace) { return .integers([]) }
            let items = inner.split(separator: ",", omittingEmptySubsequences: false).map {
                Int($0.trimmingCharacters(in: .whitespaces))
            }
            return items.contains(nil) ? nil : .integers(items.compactMap { $0 })
        case .channels:
            if ChannelConstants.names.contains(trimmed) { return .text(trimmed) }
            let items = Self.items(trimmed).map(Self.number)
            return items.contains(nil) ? nil : .numbers(items.compactMap { $0 })
        }
    }

    private func suggestion(for text: String) -> String? {
        switch kind {
        case .choice(let names), .name(let names, _): return nearestName(to: text.trimmingCharacters(in: .whitespaces), among: names)
        case .channels:
            let items = Self.items(text.trimmingCharacters(in: .whitespaces))
            let numbers = items.compactMap { Double($0) }
            guard numbers.count == items.count else { return nearestName(to: text, among: ChannelConstants.names) }
            // Constants for pixels from 0 to 255.
            return numbers.contains { $0 > 1 && $0 <= 255 } ? "[\(items.map { "\($0)/255" }.joined(separator: ", "))], images being in [0, 1]" : nil
        default: return nil
        }
    }

    /// What a list holds, its brackets being optional.
    private static func items(_ text: String) -> [String] {
        let inner = text.hasPrefix("[") && text.hasSuffix("]") && text.count >= 2 ? String(text.dropFirst().dropLast()) : text
        return inner.split(separator: ",", omittingEmptySubsequences: false).map { $0.trimmingCharacters(in: .whitespaces) }
    }

    private static func words(_ low: RecipeValue, _ high: RecipeValue?) -> String {
        high.map { "from \(low) to \($0)" } ?? "of at least \(low)"
    }

    /// A finite number, or a fraction of two; nil for anything else.
    package static func number(_ text: String) -> Double? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { $0.trimmingCharacters(in: .whitespaces) }
        let value: Double?
        if parts.count == 2, let numerator = Double(parts[0]), let denominator = Double(parts[1]) {
            value = numerator / denominator
        } else {
            value = Double(text)
        }
        return value.flatMap { $0.isFinite ? $0 : nil }
    }
}
