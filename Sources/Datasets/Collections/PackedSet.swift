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
    /// The folder.
    package let path: String
    private let pixels: MappedFile
    /// The split's first image within the file.
    private let first: Int

    package static func isPackedSet(_ path: String) -> Bool { PackedHeader.isPackedSet(path) }

    /// - Throws: `Failure` when a file is missing or has another size than its description says.
    package init(_ path: String, split: DatasetSplit, name: String = "images") throws {
        let header = try PackedHeader(folder: path)
        let count = split == .train ? header.train : header.test
        guard count > 0 else {
            throw Failure.usage("\(path): the \(split.rawValue) split holds no image", remedy: "pack it with a --test-share, or from train and test folders")
        }
        first = split == .train ? 0 : header.train
        pixels = try MappedFile(path + "/images.u8", size: header.count * header.shape.count)
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
        fingerprint = "\(name) \(count)×\(header.shape) \(split == .train ? header.trainHash : header.testHash)"
    }

    package func read(_ index: Int, _ draw: SampleDraw, into target: UnsafeMutablePointer<UInt8>) throws -> SampleGeometry {
        precondition(index >= 0 && index < count, "image \(index) of \(count)")
        return draw.place(fitted: pixels.bytes + (first + index) * imageShape.count, shape: imageShape, into: target)
    }

    package func title(of index: Int) -> String { "\(path): image \(first + index)" }

    /// What `index.jsonl` says of this split's images, in order.
    package func origins() throws -> [PackedImage] {
        let file = path + "/index.jsonl"
        let lines = try ReadableFile.contents(of: file, limit: 4 << 30).split(separator: 0x0A)
        guard lines.count >= first + count else {
            throw Failure.badData("\(file): has \(lines.count) lines, expected one per image", remedy: "pack the images again: sipat data pack")
        }
        return try (first..<first + count).map { line in
            do { return try decodedJSON(PackedImage.self, from: lines[line]) } catch {
                throw Failure.badData("\(file):\(line + 1): does not describe an image (\(error))", remedy: "pack the images again: sipat data pack")
            }
        }
    }

    /// Reads all pixels and compares their hash with the one that was written.
    package func verify() throws {
        var hash = ContentHash()
        labels.withUnsafeBytes { hash.combine($0) }
        for index in 0..<count {
            hash.combine(UnsafeRawBufferPointer(start: pixels.bytes + (first + index) * imageShape.count, count: imageShape.count))
        }
        guard fingerprint.hasSuffix(hash.hexadecimal) else {
            throw Failure.badData(
                "\(path): pixels or labels have the hash \(hash.hexadecimal), expected \(fingerprint.suffix(16))",
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

/// A file's bytes, mapped read-only. Nothing changes them as long as nobody writes the file: hence `@unchecked Sendable`.
final class MappedFile: @unchecked Sendable {
    let bytes: UnsafePointer<UInt8>
    private let base: UnsafeMutableRawPointer
    private let size: Int

    /// - Throws: `Failure` unless the file has exactly `size` bytes.
    init(_ path: String, size: Int) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure.reading(path, code: errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Failure.reading(path, code: errno) }
        guard status.st_size == size, size > 0 else {
            throw Failure.badData("\(path): has \(status.st_size) bytes, expected \(size)", remedy: "it was cut short or changed: copy it or pack the images again")
        }
        guard let base = mmap(nil, size, PROT_READ, MAP_SHARED, descriptor, 0), base != MAP_FAILED else {
            throw Failure.reading(path, code: errno)
        }
        self.base = base
        self.size = size
        bytes = UnsafePointer(base.assumingMemoryBound(to: UInt8.self))
    }

    deinit { munmap(base, size) }
}
