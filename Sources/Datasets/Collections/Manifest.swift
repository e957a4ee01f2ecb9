import Diagnostics
import Foundation
import Images

/// A list of images: CSV with a header line, or JSON Lines. Paths are relative to the manifest's folder.
///
/// `path` and `label` are required. `split` (train or test), `group`, `salience` (a file) and `boxes` are understood; any other
/// column is kept as an attribute. Names of columns count in lower case; some have synonyms (`class` for `label`), which are
/// attributes where the column itself is there. Boxes are `left top right bottom` in stored pixels, half-open, several joined by
/// semicolons, or in JSON arrays of four numbers. An image may be listed more than once.
enum Manifest {
    private static let synonyms: [String: String] = [
        "file": "path", "filename": "path", "file_name": "path", "image": "path", "class": "label", "category": "label", "mask": "salience",
        "bboxes": "boxes",
    ]

    private static let known: Set<String> = ["path", "label", "split", "group", "salience", "boxes"]

    /// The columns of one image.
    private struct Record {
        var line: Int
        var path: String?
        var label: String?
        var split: String?
        var entry = ImageEntry(path: "", label: 0)

        init(line: Int) { self.line = line }
    }

    /// - Throws: `Failure` naming file, line and column.
    static func read(_ path: String) throws -> ImageCollection {
        let bytes = try ReadableFile.contents(of: path, limit: 4 << 30)
        guard !isUTF16(bytes) else {
            throw Failure.badData(
                "\(path): is UTF-16, expected UTF-8", remedy: "save it as UTF-8 (\"CSV UTF-8\" in a spreadsheet), or convert it: iconv -f UTF-16 -t UTF-8")
        }
        let isJSON = bytes.first { $0 > 0x20 && $0 < 0x80 } == UInt8(ascii: "{")
        // There may be millions: no array of them grows by doubling.
        var builder = Builder(path, lines: bytes.count { $0 == 0x0A } + 1)
        if isJSON { try readLines(bytes, path, into: &builder) } else { try readTable(bytes, path, into: &builder) }
        return try (consume builder).collection()
    }

    /// A byte order mark, or every other byte of the first characters zero.
    private static func isUTF16(_ bytes: [UInt8]) -> Bool {
        guard bytes.count >= 2 else { return false }
        return [[0xFF, 0xFE], [0xFE, 0xFF]].contains([bytes[0], bytes[1]]) || (bytes[0] == 0) != (bytes[1] == 0)
    }

    /// The columns that `names` stand for, each once. A synonym stands for its column, unless that is there itself.
    ///
    /// - Throws: `Failure` with the two names that mean one column.
    private static func columns(_ names: [String], at place: String) throws -> [String] {
        let plain = names.map { $0.trimmingCharacters(in: .whitespaces).lowercased() }
        var columns = plain
        var taken: [String: Int] = [:]
        func take(_ column: String, _ index: Int) throws {
            guard let other = taken.updateValue(index, forKey: column) else { return }
            throw Failure.badData(
                "\(place): \"\(names[other])\" and \"\(names[index])\" both mean the column \(column)", remedy: "rename one of them, or leave it out")
        }
        // Spreadsheets leave columns without name or content.
        for (index, name) in plain.enumerated() where !name.isEmpty { try take(name, index) }
        for (index, name) in plain.enumerated() {
            guard let column = synonyms[name], !plain.contains(column) else { continue }
            try take(column, index)
            columns[index] = column
        }
        return columns
    }

    private static func readTable(_ bytes: [UInt8], _ path: String, into builder: inout Builder) throws {
        var table = DelimitedText(bytes, name: path)
        guard let header = try table.next() else {
            throw Failure.badData("\(path): is empty", remedy: "expected a line of column names: path,label")
        }
        let columns = try columns(header, at: "\(path):1")
        for required in ["path", "label"] where !columns.contains(required) {
            throw Failure.badData(
                "\(path):1: there is no column \(required), found \(header.joined(separator: ", "))",
                remedy: "name the columns in the first line: path,label, and if you have them split, group, salience, boxes")
        }
        var line = table.line
        while let fields = try table.next() {
            line = table.line
            guard fields.count == columns.count else {
                throw Failure.badData("\(path):\(line): \(fields.count) fields, expected \(columns.count), as in the first line", remedy: "quote fields that hold the separator")
            }
            var record = Record(line: line)
            for (column, value) in zip(columns, fields) {
                // People write a blank behind the separator. A file's name may have one.
                let value = ["label", "split", "group"].contains(column) ? value.trimmingCharacters(in: .whitespaces) : value
                if !value.isEmpty { try set(column, value, &record, path) }
            }
            try builder.add(record.path, record.label, record.split, record.entry, line: line)
        }
        guard !builder.isEmpty else {
            throw Failure.badData("\(path): has column names and no line of an image", remedy: "list the images, one per line")
        }
    }

    private static func set(_ column: String, _ value: String, _ record: inout Record, _ path: String) throws {
        switch column {
        case "path": record.path = value
        case "label": record.label = value
        case "split": record.split = value
        case "group": record.entry.group = value
        case "salience": record.entry.salience = value
        case "boxes": record.entry.boxes = try boxes(value, at: "\(path):\(record.line)")
        default: record.entry.attributes[column] = value
        }
    }

