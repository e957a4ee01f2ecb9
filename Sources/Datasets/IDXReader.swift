import Diagnostics
import Kernels

/// The IDX format of MNIST (Y. LeCun, C. Cortes, C. Burges): big-endian header, then unsigned bytes, plain or gzipped.
///
/// Images: magic 0x803, count, rows, columns, then the pixels row by row. Labels: magic 0x801, count, then the labels.
enum IDXReader {
    private static let imageMagic: UInt32 = 0x803
    private static let labelMagic: UInt32 = 0x801
    private static let classes = 10
    private static let largestSide = 4096

    /// Reads one split: grey images, ten classes named by their digit.
    ///
    /// - Throws: `Failure.inputOutput` for a missing file, `.badData` for a wrong one.
    static func read(_ split: DatasetSplit, name: String, in directory: String) throws -> ImageDataset {
        let prefix = split == .train ? "train" : "t10k"
        let imageNames = fileNames("\(prefix)-images", "idx3-ubyte")
        let labelNames = fileNames("\(prefix)-labels", "idx1-ubyte")
        let folder = try DatasetFolder(
            directory, dataset: name, subfolders: ["MNIST/raw", "raw"], expecting: imageNames + labelNames)
        let imagePath = try folder.file(anyOf: imageNames)
        let labelPath = try folder.file(anyOf: labelNames)
        let labels = try readLabels(labelPath)
        let (shape, pixels) = try readImages(imagePath)
        let count = pixels.count / shape.count
        guard count == labels.count else {
            throw Failure.badData(
                "\(labelPath): found \(labels.count) labels, expected \(count), as many as \(imagePath) has images; "
                    + "image \(min(count, labels.count)) is the first without its partner",
                remedy: "take both files from the same archive, and from the same split (train or t10k)")
        }
        return ImageDataset(
            name: name, imageShape: shape, classNames: (0..<classes).map { "\($0)" }, pixels: pixels, labels: labels)
    }

    private static func fileNames(_ stem: String, _ type: String) -> [String] {
        ["\(stem)-\(type)", "\(stem)-\(type).gz", "\(stem).\(type)", "\(stem).\(type).gz"]
    }

    private static func readImages(_ path: String) throws -> (ImageShape, [UInt8]) {
        let stream = try GzipStream(path)
        let header = try readHeader(stream, magic: imageMagic, words: 4, kind: "images")
        let (count, rows, columns) = (header[1], header[2], header[3])
        for (side, value) in [("rows", rows), ("columns", columns)] where !(1...largestSide).contains(value) {
            throw Failure.badData(
                "\(path): images of \(value) \(side), expected 1 to \(largestSide)", remedy: "the header is damaged: copy or download the file again")
        }
        let shape = ImageShape(height: rows, width: columns, channels: 1)
        return (shape, try readBody(stream, count: count, itemBytes: shape.count, headerBytes: 16))
    }

    private static func readLabels(_ path: String) throws -> [Int32] {
        let stream = try GzipStream(path)
        let header = try readHeader(stream, magic: labelMagic, words: 2, kind: "labels")
        let bytes = try readBody(stream, count: header[1], itemBytes: 1, headerBytes: 8)
        if let bad = bytes.firstIndex(where: { $0 >= classes }) {
            throw Failure.badData(
                "\(path): image \(bad) has label \(bytes[bad]), expected 0 to \(classes - 1)",
                remedy: "use a data set of ten classes, or copy or download the file again if it is damaged")
        }
        return bytes.map(Int32.init)
    }

    /// The big-endian words of the header, the first of which is checked to be `magic`.
    private static func readHeader(_ stream: GzipStream, magic: UInt32, words: Int, kind: String) throws -> [Int] {
        var bytes = [UInt8](repeating: 0, count: 4 * words)
        let found = try bytes.withUnsafeMutableBytes { try stream.read(into: $0) }
        guard found == bytes.count else {
            throw Failure.badData(
                "\(stream.path): \(stream.damage ?? (found == 0 ? "empty" : "truncated")): found \(found) bytes, expected a header of \(bytes.count) and image 0",
                remedy: "copy or download the file again")
        }
        let header = (0..<words).map { i in bytes[4 * i..<4 * i + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) } }
        guard header[0] == magic else {
            let swapped = header[0] == imageMagic || header[0] == labelMagic
            throw Failure.badData(
                "\(stream.path): wrong magic number 0x\(String(header[0], radix: 16)) (before image 0), expected 0x\(String(magic, radix: 16)) "
                    + "for IDX \(kind)",
                remedy: swapped
                    ? "the files of images and labels are swapped: exchange their names"
                    : "this is not an IDX file of unsigned bytes: copy or download it again")
        }
        return header.map { Int($0) }
    }

    /// All that follows the header; nothing is allocated unless the file can hold it.
    private static func readBody(_ stream: GzipStream, count: Int, itemBytes: Int, headerBytes: Int) throws -> [UInt8] {
        guard count > 0 else {
            throw Failure.badData("\(stream.path): empty: found 0 images, expected at least 1", remedy: "copy or download the file again")
        }
        // Both factors are below 2³² and 2²⁴: no overflow.
        let size = count * itemBytes
        guard headerBytes + size <= stream.contentLimit else {
            throw truncated(stream, found: max(0, stream.contentLimit - headerBytes), count: count, itemBytes: itemBytes)
        }
        var need = MemoryNeed()
        need.add(size)
        try requireMemory(need, for: "\(stream.path): \(count) entries of \(itemBytes) bytes", remedy: "use a machine with more memory, or start fewer ranks on it")
        var found = 0
        let body = try [UInt8](unsafeUninitializedCapacity: size) { buffer, initialized in
            found = try stream.read(into: UnsafeMutableRawBufferPointer(buffer))
            initialized = found
        }
        guard found == size else { throw truncated(stream, found: found, count: count, itemBytes: itemBytes) }
        let isAtEnd = try stream.isAtEnd()
        if let damage = stream.damage {
            throw Failure.badData(
                "\(stream.path): \(damage) after image \(count - 1), expected a checksum that fits",
                remedy: "copy or download the file again")
        }
        guard isAtEnd else {
            throw Failure.badData(
                "\(stream.path): oversized: bytes after image \(count - 1), expected \(count) images of \(itemBytes) bytes as the header says",
                remedy: "the header is damaged or the file was appended to: copy or download it again")
        }
        return body
    }

    private static func truncated(_ stream: GzipStream, found: Int, count: Int, itemBytes: Int) -> Failure {
        .badData(
            "\(stream.path): \(stream.damage ?? "truncated"): image \(found / itemBytes) has \(found % itemBytes) bytes, expected \(itemBytes) "
                + "(the header says \(count) images)",
            remedy: "the file was cut short: copy or download it again")
    }
}
