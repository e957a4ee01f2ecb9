import Diagnostics
import Images
import Kernels

/// `pack.json` of a packed set.
///
/// A packed set is a folder: `images.u8`, N×H×W×C bytes, the training images first, then the test images; `labels.i32` and, where
/// there are groups, `groups.i32` (little-endian); `index.jsonl`, a line per image that says where it comes from; and this.
struct PackedHeader: Codable, Sendable, Hashable {
    static let currentFormat = 1
    static let fileName = "pack.json"

    /// A file that was left out.
    struct Skipped: Codable, Sendable, Hashable {
        var path: String
        var reason: String
    }

    var format = PackedHeader.currentFormat
    var height: Int
    var width: Int
    /// 1 or 3.
    var channels: Int
    var fit: String
    var classes: [String]
    var train: Int
    var test: Int
    var hasGroups: Bool
    /// Over labels and pixels of each split.
    var trainHash: String
    var testHash: String
    /// Over classes, groups and `index.jsonl`; nil in sets that were packed before there was one.
    var recordHash: String?
    /// What was packed: an absolute path, so that its masks are found from anywhere (before, as the person wrote it).
    var source: String
    var skipped: [Skipped] = []

    var count: Int { train + test }
    var shape: ImageShape { ImageShape(height: height, width: width, channels: channels) }

    /// - Parameter groups: the bytes of `groups.i32`; none where there are no groups.
    static func recordHash(classes: [String], groups: [UInt8], index: [UInt8]) -> String {
        var hash = ContentHash()
        for name in classes { hash.combine(text: name) }
        groups.withUnsafeBytes { hash.combine($0) }
        index.withUnsafeBytes { hash.combine($0) }
        return hash.hexadecimal
    }

    static func isPackedSet(_ path: String) -> Bool { FolderListing.exists(path + "/" + fileName) }

    init(
        shape: ImageShape, fit: String, classes: [String], train: Int, test: Int, hasGroups: Bool, trainHash: String, testHash: String,
        recordHash: String, source: String, skipped: [Skipped]
    ) {
        height = shape.height
        width = shape.width
        channels = shape.channels
        self.fit = fit
        self.classes = classes
        self.train = train
        self.test = test
        self.hasGroups = hasGroups
        self.trainHash = trainHash
        self.testHash = testHash
        self.recordHash = recordHash
        self.source = source
        self.skipped = skipped
    }

    /// - Throws: `Failure` naming file, field, what was found and what was expected.
    init(folder: String) throws {
        let path = folder + "/" + PackedHeader.fileName
        let bytes = try ReadableFile.contents(of: path)
        do {
            self = try decodedJSON(PackedHeader.self, from: bytes)
        } catch {
            throw Failure.badData("\(path): is not the description of a packed set (\(error))", remedy: "pack the images again: sipat data pack")
        }
        func require(_ isRight: Bool, _ text: String) throws {
            guard !isRight else { return }
            throw Failure.badData("\(path): \(text)", remedy: "pack the images again: sipat data pack")
        }
        try require(format == PackedHeader.currentFormat, "format is \(format), expected \(PackedHeader.currentFormat)")
        try require((1...65_536).contains(height) && (1...65_536).contains(width), "size is \(width)×\(height)")
        try require(channels == 1 || channels == 3, "channels is \(channels), expected 1 or 3")
        try require(train >= 0 && test >= 0 && train <= 1 << 40 && test <= 1 << 40, "counts are \(train) and \(test)")
        try require(!count.multipliedReportingOverflow(by: shape.count).overflow, "\(count) images of \(shape) are more than there can be")
        try require(!classes.isEmpty, "there are no classes")
    }
}

/// A line of `index.jsonl`.
package struct PackedImage: Codable, Sendable, Hashable {
    /// Where it came from, in the collection's folder.
    package var path: String
    package var label: String
    package var split: String
    package var group: String?
    package var salience: String?
    /// left, top, right, bottom in stored pixels.
    package var boxes: [[Double]]?
    package var attributes: [String: String]?
    /// Stored size and EXIF orientation of the file: what annotations need.
    package var width: Int
    package var height: Int
    package var orientation: Int
    /// 64-bit hash of the file's bytes.
    package var fileHash: String
}
