import Diagnostics
import Foundation

/// Where the files of a tar archive are (POSIX ustar, with the extensions of GNU and pax for long names and large files).
struct TarIndex {
    struct Member: Hashable {
        var name: String
        var offset: Int
        var size: Int
    }

    /// Regular files, in order.
    private(set) var members: [Member] = []

    /// Reads the headers, not the contents.
    ///
    /// - Throws: `Failure.badData` where the archive is compressed, cut short or damaged.
    init(_ file: ReadableFile) throws {
        var position = 0
        var longName: String?
        var paxSize: Int?
        while position + 512 <= file.size {
            let header = try file.bytes(at: position, count: 512)
            if header.allSatisfy({ $0 == 0 }) { return }
            guard TarIndex.hasRightSum(header) else {
                let isCompressed = header[0] == 0x1F && header[1] == 0x8B || header.starts(with: [0x28, 0xB5, 0x2F, 0xFD])
                throw Failure.badData(
                    "\(file.path): \(isCompressed ? "is compressed" : "byte \(position) is not a tar header")",
                    remedy: isCompressed ? "uncompress it: images are compressed already, and a place within it must be found" : "copy or make the archive again")
            }
            guard let size = TarIndex.number(header[124..<136]).map({ paxSize ?? $0 }), size <= file.size - position - 512 else {
                throw Failure.badData("\(file.path): ends within the file at byte \(position)", remedy: "it was cut short: copy or make the archive again")
            }
            let contents = position + 512
            switch header[156] {
            case UInt8(ascii: "L"):
                longName = try TarIndex.text(file.bytes(at: contents, count: min(size, 65_536))[...])
            case UInt8(ascii: "x"):
                (longName, paxSize) = TarIndex.pax(try file.bytes(at: contents, count: min(size, 1 << 20)), longName)
            case UInt8(ascii: "0"), 0:
                members.append(Member(name: longName ?? TarIndex.name(header), offset: contents, size: size))
                (longName, paxSize) = (nil, nil)
            default: (longName, paxSize) = (nil, nil)
            }
            position = contents + (size + 511) / 512 * 512
        }
        // Some writers leave the zero blocks at the end out.
        guard position == file.size, file.size > 0 else {
            throw Failure.badData("\(file.path): ends within a block of 512 bytes", remedy: "it was cut short: copy or make the archive again")
        }
    }

    /// The header's bytes, its own sum as spaces, add up to what it says.
    private static func hasRightSum(_ header: [UInt8]) -> Bool {
        let sum = header.indices.reduce(0) { $0 + ((148..<156).contains($1) ? 32 : Int(header[$1])) }
        return number(header[148..<156]) == sum
    }

    /// Octal digits, or, where the first bit is set, a binary number.
    private static func number(_ field: ArraySlice<UInt8>) -> Int? {
        if let first = field.first, first & 0x80 != 0 {
            guard field.dropFirst().prefix(max(0, field.count - 8)).allSatisfy({ $0 == 0 }), first == 0x80 else { return nil }
            let value = field.suffix(7).reduce(0) { $0 << 8 | Int($1) }
            return value
        }
        let digits = field.filter { $0 != 32 && $0 != 0 }
        guard digits.allSatisfy({ (48..<56).contains($0) }), digits.count <= 20 else { return nil }
        return digits.reduce(0) { $0 << 3 | Int($1 - 48) }
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }

    private static func name(_ header: [UInt8]) -> String {
        let prefix = header[257..<262].elementsEqual(Array("ustar".utf8)) && header[262] == 0 ? text(header[345..<500]) : ""
        return prefix.isEmpty ? text(header[0..<100]) : prefix + "/" + text(header[0..<100])
    }

    /// `length key=value` lines.
    private static func pax(_ bytes: [UInt8], _ name: String?) -> (String?, Int?) {
        var (name, size): (String?, Int?) = (name, nil)
        for line in bytes.split(separator: 0x0A) {
            let text = String(decoding: line, as: UTF8.self)
            if let range = text.range(of: " path=") { name = String(text[range.upperBound...]) }
            if let range = text.range(of: " size=") { size = Int(text[range.upperBound...]) }
        }
        return (name, size)
    }
}
