import Diagnostics
import Images

/// One image of a collection and what is said of it.
package struct ImageEntry: Sendable, Hashable {
    /// Where its file is, in the collection's folder; the bytes as they were found, whatever their Unicode normal form.
    package var path: String
    /// Index into `ImageCollection.classNames`.
    package var label: Int32
    /// Nil where nobody said; `ImageCollection.split` decides then.
    package var split: DatasetSplit?
    /// Images of one group stay together; nil: for itself.
    package var group: String?
    /// File of its salience map, in the collection's folder.
    package var salience: String?
    /// Boxes that people drew, in stored pixels.
    package var boxes: [Box] = []
    /// Whatever else a manifest says.
    package var attributes: [String: String] = [:]
    /// Where in a shard it is; nil: a file of its own.
    var place: Place?

    struct Place: Sendable, Hashable {
        var shard: Int32
        var offset: Int
        var size: Int
    }

    package init(path: String, label: Int32, split: DatasetSplit? = nil, group: String? = nil) {
        self.path = path
        self.label = label
        self.split = split
        self.group = group
    }
}

/// A folder of image files, or a manifest of them, before any image is read.
package struct ImageCollection: Sendable {
    /// How people laid it out.
    package enum Layout: String, Sendable {
        case classFolders = "class folders"
        case splitFolders = "class folders in train and test"
        case flat = "files with labels from their names"
        case manifest
        case shards = "WebDataset shards"
    }

    package let layout: Layout
    /// Entries' paths begin here.
    package let folder: String
    /// In order of name.
    package internal(set) var classNames: [String]
    package internal(set) var entries: [ImageEntry]
    /// What was found and not used, with the reason, one line each.
    package internal(set) var ignored: [String]
    /// Names of folders that would be classes if they, or those of their name in another split, were not empty.
    package internal(set) var emptyClasses: [String] = []

    /// Open archives, as `ImageEntry.Place.shard` numbers them.
    var shards: [ReadableFile] = []

    /// Where the image is, for messages: a file, or the name of a sample in a shard.
    package func path(of entry: ImageEntry) -> String {
        if let place = entry.place { return "\(shards[Int(place.shard)].path):\(entry.path)" }
        return entry.path.hasPrefix("/") ? entry.path : folder + "/" + entry.path
    }

    /// The image's encoded bytes.
    ///
    /// - Throws: `Failure` when it cannot be read.
    func bytes(of entry: ImageEntry) throws -> [UInt8] {
        let (file, start, size) = try place(of: entry)
        guard size <= 2 << 30 else {
            throw Failure.badData("\(file.path): has \(byteText(size)), expected at most \(byteText(2 << 30))", remedy: "check that this is the right file")
        }
        return try file.bytes(at: start, count: size)
    }

    /// The file that holds the image's encoded bytes, and where in it they are.
    ///
    /// - Throws: `Failure` when there is none.
    func place(of entry: ImageEntry) throws -> (file: ReadableFile, start: Int, size: Int) {
        if let place = entry.place { return (shards[Int(place.shard)], place.offset, place.size) }
        let file = try openFile(path(of: entry))
        return (file, 0, file.size)
    }

    private func openFile(_ path: String) throws -> ReadableFile {
        do {
            return try ReadableFile(path)
        } catch let failure as Failure where failure.kind == .inputOutput {
            // A manifest may spell a name in another Unicode normal form than the disk does.
            guard layout == .manifest, let found = FolderListing.canonicalPath(path) else { throw failure }
            return try ReadableFile(found)
        }
    }

    /// Numbers in order where all names are numbers, else names in order.
    static func classOrder(_ names: [String]) -> [Int] {
        let numbers = names.compactMap { Int($0) }
        return numbers.count == names.count
            ? names.indices.sorted { numbers[$0] < numbers[$1] } : names.indices.sorted { names[$0] < names[$1] }
    }
}

/// How a collection is read where its layout leaves a choice.
package struct CollectionOptions: Sendable, Hashable {
    /// A regular expression whose first group is the label, matched against file names without extension; empty: labels are
    /// folders.
    package var labelFrom: String
    /// Share of the images that become the test split, where nobody made one.
    package var testShare: Double
    package var seed: UInt64

    package init(labelFrom: String = "", testShare: Double = 0.2, seed: UInt64 = 0) {
        self.labelFrom = labelFrom
        self.testShare = testShare
        self.seed = seed
    }
}

extension ImageCollection {
    /// Opens what is at `path`: a manifest (`.csv`, `.jsonl`), a folder that holds `manifest.csv` or `manifest.jsonl`, a folder
    /// of class folders, one with `train` and `test` of them, or with `options.labelFrom` any folder.
    ///
    /// Tar shards (WebDataset), one or a folder of them, come first.
    ///
    /// Every image has a split afterwards.
    /// - Parameter anew: whether shards are read whatever an index beside them says, and none is written.
    /// - Throws: `Failure` that says what is missing or contradictory, and how to mend it.
    package init(at path: String, options: CollectionOptions, anew: Bool = false) throws {
        let path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        let shards = try ShardCollection.shards(at: path)
        if !shards.isEmpty {
            self = try ShardCollection.collection(shards, at: path, anew: anew)
        } else if !FolderListing.isFolder(path) {
            self = try Manifest.read(path)
        } else if let manifest = ["manifest.csv", "manifest.jsonl"].map({ "\(path)/\($0)" }).first(where: FolderListing.exists) {
            self = try Manifest.read(manifest)
        } else {
            self = try FolderScan.collection(at: path, labelFrom: options.labelFrom)
        }
        guard !entries.isEmpty else {
            throw Failure.badData(
                "\(path): holds no image\(ignored.isEmpty ? "" : " (ignored: \(ignored.prefix(3).joined(separator: "; ")))")",
                remedy: "expected one folder per class with JPEG or PNG files, or a manifest, or files with --label-from")
        }
        try assignSplits(share: options.testShare, seed: options.seed)
    }
}
