import Diagnostics
import Foundation
import Images

/// One image of a WebDataset shard.
struct ShardSample: Hashable {
    /// The archive's file names of one sample begin with it: all that comes before the first dot of the last part, or, where
    /// no image has such a name, before the last dot (`part.v1.png`).
    var key: String
    var offset: Int
    var size: Int
    var label: String
    var group: String
}

/// The samples of one tar shard, kept beside it as `NAME.tar.index` so that it is read once only.
///
/// A text file: a line `sipat-shard-index 2 SIZE INODE SECONDS.NANOSECONDS COUNT` with the archive's size, inode and time of change
/// and the number of samples, then per sample key, offset, size, label and group, separated by tabs. Where anything is amiss with
/// it, or the archive is another, the archive is read again.
enum ShardIndex {
    fileprivate static let imageEndings: Set<String> = ["jpg", "jpeg", "jpe", "png", "img", "image", "input.jpg", "input.png"]

    /// - Parameter anew: whether the archive is read whatever an index says, and none is written.
    /// - Returns: its samples, and what was passed over, a line each: where it is read anew, or there is no sample.
    /// - Throws: `Failure` where the archive is damaged, or a sample has no label.
    static func samples(of path: String, anew: Bool) throws -> (samples: [ShardSample], ignored: [String]) {
        // Looked at before it is opened: an archive that is replaced meanwhile does not fit its index.
        let version = version(of: path)
        let file = try ReadableFile(path)
        if !anew, let version, let known = try? read(path + ".index", version, archiveSize: file.size) { return (known, []) }
        var scan = Scan(file)
        try scan.run()
        // A folder that cannot be written to is no reason to stop: the archive is read again next time.
        if !anew, let version { try? writeAtomically(text(scan.samples, version).utf8, to: path + ".index") }
        // There may be millions.
        return (scan.samples, anew || scan.samples.isEmpty ? scan.ignored : [])
    }

    /// What is another for another archive; nil where it cannot be looked at.
    private static func version(of path: String) -> String? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return "\(status.st_size) \(status.st_ino) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
    }

    private static func firstLine(_ version: String, count: Int) -> String { "sipat-shard-index 2 \(version) \(count)" }

    private static func text(_ samples: [ShardSample], _ version: String) -> String {
        var lines = [firstLine(version, count: samples.count)]
        lines += samples.map { "\($0.key)\t\($0.offset)\t\($0.size)\t\($0.label)\t\($0.group)" }
        return lines.joined(separator: "\n") + "\n"
    }

    /// - Returns: nil where the index does not belong to the archive, a line of it cannot be read, or it holds no sample.
    private static func read(_ path: String, _ version: String, archiveSize: Int) throws -> [ShardSample]? {
        let lines = String(decoding: try ReadableFile.contents(of: path, limit: 1 << 30), as: UTF8.self).split(separator: "\n")
        guard lines.count > 1, lines[0] == firstLine(version, count: lines.count - 1) else { return nil }
        let samples = lines.dropFirst().compactMap { line -> ShardSample? in
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
            guard fields.count == 5, let offset = Int(fields[1]), let size = Int(fields[2]), offset >= 0, size >= 0,
                size <= archiveSize, offset <= archiveSize - size
            else { return nil }
            return ShardSample(key: String(fields[0]), offset: offset, size: size, label: String(fields[3]), group: String(fields[4]))
        }
        return samples.count == lines.count - 1 ? samples : nil
    }
}

/// Reads an archive's samples.
private struct Scan {
    private let file: ReadableFile
    private(set) var samples: [ShardSample] = []
    private(set) var ignored: [String] = []

    private enum Dot {
        case first
        case last
    }

    init(_ file: ReadableFile) { self.file = file }

    mutating func run() throws {
        let archive = try TarIndex(file)
        ignored = archive.ignored
        let isClutter = { (name: String) in name.split(separator: "/").contains { FolderListing.isClutter(String($0)) && $0 != "." } }
        ignored += archive.members.filter { isClutter($0.name) }.map { "\($0.name): hidden or a system's" }
        // Folders of old archives are files without content.
        let members = archive.members.filter { !isClutter($0.name) && !$0.name.hasSuffix("/") }
        try forEachSample(of: members[...], .first) { scan, key, files in
            if files.contains(where: { ShardIndex.imageEndings.contains(Scan.parts($0.name, .first).ending) }) {
                try scan.add(key, files, .first)
            } else {
                // Names with dots of their own.
                try scan.forEachSample(of: files, .last) { try $0.add($1, $2, .last) }
            }
        }
    }

    /// Files of one sample follow one another.
    private mutating func forEachSample(
        of members: ArraySlice<TarIndex.Member>, _ dot: Dot, _ body: (inout Scan, String, ArraySlice<TarIndex.Member>) throws -> Void
    ) throws {
        var rest = members
        while let first = rest.first {
            let key = Scan.parts(first.name, dot).key
            let end = rest.firstIndex { Scan.parts($0.name, dot).key != key } ?? rest.endIndex
            try body(&self, key, rest[..<end])
            rest = rest[end...]
        }
    }

    private mutating func add(_ key: String, _ files: ArraySlice<TarIndex.Member>, _ dot: Dot) throws {
        var image: TarIndex.Member?
        var label: String?
        var group = ""
        var passed: [String] = []
        for member in files {
            switch Scan.parts(member.name, dot).ending {
            case "cls", "label", "class":
                label = clean(String(decoding: try file.bytes(at: member.offset, count: min(member.size, 4096)), as: UTF8.self))
            case "json":
                let data = Data(try file.bytes(at: member.offset, count: min(member.size, 1 << 20)))
                guard let object = try? JSONSerialization.jsonObject(with: data) as? [String: Any] else {
                    passed.append("\(member.name): is no JSON object")
                    continue
                }
                if label == nil { label = (object["label"] ?? object["class"] ?? object["cls"]).map { clean("\($0)") } }
                if let found = object["group"] { group = clean("\(found)") }
            case let ending where ShardIndex.imageEndings.contains(ending):
                if image == nil { image = member } else { passed.append("\(member.name): its sample has an image already") }
            default: passed.append("\(member.name): its ending is neither an image's nor a label's")
            }
        }
        ignored += passed
        guard let image else {
            if passed.isEmpty, let first = files.first { ignored.append("\(first.name): belongs to no image") }
            return
        }
        guard let label, !label.isEmpty, !label.contains("\n") else {
            // A part of a sample that is not there, such as `1.mask.png`, or a sample: who can say.
            if dot == .last { return ignored.append("\(image.name): there is no label \(key).cls or \(key).json") }
            throw Failure.badData(
                "\(file.path): the sample \(key) has no label", remedy: "give each sample a file KEY.cls with its class, or KEY.json with a field label")
        }
        samples.append(ShardSample(key: clean(key), offset: image.offset, size: image.size, label: label, group: group))
    }

    private func clean(_ text: String) -> String { text.trimmingCharacters(in: .whitespacesAndNewlines).replacingOccurrences(of: "\t", with: " ") }

    /// `a/b.part.jpg` is the file `part.jpg` of the sample `a/b`, or by its last dot the file `jpg` of `a/b.part`.
    private static func parts(_ name: String, _ dot: Dot) -> (key: String, ending: String) {
        let start = name.lastIndex(of: "/").map { name.index(after: $0) } ?? name.startIndex
        let file = name[start...]
        guard let place = dot == .first ? file.firstIndex(of: ".") : file.lastIndex(of: ".") else { return (name, "") }
        return (String(name[..<place]), name[name.index(after: place)...].lowercased())
    }
}
