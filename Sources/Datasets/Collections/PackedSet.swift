import Diagnostics
import Foundation
import Images
import Kernels

/// One split of a packed set, mapped into memory: ranks of one host share it, and pages come when they are needed.
package final class PackedSet: ImageSource {
    package let name: String
    package let imageShape: ImageShape
    package let classNames: [String]
    package let labels: [Int32]
    package let groups: [Int32]?
    package let fingerprint: String
    package let fitRule: FitRule
    /// The folder.
    package let path: String
    /// What was packed: an absolute path, so that its masks are found from anywhere (before, as the person wrote it).
    private let source: String
    private let recordHash: String?
    private let pixels: MappedFile
    /// The split's first image within the file.
    private let first: Int

    package static func isPackedSet(_ path: String) -> Bool { PackedHeader.isPackedSet(path) }

    /// The splits that hold images, training first.
    package static func splits(of path: String) throws -> [DatasetSplit] {
        let header = try PackedHeader(folder: path)
        return DatasetSplit.allCases.filter { $0 == .train ? header.train > 0 : header.test > 0 }
    }

    /// - Throws: `Failure` when a file is missing or has another size than its description says.
    package init(_ path: String, split: DatasetSplit, name: String = "images") throws {
        let header = try PackedHeader(folder: path)
        let count = split == .train ? header.train : header.test
        guard count > 0 else {
            throw Failure.usage("\(path): the \(split.rawValue) split holds no image", remedy: "pack it with a --test-share, or from train and test folders")
        }
        first = split == .train ? 0 : header.train
        pixels = try MappedFile(
            path + "/images.u8", size: header.count * header.shape.count, remedy: "it was cut short or changed: copy it or pack the images again")
        labels = try PackedSet.numbers(path + "/labels.i32", total: header.count, part: first..<first + count)
        groups = header.hasGroups ? try PackedSet.numbers(path + "/groups.i32", total: header.count, part: first..<first + count) : nil
        if let bad = labels.firstIndex(where: { !header.classes.indices.contains(Int($0)) }) {
            throw Failure.badData(
                "\(path)/labels.i32: image \(first + bad) has label \(labels[bad]), expected 0 to \(header.classes.count - 1)",
                remedy: "pack the images again: sipat data pack")
        }
        self.path = path
        self.name = name
        imageShape = header.shape
        classNames = header.classes
        source = header.source
        recordHash = header.recordHash
        fitRule = FitRule(rawValue: header.fit) ?? .resize
        fingerprint = "\(name) \(count)×\(header.shape) \(split == .train ? header.trainHash : header.testHash)"
    }

    package func read(_ index: Int, _ draw: SampleDraw, into target: UnsafeMutablePointer<UInt8>) throws -> SampleGeometry {
        precondition(index >= 0 && index < count, "image \(index) of \(count)")
        return draw.place(fitted: image(index), shape: imageShape, into: target)
    }

    private func image(_ index: Int) -> UnsafePointer<UInt8> {
        pixels.bytes.baseAddress!.assumingMemoryBound(to: UInt8.self) + (first + index) * imageShape.count
    }

    package func title(of index: Int) -> String { "\(path): image \(first + index)" }

    package func names() throws -> [String] { try origins().map(\.path) }

    package var hasNames: Bool { true }

    package func fileHashes(_ indices: [Int]) throws -> [String?] {
        let lines = try lines()
        return try indices.map { try origin(lines, $0).fileHash }
    }

    package func originals() throws -> [OriginalImage] {
        let folder = FolderListing.isFolder(source) ? source : pathFolder(source)
        return try origins().enumerated().map { index, origin in
            guard (1...1_000_000).contains(origin.width), (1...1_000_000).contains(origin.height), origin.boxes?.allSatisfy({ $0.count == 4 }) ?? true else {
                throw Failure.badData("\(path)/index.jsonl:\(first + index + 1): the size or a box is damaged", remedy: "pack the images again: sipat data pack")
            }
            return OriginalImage(
                name: origin.path, storedSize: PixelSize(width: origin.width, height: origin.height), orientation: Orientation(exif: origin.orientation),
                boxes: (origin.boxes ?? []).map { Box(left: $0[0], top: $0[1], right: $0[2], bottom: $0[3]) },
                mask: origin.salience.map { $0.hasPrefix("/") ? $0 : folder + "/" + $0 }, fileHash: origin.fileHash)
        }
    }

    package func attributes() throws -> [String: [String?]] { columns(try origins().map { $0.attributes ?? [:] }) }

    /// What `index.jsonl` says of this split's images, in order.
    package func origins() throws -> [PackedImage] {
        let lines = try lines()
        return try (0..<count).map { try origin(lines, $0) }
    }

    private var index: String { path + "/index.jsonl" }

    private func lines() throws -> [ArraySlice<UInt8>] {
        let file = index
        let lines = try ReadableFile.contents(of: file, limit: 4 << 30).split(separator: 0x0A)
        guard lines.count >= first + count else {
            throw Failure.badData("\(file): has \(lines.count) lines, expected one per image", remedy: "pack the images again: sipat data pack")
        }
        return lines
    }

    /// What a line says of image `index`.
    private func origin(_ lines: [ArraySlice<UInt8>], _ index: Int) throws -> PackedImage {
        do { return try decodedJSON(PackedImage.self, from: lines[first + index]) } catch {
            throw Failure.badData("\(self.index):\(first + index + 1): does not describe an image (\(error))", remedy: "pack the images again: sipat data pack")
        }
    }

    /// Reads all pixels and what is said of the images, and compares their hashes with those that were written.
    package func verify() throws {
        var hash = ContentHash()
        labels.withUnsafeBytes { hash.combine($0) }
        for index in 0..<count {
            hash.combine(UnsafeRawBufferPointer(start: image(index), count: imageShape.count))
        }
        guard fingerprint.hasSuffix(hash.hexadecimal) else {
            throw Failure.badData(
                "\(path): pixels or labels have the hash \(hash.hexadecimal), expected \(fingerprint.suffix(16))",
                remedy: "the set was changed or damaged after it was packed: pack it again")
        }
        _ = try origins()
        guard let recordHash else { return }
        let groupBytes = try groups == nil ? [] : ReadableFile.contents(of: path + "/groups.i32", limit: 4 << 30)
        let found = PackedHeader.recordHash(classes: classNames, groups: groupBytes, index: try ReadableFile.contents(of: index, limit: 4 << 30))
        guard found == recordHash else {
            throw Failure.badData(
                "\(path): classes, groups or index.jsonl have the hash \(found), expected \(recordHash)",
                remedy: "the set was changed or damaged after it was packed: pack it again")
        }
    }

    private static func numbers(_ path: String, total: Int, part: Range<Int>) throws -> [Int32] {
        let file = try ReadableFile(path)
        guard file.size == 4 * total else {
            throw Failure.badData("\(path): has \(file.size) bytes, expected \(4 * total)", remedy: "pack the images again: sipat data pack")
        }
        return try file.bytes(at: 4 * part.lowerBound, count: 4 * part.count).withUnsafeBytes { bytes in
            (0..<part.count).map { Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self)) }
        }
    }
}