    private static func readLines(_ bytes: [UInt8], _ path: String, into builder: inout Builder) throws {
        var (index, end) = (-1, -1)
        var seen: (names: [String], columns: [String]) = ([], [])
        while end < bytes.count {
            let start = end + 1
            end = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
            index += 1
            let line = bytes[start..<end]
            guard line.contains(where: { $0 > 0x20 }) else { continue }
            guard let object = try? JSONSerialization.jsonObject(with: Data(line)) as? [String: Any] else {
                throw Failure.badData("\(path):\(index + 1): is not a JSON object", remedy: "write one object per line: {\"path\": \"a.jpg\", \"label\": \"cat\"}")
            }
            let place = "\(path):\(index + 1)"
            let names = object.keys.filter { !(object[$0] is NSNull) }.sorted()
            // Most lines have the names of the line before.
            if names != seen.names { seen = (names, try columns(names, at: place)) }
            var record = Record(line: index + 1)
            for (name, column) in zip(names, seen.columns) {
                let value = object[name]!
                if let text = value as? String {
                    if !text.isEmpty { try set(column, text, &record, path) }
                } else if let number = value as? NSNumber {
                    try set(column, number.stringValue, &record, path)
                } else if column == "boxes", let rows = value as? [[NSNumber]] {
                    record.entry.boxes = try rows.map { try box($0.map(\.doubleValue), at: place) }
                } else if column == "boxes", let numbers = value as? [NSNumber] {
                    record.entry.boxes = [try box(numbers.map(\.doubleValue), at: place)]
                } else if known.contains(column) {
                    let expected = column == "boxes" ? "arrays of four numbers: [[left, top, right, bottom]]" : "a text"
                    throw Failure.badData("\(place): \(name) is \(json(value).prefix(80)), expected \(expected)", remedy: "correct it, or leave it out")
                } else {
                    record.entry.attributes[column] = json(value)
                }
            }
            try builder.add(record.path, record.label, record.split, record.entry, line: index + 1)
        }
    }

    /// An array or an object as it was, names in order.
    private static func json(_ value: Any) -> String {
        let data = try? JSONSerialization.data(withJSONObject: value, options: [.sortedKeys, .withoutEscapingSlashes, .fragmentsAllowed])
        return data.map { String(decoding: $0, as: UTF8.self) } ?? "\(value)"
    }

    private static func boxes(_ text: String, at place: String) throws -> [Box] {
        try text.split(separator: ";").map { part in
            let numbers = part.split { !("0123456789.eE+-".contains($0)) }.map { Double($0) ?? .nan }
            return try box(numbers, at: place)
        }
    }

    private static func box(_ numbers: [Double], at place: String) throws -> Box {
        guard numbers.count == 4, numbers.allSatisfy(\.isFinite), numbers[0] < numbers[2], numbers[1] < numbers[3] else {
            throw Failure.badData("\(place): \(numbers) is no box", remedy: "expected left top right bottom in pixels, left < right, top < bottom")
        }
        return Box(left: numbers[0], top: numbers[1], right: numbers[2], bottom: numbers[3])
    }

    /// Numbers labels and splits once all lines are known.
    private struct Builder {
        private static let splitNames: Set<String> = ["train", "training", "test", "val", "valid", "validation"]

        let path: String
        private var entries: [ImageEntry] = []
        private var labels: [String] = []
        private var labelNumbers: [String: Int32] = [:]
        /// What each line says, until it is known whether there is a test split.
        private enum Said: UInt8 {
            case nothing
            case train
            case validation
            case test
        }

        private var splits: [Said] = []

        var isEmpty: Bool { entries.isEmpty }

        init(_ path: String, lines: Int) {
            self.path = path
            entries.reserveCapacity(lines)
            splits.reserveCapacity(lines)
        }

        mutating func add(_ file: String?, _ label: String?, _ split: String?, _ entry: ImageEntry, line: Int) throws {
            guard let file, let label else {
                throw Failure.badData(
                    "\(path):\(line): there is no \(file == nil ? "path" : "label")", remedy: "give every image a path and a label, or leave its line out")
            }
            let split = split?.lowercased()
            if let split, !Builder.splitNames.contains(split) {
                throw Failure.badData("\(path):\(line): split is \"\(split)\", expected train or test", remedy: "correct it, or leave the column empty in all lines")
            }
            var entry = entry
            let isWindows = file.utf8.contains(UInt8(ascii: "\\")) && !file.utf8.contains(UInt8(ascii: "/"))
            entry.path = isWindows ? file.replacingOccurrences(of: "\\", with: "/") : file
            if let number = labelNumbers[label] {
                entry.label = number
            } else {
                entry.label = Int32(labels.count)
                labelNumbers[label] = entry.label
                labels.append(label)
            }
            entries.append(entry)
            splits.append(split.map { $0.hasPrefix("train") ? .train : $0.hasPrefix("val") ? .validation : .test } ?? .nothing)
        }

        /// Classes in order: of numbers where all are numbers, else of names.
        consuming func collection() throws -> ImageCollection {
            let order = ImageCollection.classOrder(labels)
            var place = [Int32](repeating: 0, count: labels.count)
            for (position, index) in order.enumerated() { place[index] = Int32(position) }
            let hasTest = splits.contains(.test)
            for index in entries.indices {
                entries[index].label = place[Int(entries[index].label)]
                switch splits[index] {
                case .nothing: break
                case .train: entries[index].split = .train
                case .validation: entries[index].split = hasTest ? .train : .test
                case .test: entries[index].split = .test
                }
            }
            return ImageCollection(
                layout: .manifest, folder: pathFolder(path), classNames: order.map { labels[$0] }, entries: entries, ignored: [])
        }
    }
}
