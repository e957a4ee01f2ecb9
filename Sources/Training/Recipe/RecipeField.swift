import Diagnostics
import Foundation

/// One key of a recipe: what it may hold, what it means, and what a resumed run may change.
package struct RecipeField: Sendable {
    package enum Kind: Sendable {
        case integer(ClosedRange<Int>)
        case number(ClosedRange<Double>)
        case flag
        case text
        case choice([String])
        case integers
    }

    package let path: String
    package let kind: Kind
    package let standard: RecipeValue
    package let about: String
    /// Whether a run may be resumed with another value: nothing that changes the numbers may.
    package let mayChange: Bool

    /// Reads the text (or list) that a file or `--set` gives for this key.
    ///
    /// - Throws: `Failure` that begins with `place` and says what was found and what was expected.
    package func parse(_ text: String, place: String) throws -> RecipeValue {
        let trimmed = text.trimmingCharacters(in: .whitespaces)
        switch kind {
        case .integer(let range):
            guard let value = Int(trimmed) else { throw mistake(place, text, "a whole number") }
            guard range.contains(value) else { throw mistake(place, text, Self.describe(range)) }
            return .integer(value)
        case .number(let range):
            guard let value = Self.number(trimmed), value.isFinite else {
                throw mistake(place, text, "a number, such as 0.1, 1e-4 or 8/255")
            }
            guard range.contains(value) else {
                throw mistake(place, text, "a number from \(range.lowerBound) to \(range.upperBound)")
            }
            return .number(value)
        case .flag:
            switch trimmed.lowercased() {
            case "true", "yes", "on": return .flag(true)
            case "false", "no", "off": return .flag(false)
            default: throw mistake(place, text, "true or false")
            }
        case .text: return .text(text)
        case .choice(let names):
            guard names.contains(trimmed) else {
                let nearest = nearestName(to: trimmed, among: names).map { " (did you mean \($0)?)" } ?? ""
                throw mistake(place, text, "one of \(names.joined(separator: ", "))\(nearest)")
            }
            return .text(trimmed)
        case .integers:
            let inner = trimmed.trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
            let parts = inner.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
            let values = parts.compactMap { Int($0) }
            guard values.count == parts.count, values.allSatisfy({ $0 > 0 }), values == values.sorted() else {
                throw mistake(place, text, "an ascending list of positive whole numbers, such as [100, 150]")
            }
            return .integers(values)
        }
    }

    /// What the key may hold, for the comment beside it.
    package var allowed: String? {
        switch kind {
        case .choice(let names): names.joined(separator: " | ")
        case .number(let range) where range.upperBound < 1e6: "\(RecipeValue.number(range.lowerBound)) to \(RecipeValue.number(range.upperBound))"
        default: nil
        }
    }

    private func mistake(_ place: String, _ found: String, _ expected: String) -> Failure {
        .usage("\(place): \(path) is \"\(found)\", expected \(expected)", remedy: "\(path): \(about)")
    }

    private static func describe(_ range: ClosedRange<Int>) -> String {
        range.upperBound > 1_000_000_000
            ? "a whole number of at least \(range.lowerBound)"
            : "a whole number from \(range.lowerBound) to \(range.upperBound)"
    }

    /// A number, or a fraction of two.
    package static func number(_ text: String) -> Double? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        if parts.count == 2, let numerator = Double(parts[0].trimmingCharacters(in: .whitespaces)),
            let denominator = Double(parts[1].trimmingCharacters(in: .whitespaces)), denominator != 0
        {
            return numerator / denominator
        }
        return Double(text)
    }
}
