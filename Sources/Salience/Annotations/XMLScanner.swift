import Diagnostics

/// An element with what it holds, as read from a file of annotations.
struct XMLElement: Hashable {
    var name: String
    var attributes: [String: String]
    var children: [XMLElement] = []
    /// Characters directly in it, white space at the ends removed.
    var text = ""

    /// The first child of that name.
    func child(_ name: String) -> XMLElement? { children.first { $0.name == name } }

    /// The text of the first child of that name; nil where there is none, or it is empty.
    func text(_ name: String) -> String? { child(name).flatMap { $0.text.isEmpty ? nil : $0.text } }
}

/// A small strict reader of XML 1.0, for the files that annotation tools write: elements, attributes, text, CDATA, comments.
/// Entities are the five that XML has and characters by number; a document that declares its own is refused, so none can
/// grow. UTF-8, or Latin-1 or Windows-1252 where the declaration says so; what is declared otherwise, or is not what it is declared to
/// be, is refused unless it is ASCII: labels in it would come out garbled, and different ones alike.
///
/// Our own instead of FoundationXML's, which would bring libxml2 and ICU to every rank of every job.
struct XMLScanner {
    /// In UTF-8 once the prologue is read.
    private var bytes: [UInt8]
    private let name: String
    private var position = 0

    private static let depthLimit = 64

    init(_ bytes: [UInt8], name: String) {
        self.bytes = bytes
        self.name = name
    }

    /// Reads the document, and hands over each element named in `names` with all it holds once it ends; elements within such
    /// an element come with it. Memory: one such element.
    ///
    /// - Returns: the name of the outermost element.
    /// - Throws: `Failure.badData` with the line, for what is no well-formed document.
    mutating func forEachElement(named names: Set<String>, _ body: (XMLElement) throws -> Void) throws -> String {
        try prologue()
        var root: String?
        var path: [String] = []
        // Elements that are being collected, from the outermost in `names`.
        var open: [XMLElement] = []
        while true {
            let text = try characters()
            if let last = open.indices.last { open[last].text += text }
            guard position < bytes.count else { break }
            if root != nil, path.isEmpty, text.contains(where: { !$0.isWhitespace }) { throw failure("text after the last element") }
            if skip("</") {
                let ended = try word()
                space()
                try expect(">")
                guard path.popLast() == ended else { throw failure("</\(ended)> where another element ends") }
                guard var element = open.popLast() else { continue }
                element.text = XMLScanner.trimmed(element.text)
                if let parent = open.indices.last { open[parent].children.append(element) } else { try body(element) }
            } else {
                try expect("<")
                let begun = try word()
                let attributes = try attributes()
                let isEmpty = skip("/>")
                if !isEmpty { try expect(">") }
                if path.isEmpty, root != nil { throw failure("a second outermost element, <\(begun)>") }
                if root == nil { root = begun }
                guard path.count < XMLScanner.depthLimit else { throw failure("elements within elements, \(XMLScanner.depthLimit) deep") }
                let element = XMLElement(name: begun, attributes: attributes)
                if isEmpty {
                    if let parent = open.indices.last { open[parent].children.append(element) } else if names.contains(begun) { try body(element) }
                } else {
                    path.append(begun)
                    if !open.isEmpty || names.contains(begun) { open.append(element) }
                }
            }
        }
        guard let root, path.isEmpty else { throw failure(root == nil ? "holds no element" : "ends within <\(path.last!)>") }
        return root
    }

    private mutating func prologue() throws {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
        try refuseUTF16(bytes, name: name)
        space()
        var encoding = "utf-8"
        if skip("<?xml") {
            guard let end = find("?>") else { throw failure("the XML declaration does not end") }
            let declaration = String(decoding: bytes[position..<end], as: UTF8.self).lowercased()
            if let range = declaration.firstRange(of: "encoding") {
                let value = declaration[range.upperBound...].drop { $0.isWhitespace || $0 == "=" || $0 == "\"" || $0 == "'" }
                encoding = String(value.prefix { !$0.isWhitespace && $0 != "\"" && $0 != "'" })
            }
            position = end + 2
        }
        try decode(from: encoding)
    }

    /// Makes UTF-8 of what follows the declaration.
    private mutating func decode(from encoding: String) throws {
        let rest = bytes[position...]
        // ASCII means the same in all of them, but for those that shift by an escape.
        guard rest.contains(where: { $0 >= 0x80 || $0 == 0x1B }) else { return }
        let remedy = "save it as UTF-8, and declare no other encoding in its first line"
        switch encoding {
        case "utf-8", "utf8", "us-ascii", "ascii":
            guard String(validating: rest, as: UTF8.self) != nil else { throw failure("is not UTF-8 text", remedy: remedy) }
        case "iso-8859-1", "latin1", "latin-1": transcode { Unicode.Scalar($0) }
        case "windows-1252", "cp1252": transcode { (0x80...0x9F).contains($0) ? XMLScanner.windows[Int($0) - 0x80] : Unicode.Scalar($0) }
        default: throw failure("is in the encoding \"\(encoding.prefix(40))\", expected UTF-8", remedy: remedy)
        }
    }

    private mutating func transcode(_ scalar: (UInt8) -> Unicode.Scalar) {
        let text = String(String.UnicodeScalarView(bytes[position...].map(scalar)))
        bytes.replaceSubrange(position..., with: Array(text.utf8))
    }

