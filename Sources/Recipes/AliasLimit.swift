import Diagnostics

/// The most aliases (`*name`) of a recipe. One alias may stand for a list of others, so that a few hundred bytes can mean
/// more values than there is time to compare; with this many they cannot.
private let mostAliases = 16

/// Refuses YAML with more aliases than any recipe needs, before it is parsed.
///
/// - Throws: `Failure.usage` with the line of the first that is one too many.
package func requireFewAliases(in text: String, name: String) throws {
    var count = 0
    for (number, line) in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
        var previous = UInt8(ascii: " ")
        for byte in line {
            let isSpace = previous == UInt8(ascii: " ") || previous == UInt8(ascii: "\t")
            if byte == UInt8(ascii: "#"), isSpace { break }
            if byte == UInt8(ascii: "*"), isSpace || "[]{},:?-".utf8.contains(previous) { count += 1 }
            guard count <= mostAliases else {
                throw Failure.usage(
                    "\(name):\(number + 1): more than \(mostAliases) aliases (*name)", remedy: "write the values themselves")
            }
            previous = byte
        }
    }
}
