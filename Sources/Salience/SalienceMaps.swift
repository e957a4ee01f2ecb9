import Diagnostics
import Foundation

/// The salience maps of a data set in one array, one per image in the data set's order: [count, height, width], 1 = meaningful.
///
/// They stay as they lie in the file, which is mapped into memory: one byte per pixel (uint8, where 255 means 1) or four
/// (float32).
package final class SalienceMaps: Sendable {
    /// The file, or what made them.
    package let path: String
    package let count: Int
    package let height: Int
    package let width: Int
    package let type: NpyType
    package let provenance: SalienceProvenance
    private let elements: Elements
    /// Whether each map marks anything at all.
    private let marks: [Bool]

    private enum Elements: Sendable {
        case memory([UInt8])
        case file(MappedFile, start: Int)
    }

    /// Pixels of one map.
    package var pixels: Int { height * width }

    /// Reads `path` (npy, uint8 or float32, N×H×W) and the JSON beside it, and checks every value.
    ///
    /// - Throws: `Failure` when a file is missing or malformed, when the JSON names another number of maps than there
    ///   are, or when a value is not a number or outside [0, 1] (naming the image, the pixel and the value).
    package init(contentsOf path: String) throws {
        let path = try expandingTilde(path)
        let file = try NpyFile(path)
        guard file.shape.count == 3, file.shape.allSatisfy({ $0 > 0 }) else {
            throw Failure.badData(
                "\(path): has shape \(file.shape), expected [images, height, width]", remedy: "reshape the array and save it again")
        }
        provenance = try SalienceProvenance(besides: path)
        (count, height, width) = (file.shape[0], file.shape[1], file.shape[2])
        guard provenance.dataset.count == count else {
            throw Failure.badData(
                "\(path): has \(count) maps, \(SalienceProvenance.path(besides: path)) says \(provenance.dataset.count)",
                remedy: "the two files do not belong together: make the maps again, or mend dataset.count")
        }
        type = file.type
        let mapped = try MappedFile(path)
        guard mapped.size - file.dataStart == file.count * type.size else {
            throw Failure.badData("\(path): changed while it was opened", remedy: "try again when nobody writes it")
        }
        self.path = path
        elements = .file(mapped, start: file.dataStart)
        marks = try SalienceMaps.check(elements, type: type, count: count, height: height, width: width, path: path)
    }

    /// Maps made by a program, one byte per pixel: 0 to 255 for 0 to 1.
    package init(bytes: [UInt8], count: Int, height: Int, width: Int, provenance: SalienceProvenance) {
        precondition(bytes.count == count * height * width, "\(bytes.count) bytes for \(count) maps of \(height)×\(width)")
        (self.count, self.height, self.width) = (count, height, width)
        (type, elements) = (.uint8, .memory(bytes))
        self.provenance = provenance
        path = "salience"
        let pixels = height * width
        marks = (0..<count).map { bytes[$0 * pixels..<($0 + 1) * pixels].contains { $0 != 0 } }
    }

    /// Maps made by a program, values in [0, 1].
    ///
    /// - Throws: `Failure.badData` for a value that is not.
    package init(values: [Float], count: Int, height: Int, width: Int, provenance: SalienceProvenance) throws {
        precondition(values.count == count * height * width, "\(values.count) values for \(count) maps of \(height)×\(width)")
        (self.count, self.height, self.width) = (count, height, width)
        (type, elements) = (.float32, .memory(values.withUnsafeBytes(Array.init)))
        self.provenance = provenance
        path = "salience"
        marks = try SalienceMaps.check(elements, type: type, count: count, height: height, width: width, path: path)
    }

    /// Copies map `index`, [height, width], as values in [0, 1]. Allocates nothing.
    package func copy(_ index: Int, into map: UnsafeMutablePointer<Float>) {
        precondition(index >= 0 && index < count, "map \(index) of \(count)")
        withUnsafeBytes { bytes in
            let start = bytes.baseAddress! + index * pixels * type.size
            switch type {
            case .uint8:
                for i in 0..<pixels { map[i] = Float(start.load(fromByteOffset: i, as: UInt8.self)) / 255 }
            case .float32:
                UnsafeMutableRawPointer(map).copyMemory(from: start, byteCount: 4 * pixels)
            }
        }
    }

    /// Whether map `index` marks anything at all; one that does not counts as an image without annotation. O(1).
    package func isAnnotated(_ index: Int) -> Bool { marks[index] }

    /// The bytes of all maps, for a fingerprint.
    package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        switch elements {
        case .memory(let bytes): try bytes.withUnsafeBytes(body)
        case .file(let file, let start): try body(UnsafeRawBufferPointer(rebasing: file.bytes[start...]))
        }
    }

    /// Checks that the maps belong to a data set.
    ///
    /// - Parameters:
    ///   - height, width: of the data set's images.
    /// - Throws: `Failure.badData` that names both when data set, split, number of images, their size or fingerprint differ.
    package func require(
        dataset: SalienceProvenance.Dataset, height: Int, width: Int, from path: String = "the salience maps"
    ) throws {
        let own = provenance.dataset
        guard count == dataset.count else {
            throw Failure.badData(
                "\(path): \(count) maps (\(own.name) \(own.split)) for \(dataset.count) images (\(dataset.name) \(dataset.split))",
                remedy: "give one map per image, in the order of the data set")
        }
        guard self.height == height, self.width == width else {
            throw Failure.badData(
                "\(path): maps of \(self.height)×\(self.width) pixels for images of \(height)×\(width)",
                remedy: "resize the maps to \(height)×\(width), averaging over areas, and save them again")
        }
        guard own.name == dataset.name, own.split == dataset.split else {
            throw Failure.badData(
                "\(path): made for \(own.name) \(own.split), used with \(dataset.name) \(dataset.split)",
                remedy: "give the maps of this split, or mend dataset in the JSON beside them")
        }
        if let mine = own.fingerprint, let theirs = dataset.fingerprint, mine != theirs {
            throw Failure.badData(
                "\(path): made for images with fingerprint \(mine), these have \(theirs)",
                remedy: "the images or their order have changed: make the maps again")
        }
    }

    /// Writes the maps and the JSON beside them.
    ///
    /// An older JSON is removed first and the new one written last, so that a crash leaves no pair that does not match.
    package func write(to path: String) throws {
        unlink(SalienceProvenance.path(besides: path))
        try withUnsafeBytes { try writeNpy($0, type: type, shape: [count, height, width], to: path) }
        try provenance.write(besides: path)
    }

    /// Reads every value once.
    ///
    /// - Returns: whether each map marks anything.
    private static func check(_ elements: Elements, type: NpyType, count: Int, height: Int, width: Int, path: String) throws -> [Bool] {
        switch elements {
        case .memory(let bytes): try bytes.withUnsafeBytes { try check($0, type: type, count: count, height: height, width: width, path: path) }
        case .file(let file, let start):
            try check(UnsafeRawBufferPointer(rebasing: file.bytes[start...]), type: type, count: count, height: height, width: width, path: path)
        }
    }

    private static func check(_ bytes: UnsafeRawBufferPointer, type: NpyType, count: Int, height: Int, width: Int, path: String) throws -> [Bool] {
        let pixels = height * width
        var marks = [Bool](repeating: false, count: count)
        switch type {
        case .uint8:
            var largest: UInt8 = 0
            for image in 0..<count {
                let here = bytes[image * pixels..<(image + 1) * pixels].max() ?? 0
                marks[image] = here > 0
                largest = max(largest, here)
            }
            // Masks of 0 and 1 saved as they are would mean 1/255: no protection, and nobody would notice.
            guard largest != 1 else {
                throw Failure.badData(
                    "\(path): uint8 maps that hold only 0 and 1, where 255 stands for full salience",
                    remedy: "multiply them by 255, or save them as float32")
            }
        case .float32:
            for index in 0..<(count * pixels) {
                let value = bytes.loadUnaligned(fromByteOffset: 4 * index, as: Float.self)
                guard value >= 0, value <= 1 else {
                    let (image, pixel) = index.quotientAndRemainder(dividingBy: pixels)
                    throw Failure.badData(
                        "\(path): image \(image) has salience \(value) at row \(pixel / width), column \(pixel % width), expected 0 to 1",
                        remedy: "scale the maps to [0, 1], and give images without annotation a map of zeros")
                }
                // A negative zero is zero too.
                if value != 0 { marks[index / pixels] = true }
            }
        }
        return marks
    }
}
