import Diagnostics
import Foundation

/// The salience maps of a data set, one per image in the data set's order: [count, height, width], 1 = meaningful.
///
/// They are kept in memory as they lie in the file: one byte per pixel (uint8, where 255 means 1) or four (float32).
package final class SalienceMaps: Sendable {
    package let count: Int
    package let height: Int
    package let width: Int
    package let type: NpyType
    package let provenance: SalienceProvenance
    private let elements: [UInt8]

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
        let bytes = file.count * type.size
        var need = MemoryNeed()
        // As they lie in the file, and as the numbers they stand for.
        need.add(file.count, type.size + MemoryLayout<Float>.size)
        try requireMemory(need, for: "\(path): \(count) maps of \(height)×\(width)", remedy: "use a machine with more memory, or start fewer ranks on it")
        elements = try [UInt8](unsafeUninitializedCapacity: bytes) { buffer, initialized in
            try file.read(into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<bytes]))
            initialized = bytes
        }
        try check(path)
    }

    /// Maps made by a program, one byte per pixel: 0 to 255 for 0 to 1.
    package init(bytes: [UInt8], count: Int, height: Int, width: Int, provenance: SalienceProvenance) {
        precondition(bytes.count == count * height * width, "\(bytes.count) bytes for \(count) maps of \(height)×\(width)")
        (self.count, self.height, self.width) = (count, height, width)
        (type, elements) = (.uint8, bytes)
        self.provenance = provenance
    }

    /// Maps made by a program, values in [0, 1].
    ///
    /// - Throws: `Failure.badData` for a value that is not.
    package init(values: [Float], count: Int, height: Int, width: Int, provenance: SalienceProvenance) throws {
        precondition(values.count == count * height * width, "\(values.count) values for \(count) maps of \(height)×\(width)")
        (self.count, self.height, self.width) = (count, height, width)
        (type, elements) = (.float32, values.withUnsafeBytes(Array.init))
        self.provenance = provenance
        try check("salience")
    }

    /// Copies map `index`, [height, width], as values in [0, 1]. Allocates nothing.
    package func copy(_ index: Int, into map: UnsafeMutablePointer<Float>) {
        precondition(index >= 0 && index < count, "map \(index) of \(count)")
        elements.withUnsafeBytes { bytes in
            let start = bytes.baseAddress! + index * pixels * type.size
            switch type {
            case .uint8:
                for i in 0..<pixels { map[i] = Float(start.load(fromByteOffset: i, as: UInt8.self)) / 255 }
            case .float32:
                UnsafeMutableRawPointer(map).copyMemory(from: start, byteCount: 4 * pixels)
            }
        }
    }

    /// Whether map `index` marks anything at all; one that does not counts as an image without annotation.
    package func isAnnotated(_ index: Int) -> Bool {
        let size = pixels * type.size
        // A float32 negative zero is zero too.
        return switch type {
        case .uint8: elements[index * size..<(index + 1) * size].contains { $0 != 0 }
        case .float32: (0..<pixels).contains { value(index * pixels + $0) != 0 }
        }
    }

    /// The bytes of all maps, for a fingerprint.
    package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try elements.withUnsafeBytes(body)
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
        try elements.withUnsafeBytes { try writeNpy($0, type: type, shape: [count, height, width], to: path) }
        try provenance.write(besides: path)
    }

    private func value(_ index: Int) -> Float {
        elements.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 4 * index, as: Float.self) }
    }

    private func check(_ path: String) throws {
        switch type {
        case .uint8:
            // Masks of 0 and 1 saved as they are would mean 1/255: no protection, and nobody would notice.
            guard elements.max() != 1 else {
                throw Failure.badData(
                    "\(path): uint8 maps that hold only 0 and 1, where 255 stands for full salience",
                    remedy: "multiply them by 255, or save them as float32")
            }
        case .float32:
            for index in 0..<(count * pixels) where !(value(index) >= 0 && value(index) <= 1) {
                let (image, pixel) = index.quotientAndRemainder(dividingBy: pixels)
                throw Failure.badData(
                    "\(path): image \(image) has salience \(value(index)) at row \(pixel / width), column \(pixel % width), expected 0 to 1",
                    remedy: "scale the maps to [0, 1], and give images without annotation a map of zeros")
            }
        }
    }
}
