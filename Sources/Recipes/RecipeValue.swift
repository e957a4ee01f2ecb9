/// The value of one key of a recipe.
package enum RecipeValue: Sendable, Hashable, CustomStringConvertible {
    case text(String)
    case integer(Int)
    case number(Double)
    case flag(Bool)
    case integers([Int])
    case numbers([Double])

    /// As YAML that reads back as exactly this value. A multiple of 1/255 is written as one where that is shorter,
    /// for that is how the field writes radii.
    package var description: String {
        switch self {
        case .text(let text): return Self.isPlain(text) ? text : Self.quoted(text)
        case .integer(let value): return "\(value)"
        case .number(let value):
            if value == value.rounded(), abs(value) < 1e9 { return "\(Int(value))" }
            guard value > 0, value < 1 else { return "\(value)" }
            let levels = (value * 255).rounded()
            let fraction = "\(Int(levels))/255"
            return levels / 255 == value && fraction.count < "\(value)".count ? fraction : "\(value)"
        case .flag(let value): return value ? "true" : "false"
        case .integers(let values): return "[\(values.map(String.init).joined(separator: ", "))]"
        case .numbers(let values): return "[\(values.map { "\(RecipeValue.number($0))" }.joined(separator: ", "))]"
        }
    }

    /// Whether a text needs no quotes: a name or a path of ordinary characters.
    private static func isPlain(_ text: String) -> Bool {
        guard let first = text.first, first.isLetter || first.isNumber || "/_".contains(first) || text.hasPrefix("./") || text.hasPrefix("../")
        else { return false }
        return text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_/.".contains($0)) }
    }

    /// A text in double quotes (YAML 1.1, section 5.7): everything but printable characters is escaped.
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            default:
                let isPrintable =
                    scalar.properties.isAlphabetic || scalar.properties.numericType != nil
                    || (0x20...0x7E).contains(scalar.value)
                let hexadecimal = String(scalar.value, radix: 16)
                result +=
                    isPrintable
                    ? String(scalar) : "\\U" + String(repeating: "0", count: 8 - hexadecimal.count) + hexadecimal
            }
        }
        return result + "\""
    }
}
