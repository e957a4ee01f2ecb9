import Foundation

/// How JSON is laid out wherever this program writes it: sorted keys, so that equal values give equal bytes.
package enum JSONLayout: Sendable {
    /// Indented, for people to read.
    case document
    /// On one line, for files that hold a value per line.
    case line
}

/// `value` as JSON, with a newline at the end. Numbers that are not finite become "inf", "-inf" and "nan".
package func jsonBytes(_ value: some Encodable, _ layout: JSONLayout = .document) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = layout == .document ? [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes] : [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return Array(try encoder.encode(value)) + [UInt8(ascii: "\n")]
}

/// Writes a value as JSON, whole or not at all.
package func writeJSON(_ value: some Encodable, to path: String) throws {
    try writeAtomically(try jsonBytes(value), to: path)
}

/// The value in JSON that `jsonBytes` has written: the names of numbers that are not finite are understood.
///
/// - Throws: `DecodingError`.
package func decodedJSON<Value: Decodable>(_ type: Value.Type, from bytes: some Sequence<UInt8>) throws -> Value {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try decoder.decode(type, from: Data(bytes))
}