    /// Where Windows-1252 differs from Latin-1: 0x80 to 0x9F.
    private static let windows = Array(
        ("\u{20AC}\u{81}\u{201A}\u{192}\u{201E}\u{2026}\u{2020}\u{2021}\u{2C6}\u{2030}\u{160}\u{2039}\u{152}\u{8D}\u{17D}\u{8F}"
            + "\u{90}\u{2018}\u{2019}\u{201C}\u{201D}\u{2022}\u{2013}\u{2014}\u{2DC}\u{2122}\u{161}\u{203A}\u{153}\u{9D}\u{17E}\u{178}").unicodeScalars)

    /// Text up to the next tag or the end, without comments, instructions and document types.
    private mutating func characters() throws -> String {
        var content: [UInt8] = []
        while position < bytes.count {
            if bytes[position] != UInt8(ascii: "<") {
                let start = position
                while position < bytes.count, bytes[position] != UInt8(ascii: "<") { position += 1 }
                content += try resolved(bytes[start..<position])
            } else if skip("<!--") {
                try pass(to: "-->")
            } else if skip("<![CDATA[") {
                let start = position
                try pass(to: "]]>")
                content += bytes[start..<position - 3]
            } else if skip("<?") {
                try pass(to: "?>")
            } else if skip("<!DOCTYPE") {
                let start = position
                try pass(to: ">")
                guard !bytes[start..<position].contains(UInt8(ascii: "[")) else { throw failure("a document type that declares things of its own, which is not supported: remove it") }
            } else {
                break
            }
        }
        return string(content[...])
    }

    private mutating func attributes() throws -> [String: String] {
        var found: [String: String] = [:]
        while true {
            space()
            guard position < bytes.count else { throw failure("ends within a tag") }
            if bytes[position] == UInt8(ascii: ">") || bytes[position] == UInt8(ascii: "/") { return found }
            let key = try word()
            space()
            try expect("=")
            space()
            guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") || bytes[position] == UInt8(ascii: "'") else {
                throw failure("the value of \(key) is not in quotes")
            }
            let quote = bytes[position]
            position += 1
            guard let end = bytes[position...].firstIndex(of: quote) else { throw failure("the value of \(key) does not end") }
            let value = string(try resolved(bytes[position..<end])[...])
            guard found.updateValue(value, forKey: key) == nil else { throw failure("\(key) is given twice") }
            position = end + 1
        }
    }

    private mutating func word() throws -> String {
        let start = position
        while position < bytes.count, XMLScanner.isNameByte(bytes[position]) { position += 1 }
        guard position > start else { throw failure("expected a name") }
        return string(bytes[start..<position])
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: ":"), 0x80...: true
        default: false
        }
    }

    /// With entities replaced.
    private func resolved(_ part: ArraySlice<UInt8>) throws -> [UInt8] {
        guard part.contains(UInt8(ascii: "&")) else { return Array(part) }
        var result: [UInt8] = []
        var place = part.startIndex
        while place < part.endIndex {
            guard part[place] == UInt8(ascii: "&") else {
                result.append(part[place])
                place += 1
                continue
            }
            guard let end = part[place...].prefix(12).firstIndex(of: UInt8(ascii: ";")) else { throw failure("& that begins no entity") }
            let entity = String(decoding: part[place + 1..<end], as: UTF8.self)
            switch entity {
            case "lt": result.append(UInt8(ascii: "<"))
            case "gt": result.append(UInt8(ascii: ">"))
            case "amp": result.append(UInt8(ascii: "&"))
            case "quot": result.append(UInt8(ascii: "\""))
            case "apos": result.append(UInt8(ascii: "'"))
            default:
                let number = entity.hasPrefix("#x") ? UInt32(entity.dropFirst(2), radix: 16) : entity.hasPrefix("#") ? UInt32(entity.dropFirst()) : nil
                guard let number, number > 0, let scalar = Unicode.Scalar(number) else { throw failure("the unknown entity &\(entity);") }
                result += Array(String(Character(scalar)).utf8)
            }
            place = end + 1
        }
        return result
    }

    private func string(_ part: ArraySlice<UInt8>) -> String {
        String(decoding: part, as: UTF8.self)
    }

    private static func trimmed(_ text: String) -> String {
        let start = text.drop(while: \.isWhitespace)
        return String(start.reversed().drop(while: \.isWhitespace).reversed())
    }

    private mutating func space() {
        while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
    }

    private mutating func skip(_ text: String) -> Bool {
        guard bytes[position...].starts(with: text.utf8) else { return false }
        position += text.utf8.count
        return true
    }

    private mutating func expect(_ text: String) throws {
        guard skip(text) else { throw failure("expected \(text)") }
    }

    private func find(_ text: String) -> Int? {
        let wanted = Array(text.utf8)
        guard bytes.count >= wanted.count else { return nil }
        var place = position
        while place <= bytes.count - wanted.count {
            if bytes[place] == wanted[0], bytes[place..<place + wanted.count].elementsEqual(wanted) { return place }
            place += 1
        }
        return nil
    }

    private mutating func pass(to text: String) throws {
        guard let end = find(text) else { throw failure("\(text) is missing") }
        position = end + text.utf8.count
    }

    private func failure(_ what: String, remedy: String = "export the file again, as XML") -> Failure {
        let line = bytes.prefix(min(position, bytes.count)).count { $0 == 0x0A } + 1
        return .badData("\(name):\(line): \(what)", remedy: remedy)
    }
}
