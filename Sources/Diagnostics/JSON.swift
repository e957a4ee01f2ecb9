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

/// Why `decodedJSON` threw, in words for a message: the key, and what is the matter with it.
package func decodingComplaint(_ error: any Error) -> String {
    func place(_ path: [any CodingKey]) -> String {
        path.isEmpty ? "" : path.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".") + ": "
    }
    guard let error = error as? DecodingError else { return "\(error)" }
    switch error {
    case .keyNotFound(let key, let context): return "\(place(context.codingPath))\(key.stringValue) is missing"
    case .valueNotFound(_, let context): return "\(place(context.codingPath))there is no value"
    case .typeMismatch(_, let context): return "\(place(context.codingPath))the value is of another kind"
    case .dataCorrupted(let context): return context.codingPath.isEmpty ? "it is not JSON, or cut short" : "\(place(context.codingPath))\(context.debugDescription)"
    @unknown default: return "it is not what this program writes"
    }
}
