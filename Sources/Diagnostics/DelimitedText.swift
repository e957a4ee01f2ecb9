/// A table as spreadsheets export it (RFC 4180): commas, semicolons or tabs, told by the first line; quotes; a byte order mark;
/// UTF-8, or Windows-1252 where it is not that.
package struct DelimitedText {
    private let bytes: [UInt8]
    private let isUTF8: Bool
    private let separator: UInt8
    private var position = 0
    /// The line that the next record begins on, from 1.
    package private(set) var line = 1
    private let name: String

    package init(_ bytes: [UInt8], name: String) {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        position = bytes.starts(with: mark) ? 3 : 0
        // Of a large file no copy is made where a look will do.
        isUTF8 = bytes.allSatisfy { $0 < 0x80 } || String(validating: bytes, as: UTF8.self) != nil
        let first = bytes.prefix { $0 != UInt8(ascii: "\n") }
        func count(_ byte: UInt8) -> Int { first.count { $0 == byte } }
        let candidates = [UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "\t")]
        separator = candidates.max { count($0) < count($1) }!
        self.bytes = bytes
        self.name = name
    }

    /// The next line that is not empty, cut into its fields; nil at the end.
    ///
    /// - Throws: `Failure.badData` for a quote that is never closed.
    package mutating func next() throws -> [String]? {
        while position < bytes.count, bytes[position] == 0x0A || bytes[position] == 0x0D {
            if bytes[position] == 0x0A { line += 1 }
            position += 1
        }
        guard position < bytes.count else { return nil }
        var fields: [String] = []
        while true {
            fields.append(try field())
            guard position < bytes.count, bytes[position] == separator else { return fields }
            position += 1
        }
    }

    private mutating func field() throws -> String {
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
            let start = position
            while position < bytes.count, bytes[position] != separator, bytes[position] != 0x0A, bytes[position] != 0x0D { position += 1 }
            return text(bytes[start..<position])
        }
        let first = line
        var content: [UInt8] = []
        position += 1
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            if byte == UInt8(ascii: "\"") {
                guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { return text(content[...]) }
                position += 1
            }
            if byte == 0x0A { line += 1 }
            content.append(byte)
        }
        throw Failure.badData("\(name):\(first): a quote that is never closed", remedy: "close it, or double a quote that belongs to the text")
    }

    private func text(_ bytes: ArraySlice<UInt8>) -> String {
        if isUTF8 { return String(decoding: bytes, as: UTF8.self) }
        // The 32 places where Windows-1252 differs from Latin-1 do not matter to names: they stay distinct.
        return String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
    }
}
