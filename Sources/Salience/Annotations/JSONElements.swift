import Diagnostics

/// Takes a large JSON file apart without decoding it whole: the elements of its outermost array, or of the arrays in its
/// outermost object, one by one. Memory: none but the element that is looked at.
enum JSONElements {
    /// - Parameter body: gets each element's bytes, and the key of the object's member it is of (empty where the outermost value is an
    ///   array). A member that is no array is one element.
    /// - Throws: `Failure.badData` with the byte where brackets do not match or the file ends early.
    static func forEach(of bytes: UnsafeRawBufferPointer, name: String, _ body: (_ key: String, _ element: Slice<UnsafeRawBufferPointer>) throws -> Void) throws {
        try refuseUTF16(bytes, name: name)
        var scanner = Scanner(bytes: bytes, name: name)
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { scanner.place = 3 }
        scanner.space()
        switch scanner.peek {
        case UInt8(ascii: "["): try scanner.elements { try body("", $0) }
        case UInt8(ascii: "{"):
            scanner.place += 1
            scanner.space()
            if scanner.take("}") { break }
            repeat {
                scanner.space()
                let keyRange = try scanner.value()
                let key: String
                do { key = try decodedJSON(String.self, from: bytes[keyRange]) } catch { throw scanner.failure("a key that is no string") }
                scanner.space()
                guard scanner.take(":") else { throw scanner.failure("expected a colon after \(key)") }
                scanner.space()
                if scanner.peek == UInt8(ascii: "[") {
                    try scanner.elements { try body(key, $0) }
                } else {
                    try body(key, bytes[try scanner.value()])
                }
                scanner.space()
            } while scanner.take(",")
            guard scanner.take("}") else { throw scanner.failure("expected , or }") }
        default: throw scanner.failure("expected { or [")
        }
        scanner.space()
        guard scanner.place == bytes.count else { throw scanner.failure("something follows the end") }
    }

    private struct Scanner {
        let bytes: UnsafeRawBufferPointer
        let name: String
        var place = 0

        var peek: UInt8? { place < bytes.count ? bytes[place] : nil }

        mutating func space() {
            while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { place += 1 }
        }

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard peek == UInt8(ascii: character) else { return false }
            place += 1
            return true
        }

        mutating func elements(_ body: (Slice<UnsafeRawBufferPointer>) throws -> Void) throws {
            place += 1
            space()
            if take("]") { return }
            repeat {
                space()
                try body(bytes[try value()])
                space()
            } while take(",")
            guard take("]") else { throw failure("expected , or ]") }
        }

        /// Passes over a value; only strings and brackets are looked at, the rest is the decoder's.
        mutating func value() throws -> Range<Int> {
            let start = place
            var depth = 0
            while let byte = peek {
                switch byte {
                case UInt8(ascii: "\""): try string()
                case UInt8(ascii: "{"), UInt8(ascii: "["):
                    depth += 1
                    place += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"):
                    if depth == 0 { return try end(start) }
                    depth -= 1
                    place += 1
                case UInt8(ascii: ","), UInt8(ascii: ":"):
                    if depth == 0 { return try end(start) }
                    place += 1
                default: place += 1
                }
                if depth == 0, byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") { return try end(start) }
            }
            guard depth == 0 else { throw failure("the file ends within a value: it was cut short") }
            return try end(start)
        }

        private func end(_ start: Int) throws -> Range<Int> {
            guard place > start else { throw failure("expected a value") }
            return start..<place
        }

        private mutating func string() throws {
            place += 1
            while let byte = peek {
                place += byte == UInt8(ascii: "\\") ? 2 : 1
                if byte == UInt8(ascii: "\"") { return }
            }
            throw failure("the file ends within a string: it was cut short")
        }

        func failure(_ what: String) -> Failure {
            .badData("\(name), byte \(min(place, bytes.count)): \(what)", remedy: "expected JSON: export the file again")
        }
    }
}

/// An identifier, which some tools write as a number and some as a string.
struct FlexibleID: Decodable, Hashable {
    let text: String

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Int.self) {
            text = "\(number)"
        } else if let number = try? container.decode(Double.self) {
            text = Int(exactly: number).map { "\($0)" } ?? "\(number)"
        } else {
            text = try container.decode(String.self)
        }
    }
}

/// Decodes an element of a file of annotations.
func decodedAnnotation<Value: Decodable>(_ type: Value.Type, from bytes: some Collection<UInt8>, place: String) throws -> Value {
    try requireUTF8(bytes, name: place)
    do {
        return try decodedJSON(type, from: bytes)
    } catch {
        throw Failure.badData("\(place): \(jsonProblem(error))", remedy: "export the file again, or name another --format")
    }
}
