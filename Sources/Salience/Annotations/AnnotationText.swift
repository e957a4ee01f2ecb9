import Diagnostics

/// The text of a file of annotations, without a byte order mark.
///
/// - Throws: `Failure.badData` for what is not UTF-8: decoded all the same, labels would come out garbled, and different ones alike.
func annotationText(_ bytes: [UInt8], name: String) throws -> String {
    try requireUTF8(bytes, name: name)
    return String(decoding: bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes[3...] : bytes[...], as: UTF8.self)
}

/// - Throws: `Failure.badData` for bytes that are not UTF-8, saying so where they are UTF-16.
func requireUTF8(_ bytes: some Collection<UInt8>, name: String) throws {
    // Most files are ASCII: no copy is made where a look will do.
    guard !bytes.allSatisfy({ $0 < 0x80 }) else { return }
    try refuseUTF16(bytes, name: name)
    guard String(validating: bytes, as: UTF8.self) != nil else {
        throw Failure.badData("\(name): is not UTF-8 text", remedy: "save it as UTF-8")
    }
}

/// - Throws: `Failure.badData` for bytes with a byte order mark of UTF-16.
func refuseUTF16(_ bytes: some Collection<UInt8>, name: String) throws {
    guard bytes.starts(with: [0xFE, 0xFF]) || bytes.starts(with: [0xFF, 0xFE]) else { return }
    throw Failure.badData("\(name): is in UTF-16, expected UTF-8", remedy: "save it as UTF-8")
}
