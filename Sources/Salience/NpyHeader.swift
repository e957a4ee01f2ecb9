import Diagnostics

/// The element types of npy files that are read and written here.
package enum NpyType: Sendable, Hashable {
    case uint8
    case float32

    /// Bytes of one element.
    package var size: Int { self == .uint8 ? 1 : 4 }

    /// How numpy writes it.
    var descriptor: String { self == .uint8 ? "|u1" : "<f4" }
}

/// The header of an npy file (numpy's format, versions 1.0 to 3.0): the dictionary that numpy writes, and nothing else.
struct NpyHeader: Hashable {
    var type: NpyType
    var shape: [Int]
    /// Where the elements begin.
    var dataStart: Int

    /// The magic string, without the version.
    static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
    /// numpy's own limit is 10,000 bytes.
    static let maximumBytes = 1 << 16

    /// Reads and checks the header; the file must have exactly the bytes that the shape needs.
    init(_ file: ReadableFile) throws {
        let path = file.path
        let again = "write it with numpy.save"
        guard file.size >= 10 else {
            throw Failure.badData("\(path): has \(file.size) bytes, which is too short for an npy file", remedy: again)
        }
        let start = try file.bytes(at: 0, count: 10)
        guard Array(start[..<6]) == Self.magic else { throw Failure.badData("\(path): is not an npy file (wrong magic bytes)", remedy: again) }
        let textStart: Int
        let textBytes: Int
        switch start[6] {
        case 1:
            textStart = 10
            textBytes = Int(start[8]) | Int(start[9]) << 8
        case 2, 3:
            guard file.size >= 12 else { throw Failure.badData("\(path): ends in its npy header", remedy: again) }
            textStart = 12
            textBytes = try file.bytes(at: 8, count: 4).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
        default:
            throw Failure.badData("\(path): has npy version \(start[6]).\(start[7]), expected 1.0, 2.0 or 3.0", remedy: again)
        }
        guard textBytes <= Self.maximumBytes, textStart + textBytes <= file.size else {
            throw Failure.badData("\(path): claims an npy header of \(textBytes) bytes in a file of \(file.size)", remedy: again)
        }
        var scanner = NpyHeaderScanner(try file.bytes(at: textStart, count: textBytes), path: path)
        let fields = try scanner.fields()
        type = try Self.type(fields.descriptor, path: path)
        guard !fields.isFortranOrder else {
            throw Failure.badData(
                "\(path): is in Fortran order, expected C order", remedy: "save numpy.ascontiguousarray(array)")
        }
        shape = fields.shape
        dataStart = textStart + textBytes
        var bytes = type.size
        for side in shape {
            let (product, overflow) = bytes.multipliedReportingOverflow(by: side)
            guard !overflow else { throw Failure.badData("\(path): shape \(shape) is too large to address", remedy: again) }
            bytes = product
        }
        guard bytes == file.size - dataStart else {
            throw Failure.badData(
                "\(path): shape \(shape) needs \(bytes) bytes after the header, the file has \(file.size - dataStart)",
                remedy: "the file was cut short or has something appended: copy or write it again")
        }
    }

    private static func type(_ descriptor: String, path: String) throws -> NpyType {
        switch descriptor {
        case "|u1", "u1", "<u1", ">u1": return .uint8
        case "<f4", "f4": return .float32
        default: break
        }
        let remedy =
            switch descriptor.drop(while: { "<>|=".contains($0) }).first {
            case "O": "objects cannot be read: save an array of numbers"
            case "b": "save (array * 255).astype('uint8')"
            case "f": "save array.astype('<f4')"
            default: "save it as uint8 (0 to 255) or float32 (0 to 1)"
            }
        throw Failure.badData("\(path): has elements of type '\(descriptor)', expected '|u1' (uint8) or '<f4' (float32)", remedy: remedy)
    }

    /// The bytes of a version 1.0 header, padded as numpy does so that the elements begin at a multiple of 64.
    static func encoded(_ type: NpyType, shape: [Int]) -> [UInt8] {
        let sides = shape.map { "\($0)" }.joined(separator: ", ") + (shape.count == 1 ? "," : "")
        var text = Array("{'descr': '\(type.descriptor)', 'fortran_order': False, 'shape': (\(sides)), }".utf8)
        text += [UInt8](repeating: UInt8(ascii: " "), count: 63 - (10 + text.count) % 64) + [UInt8(ascii: "\n")]
        precondition(text.count < 1 << 16, "a shape of \(shape.count) sides does not fit an npy header")
        return magic + [1, 0, UInt8(text.count & 255), UInt8(text.count >> 8)] + text
    }
}

/// Scans the one form of Python literal an npy header has: a dictionary of a string, a truth value and a tuple.
private struct NpyHeaderScanner {
    private let bytes: [UInt8]
    private let path: String
    private var position = 0

    init(_ bytes: [UInt8], path: String) {
        self.bytes = bytes
        self.path = path
    }

    mutating func fields() throws -> (descriptor: String, isFortranOrder: Bool, shape: [Int]) {
        var descriptor: String?
        var isFortranOrder: Bool?
        var shape: [Int]?
        try expect("{")
        while !take("}") {
            let key = try string()
            try expect(":")
            switch key {
            case "descr" where descriptor == nil:
                guard !take("[") else { throw failure("structured elements are not supported") }
                descriptor = try string()
            case "fortran_order" where isFortranOrder == nil: isFortranOrder = try truth()
            case "shape" where shape == nil: shape = try tuple()
            default: throw failure("unexpected key '\(key)'")
            }
            if !take(",") {
                try expect("}")
                break
            }
        }
        guard position == bytes.count || bytes[position...].allSatisfy({ $0 == 0x20 || $0 == 0x0A }) else {
            throw failure("something follows the closing brace")
        }
        guard let descriptor, let isFortranOrder, let shape else { throw failure("descr, fortran_order or shape is missing") }
        return (descriptor, isFortranOrder, shape)
    }

    private func failure(_ what: String) -> Failure {
        .badData("\(path), npy header, at byte \(position): \(what)", remedy: "write the file with numpy.save")
    }

    private mutating func string() throws -> String {
        let quote: Unicode.Scalar = take("'") ? "'" : "\""
        if quote == "\"" { try expect("\"") }
        guard let end = bytes[position...].firstIndex(of: UInt8(ascii: quote)) else { throw failure("a string does not end") }
        defer { position = end + 1 }
        return String(decoding: bytes[position..<end], as: UTF8.self)
    }

    private mutating func truth() throws -> Bool {
        skipSpace()
        for (word, value) in [("True", true), ("False", false)] where bytes[position...].starts(with: Array(word.utf8)) {
            position += word.utf8.count
            return value
        }
        throw failure("expected True or False")
    }

    private mutating func tuple() throws -> [Int] {
        var sides: [Int] = []
        try expect("(")
        while !take(")") {
            skipSpace()
            let digits = bytes[position...].prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            guard let side = Int(String(decoding: digits, as: UTF8.self)), sides.count < 32 else {
                throw failure("expected a shape of at most 32 whole numbers")
            }
            position += digits.count
            sides.append(side)
            if !take(",") {
                try expect(")")
                break
            }
        }
        return sides
    }

    private mutating func expect(_ character: Unicode.Scalar) throws {
        guard take(character) else { throw failure("expected \(character)") }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while position < bytes.count, bytes[position] == 0x20 { position += 1 }
    }
}
