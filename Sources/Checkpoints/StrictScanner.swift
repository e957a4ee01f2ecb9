import Diagnostics

/// A strict scanner (RFC 8259) of the few JSON forms a safetensors header has: objects, strings, arrays of whole numbers.
///
/// The caller drives it by the schema, so that nothing is built for input that does not belong, and duplicate keys,
/// which general JSON readers accept silently, can be refused.
struct StrictScanner {
    /// What is being read, for messages.
    let source: String
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8], source: String) {
        self.bytes = bytes
        self.source = source
    }

    func failure(_ what: String) -> Failure {
        .badData("\(source), at byte \(position): \(what)", remedy: "the file is damaged or not safetensors: copy or write it again")
    }

    /// Calls `member` with each key; it must consume the value.
    mutating func object(_ member: (inout StrictScanner, String) throws -> Void) throws {
        try expect("{")
        if take("}") { return }
        repeat {
            let key = try string()
            try expect(":")
            try member(&self, key)
        } while take(",")
        try expect("}")
    }

    /// An array of at most `limit` whole numbers from 0 to 2⁶³−1.
    mutating func wholeNumbers(limit: Int) throws -> [Int] {
        var numbers: [Int] = []
        try expect("[")
        if take("]") { return [] }
        repeat {
            guard numbers.count < limit else { throw failure("more than \(limit) numbers in one list") }
            numbers.append(try wholeNumber())
        } while take(",")
        try expect("]")
        return numbers
    }

    private mutating func wholeNumber() throws -> Int {
        skipSpace()
        let start = position
        var value = 0
        while position < bytes.count, case let digit = bytes[position] &- UInt8(ascii: "0"), digit <= 9 {
            let (tens, overflow1) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflow2) = tens.addingReportingOverflow(Int(digit))
            guard !overflow1, !overflow2 else { throw failure("a number is too large") }
            value = sum
            position += 1
        }
        guard position > start else { throw failure("expected a whole number") }
        guard position == start + 1 || bytes[start] != UInt8(ascii: "0") else { throw failure("a number begins with 0") }
        return value
    }

    mutating func string() throws -> String {
        try expect("\"")
        var text: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else { throw failure("a string is not valid UTF-8") }
                return string
            case UInt8(ascii: "\\"): try appendEscape(to: &text)
            case ..<0x20: throw failure("a control character in a string")
            default: text.append(byte)
            }
        }
        throw failure("a string does not end")
    }

    private mutating func appendEscape(to text: inout [UInt8]) throws {
        guard position < bytes.count else { throw failure("a string does not end") }
        let escape = bytes[position]
        position += 1
        switch escape {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(escape)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var code = try hexadecimal()
            if 0xD800..<0xDC00 ~= code {
                guard position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "u")
                else { throw failure("half of a surrogate pair") }
                position += 2
                let low = try hexadecimal()
                guard 0xDC00..<0xE000 ~= low else { throw failure("half of a surrogate pair") }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw failure("half of a surrogate pair") }
            text.append(contentsOf: String(Character(scalar)).utf8)
        default: throw failure("an unknown escape in a string")
        }
    }

    private mutating func hexadecimal() throws -> UInt32 {
        guard position + 4 <= bytes.count else { throw failure("a string does not end") }
        var code: UInt32 = 0
        for byte in bytes[position..<position + 4] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { throw failure("expected four hexadecimal digits") }
            code = code << 4 | UInt32(digit)
        }
        position += 4
        return code
    }

    /// Only white space may follow.
    mutating func end() throws {
        skipSpace()
        guard position == bytes.count else { throw failure("something follows the header's last }") }
    }

    private mutating func expect(_ character: Unicode.Scalar) throws {
        guard take(character) else {
            let found = position < bytes.count ? "found byte \(bytes[position])" : "the header ends"
            throw failure("expected \(character), \(found)")
        }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while position < bytes.count, case let byte = bytes[position], byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
            position += 1
        }
    }
}
