import Diagnostics
import Foundation
import Images

/// One image of a WebDataset shard.
struct ShardSample: Hashable {
    /// The archive's file names of one sample begin with it: all that comes before the first dot of the last part.
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
    private static let imageEndings: Set<String> = ["jpg", "jpeg", "jpe", "png", "img", "image", "input.jpg", "input.png"]

    /// - Parameter anew: whether the archive is read whatever an index says, and none is written.
    /// - Throws: `Failure` where the archive is damaged, or a sample has no label.
    static func samples(of path: String, anew: Bool) throws -> [ShardSample] {
        // Looked at before it is opened: an archive that is replaced meanwhile does not fit its index.
        let version = version(of: path)
        let file = try ReadableFile(path)
        if !anew, let version, let known = try? read(path + ".index", version, archiveSize: file.size) { return known }
        let samples = try scan(file)
        // A folder that cannot be written to is no reason to stop: the archive is read again next time.
        if !anew, let version { try? writeAtomically(text(samples, version).utf8, to: path + ".index") }
        return samples
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

    private static func scan(_ file: ReadableFile) throws -> [ShardSample] {
        var samples: [ShardSample] = []
        var key: String?
        var image: TarIndex.Member?
        var label: String?
        var group = ""
        func clean(_ text: String) -> String { text.trimmingCharacters(in: .whitespacesAndNewlines).replacingOccurrences(of: "\t", with: " ") }
        func finish() throws {
            defer { (image, label, group) = (nil, nil, "") }
            guard let key, let image else { return }
            guard let label, !label.isEmpty, !label.contains("\n") else {
                throw Failure.badData(
                    "\(file.path): the sample \(key) has no label", remedy: "give each sample a file KEY.cls with its class, or KEY.json with a field label")
            }
            samples.append(ShardSample(key: clean(key), offset: image.offset, size: image.size, label: label, group: group))
        }
        for member in try TarIndex(file).members {
            let (base, ending) = parts(member.name)
            let isClutter = member.name.split(separator: "/").contains { FolderListing.isClutter(String($0)) && $0 != "." }
            if isClutter { continue }
            if base != key {
                try finish()
                key = base
            }
            switch ending {
            case "cls", "label", "class":
                label = clean(String(decoding: try file.bytes(at: member.offset, count: min(member.size, 4096)), as: UTF8.self))
            case "json":
                let data = Data(try file.bytes(at: member.offset, count: min(member.size, 1 << 20)))
                guard let object = try? JSONSerialization.jsonObject(with: data) as? [String: Any] else { continue }
                if label == nil { label = (object["label"] ?? object["class"] ?? object["cls"]).map { clean("\($0)") } }
                if let found = object["group"] { group = clean("\(found)") }
            case let ending where imageEndings.contains(ending):
                if image == nil { image = member }
            default: break
            }
        }
        try finish()
        return samples
    }

    /// `a/b.part.jpg` is the file `part.jpg` of the sample `a/b`.
    private static func parts(_ name: String) -> (key: String, ending: String) {
        let start = name.lastIndex(of: "/").map { name.index(after: $0) } ?? name.startIndex
        guard let dot = name[start...].firstIndex(of: ".") else { return (name, "") }
        return (String(name[..<dot]), name[name.index(after: dot)...].lowercased())
    }
}
