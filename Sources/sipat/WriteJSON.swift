import Diagnostics
import Foundation

/// Writes a value as JSON, whole or not at all.
func writeJSON(_ value: some Encodable, to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try writeAtomically(Array(encoder.encode(value)) + [UInt8(ascii: "\n")], to: path)
}
