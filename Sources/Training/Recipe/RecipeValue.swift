/// The value of one key of a recipe.
package enum RecipeValue: Sendable, Hashable, Codable, CustomStringConvertible {
    case text(String)
    case integer(Int)
    case number(Double)
    case flag(Bool)
    case integers([Int])

    /// As YAML. A multiple of 1/255 is written as one, for that is how the field writes radii.
    package var description: String {
        switch self {
        case .text(let text):
            let isPlain = !text.isEmpty && text.allSatisfy { $0.isLetter || $0.isNumber || "-_/.".contains($0) }
            return isPlain ? text : "\"\(text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
        case .integer(let value): return "\(value)"
        case .number(let value):
            let levels = (value * 255).rounded()
            if value > 0, value <= 1, levels / 255 == value, levels < 255 { return "\(Int(levels))/255" }
            if value == value.rounded(), abs(value) < 1e9 { return "\(Int(value))" }
            return "\(value)"
        case .flag(let value): return value ? "true" : "false"
        case .integers(let values): return "[\(values.map(String.init).joined(separator: ", "))]"
        }
    }
}
