import Diagnostics
import Foundation

/// Where the files of a tar archive are (POSIX ustar, with the extensions of GNU and pax for long names and large files).
struct TarIndex {
    struct Member: Hashable {
        var name: String
        var offset: Int
        var size: Int
    }

    /// Regular files, and hard links to them, in order.
    private(set) var members: [Member] = []
    /// What is passed over, with the reason, a line each.
    private(set) var ignored: [String] = []

    /// Reads the headers, not the contents.
    ///
    /// - Throws: `Failure.badData` where the archive is compressed, cut short or damaged.
    init(_ file: ReadableFile) throws {
        var position = 0
        /// What headers before a member say of it.
        var said = Extension()
        var places = Places()
        while position + 512 <= file.size {
            let header = try file.bytes(at: position, count: 512)
            if header.allSatisfy({ $0 == 0 }) { return }
            guard TarIndex.hasRightSum(header) else {
                let isCompressed = header[0] == 0x1F && header[1] == 0x8B || header.starts(with: [0x28, 0xB5, 0x2F, 0xFD])
                throw Failure.badData(
                    "\(file.path): \(isCompressed ? "is compressed" : "byte \(position) is not a tar header")",
                    remedy: isCompressed ? "uncompress it: images are compressed already, and a place within it must be found" : "copy or make the archive again")
            }
            // What a header says of a member it does not say of headers before that.
            let isAboutNext = "LKxg".utf8.contains(header[156])
            let told = isAboutNext ? nil : said.size
            if let told, told < 0 {
                throw Failure.badData("\(file.path): the file at byte \(position) has a size below 0", remedy: "copy or make the archive again")
            }
            guard let size = told ?? TarIndex.number(header[124..<136]), size <= file.size - position - 512 else {
                throw Failure.badData("\(file.path): ends within the file at byte \(position)", remedy: "it was cut short: copy or make the archive again")
            }
            let contents = position + 512
            let name = said.name ?? TarIndex.name(header)
            switch header[156] {
            case UInt8(ascii: "L"): said.name = try TarIndex.text(file.bytes(at: contents, count: min(size, 65_536))[...])
            case UInt8(ascii: "K"): said.target = try TarIndex.text(file.bytes(at: contents, count: min(size, 65_536))[...])
            case UInt8(ascii: "x"): said.read(try file.bytes(at: contents, count: min(size, 1 << 20)))
            case UInt8(ascii: "g"): break
            case UInt8(ascii: "0"), UInt8(ascii: "7"), 0:
                members.append(Member(name: name, offset: contents, size: size))
                said = Extension()
            case UInt8(ascii: "1"):
                let target = said.target ?? TarIndex.text(header[157..<257])
                if let place = places.find(target, in: members) {
                    members.append(Member(name: name, offset: members[place].offset, size: members[place].size))
                } else {
                    ignored.append("\(name): a link to what is not in the archive before it")
                }
                said = Extension()
            case UInt8(ascii: "2"):
                ignored.append("\(name): a symbolic link")
                said = Extension()
            default: said = Extension()
            }
            position = contents + (size + 511) / 512 * 512
        }
        // Some writers leave the zero blocks at the end out.
        guard position == file.size, file.size > 0 else {
            throw Failure.badData("\(file.path): ends within a block of 512 bytes", remedy: "it was cut short: copy or make the archive again")
        }
    }

    /// Where members are, by name: found out once a link asks for it.
    private struct Places {
        private var places: [String: Int] = [:]
        private var known = 0

        mutating func find(_ name: String, in members: [Member]) -> Int? {
            for place in known..<members.count { places[members[place].name] = place }
            known = members.count
            return places[name]
        }
    }

    /// What GNU's and pax headers say of the member that follows them.
    private struct Extension {
        var name: String?
        var target: String?
        var size: Int?

        /// pax: lines `length key=value`, each as long as it says, its newline included; what follows one that is not is
        /// passed over.
        mutating func read(_ bytes: [UInt8]) {
            var rest = bytes[...]
            while let blank = rest.firstIndex(of: UInt8(ascii: " ")), let length = Int(String(decoding: rest[..<blank], as: UTF8.self)),
                length > blank + 1 - rest.startIndex, length <= rest.count
            {
                var line = rest[(blank + 1)..<(rest.startIndex + length)]
                if line.last == 0x0A { line.removeLast() }
                rest = rest.dropFirst(length)
                guard let equals = line.firstIndex(of: UInt8(ascii: "=")) else { continue }
                let value = String(decoding: line[(equals + 1)...], as: UTF8.self)
                switch String(decoding: line[..<equals], as: UTF8.self) {
                case "path": name = value
                case "linkpath": target = value
                // What is no number cannot be the size of a file either.
                case "size": size = Int(value) ?? -1
                default: break
                }
            }
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
}
