import CZlib
import Datasets
import Diagnostics
import Foundation
import Testing

@Suite("IDX files")
struct IDXTests {
    private func bigEndian(_ value: UInt32) -> [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) } }

    private func images(_ count: Int, rows: Int = 9, columns: Int = 7, magic: UInt32 = 0x803) -> [UInt8] {
        bigEndian(magic) + bigEndian(UInt32(count)) + bigEndian(UInt32(rows)) + bigEndian(UInt32(columns))
            + pseudoRandomBytes(count * rows * columns, seed: 3)
    }

    private func labels(_ values: [UInt8], magic: UInt32 = 0x801) -> [UInt8] {
        bigEndian(magic) + bigEndian(UInt32(values.count)) + values
    }

    /// Gzipped by zlib's one-shot interface.
    private func gzip(_ bytes: [UInt8]) throws -> [UInt8] {
        var stream = z_stream()
        let start = deflateInit2_(
            &stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        try #require(start == Z_OK)
        defer { deflateEnd(&stream) }
        var input = bytes
        var output = [UInt8](repeating: 0, count: bytes.count + 1000)
        let result = input.withUnsafeMutableBufferPointer { input in
            output.withUnsafeMutableBufferPointer { output in
                stream.next_in = input.baseAddress
                stream.avail_in = UInt32(input.count)
                stream.next_out = output.baseAddress
                stream.avail_out = UInt32(output.count)
                return deflate(&stream, Z_FINISH)
            }
        }
        try #require(result == Z_STREAM_END)
        return Array(output.prefix(Int(stream.total_out)))
    }

    private func folder(
        images: [UInt8], labels: [UInt8], suffix: String = "", prefix: String = "train"
    ) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try folder.write(images, to: "\(prefix)-images-idx3-ubyte\(suffix)")
        try folder.write(labels, to: "\(prefix)-labels-idx1-ubyte\(suffix)")
        return folder
    }

    private func load(_ folder: TemporaryFolder, _ split: DatasetSplit = .train) throws -> ImageDataset {
        try DatasetLoader.load(name: "mnist", directory: folder.path, split: split)
    }

    private let digits: [UInt8] = [3, 1, 4, 1, 5, 9]

    @Test func pixelsAndLabels() throws {
        let dataset = try load(folder(images: images(6), labels: labels(digits)))
        #expect(dataset.pixels == pseudoRandomBytes(6 * 63, seed: 3))
        #expect(dataset.labels == digits.map(Int32.init))
        #expect(dataset.imageShape.height == 9 && dataset.imageShape.width == 7 && dataset.imageShape.channels == 1)
        #expect(dataset.classNames == (0...9).map(String.init))
    }

    @Test func gzippedEqualsPlain() throws {
        let plain = try load(folder(images: images(6), labels: labels(digits), prefix: "t10k"), .test)
        let zipped = try load(folder(images: gzip(images(6)), labels: gzip(labels(digits)), suffix: ".gz", prefix: "t10k"), .test)
        #expect(plain.pixels == zipped.pixels && plain.labels == zipped.labels && plain.fingerprint == zipped.fingerprint)
    }

    @Test func wrongMagic() throws {
        let bad = try folder(images: images(6, magic: 0x802), labels: labels(digits))
        expectFailure(.badData, ["train-images-idx3-ubyte", "magic", "0x802", "expected 0x803", "image 0"]) { _ = try load(bad) }
        let swapped = try folder(images: images(6), labels: images(6))
        expectFailure(.badData, ["train-labels-idx1-ubyte", "magic", "0x803", "expected 0x801"]) { _ = try load(swapped) }
    }

    @Test func differentCounts() throws {
        let bad = try folder(images: images(5), labels: labels(digits))
        expectFailure(.badData, ["train-labels-idx1-ubyte", "train-images-idx3-ubyte", "6 labels", "expected 5", "image 5"]) {
            _ = try load(bad)
        }
    }

    @Test func truncatedImages() throws {
        let bad = try folder(images: images(6).dropLast(100), labels: labels(digits))
        // 278 of 378 bytes are left: four whole images and 26 bytes.
        expectFailure(.badData, ["train-images-idx3-ubyte", "truncated", "image 4", "26 bytes", "expected 63", "6 images"]) {
            _ = try load(bad)
        }
    }

    @Test func truncatedLabelsAndHeader() throws {
        let short = try folder(images: images(6), labels: labels(digits).dropLast(2))
        expectFailure(.badData, ["train-labels-idx1-ubyte", "truncated", "image 4"]) { _ = try load(short) }
        let header = try folder(images: Array(images(6).prefix(11)), labels: labels(digits))
        expectFailure(.badData, ["train-images-idx3-ubyte", "truncated", "11 bytes", "header of 16"]) { _ = try load(header) }
        let empty = try folder(images: [], labels: labels(digits))
        expectFailure(.badData, ["train-images-idx3-ubyte", "empty", "image 0"]) { _ = try load(empty) }
    }

    @Test func bytesAfterTheLastImage() throws {
        let bad = try folder(images: images(6) + [0], labels: labels(digits))
        expectFailure(.badData, ["train-images-idx3-ubyte", "oversized", "image 5", "6 images of 63 bytes"]) { _ = try load(bad) }
    }

    @Test func labelOutOfRange() throws {
        let bad = try folder(images: images(6), labels: labels([1, 2, 3, 10, 5, 6]))
        expectFailure(.badData, ["train-labels-idx1-ubyte", "image 3", "label 10", "expected 0 to 9"]) { _ = try load(bad) }
    }

    @Test func absurdHeader() throws {
        // 2³² − 1 images: refused before anything is allocated, plain or gzipped.
        let header = bigEndian(0x803) + bigEndian(.max) + bigEndian(28) + bigEndian(28) + [1, 2, 3]
        for (bytes, suffix) in [(header, ""), (try gzip(header), ".gz")] {
            let bad = try folder(images: bytes, labels: suffix.isEmpty ? labels(digits) : gzip(labels(digits)), suffix: suffix)
            expectFailure(.badData, ["truncated", "4294967295 images"]) { _ = try load(bad) }
        }
        let wide = try folder(images: images(0, rows: 1 << 30, columns: 1 << 30), labels: labels(digits))
        expectFailure(.badData, ["1073741824 rows", "expected 1 to"]) { _ = try load(wide) }
        let none = try folder(images: images(0), labels: labels(digits))
        expectFailure(.badData, ["empty"]) { _ = try load(none) }
    }

    /// Cut at every length, the file is refused; never a crash, never a success.
    @Test func gzipCutAnywhere() throws {
        let zipped = try gzip(images(6))
        for length in 0..<zipped.count {
            let bad = try folder(images: Array(zipped.prefix(length)), labels: gzip(labels(digits)), suffix: ".gz")
            let failure = #expect(throws: Failure.self) { try load(bad) }
            #expect(failure?.kind == .badData && failure?.message.contains("train-images-idx3-ubyte.gz") == true)
            if length >= 32 { #expect(failure?.message.contains("truncated gzip data") == true, "\(length): \(failure!)") }
        }
    }

    @Test func damagedGzip() throws {
        var zipped = try gzip(images(6))
        zipped[zipped.count - 6] ^= 0x10  // within the checksum
        let bad = try folder(images: zipped, labels: gzip(labels(digits)), suffix: ".gz")
        expectFailure(.badData, ["train-images-idx3-ubyte.gz", "damaged gzip data", "image"]) { _ = try load(bad) }
    }

    @Test func missingFiles() throws {
        let empty = try TemporaryFolder()
        expectFailure(.inputOutput, ["t10k-images-idx3-ubyte", "t10k-images-idx3-ubyte.gz", empty.path]) { _ = try load(empty, .test) }
        let half = try TemporaryFolder()
        try half.write(images(2), to: "train-images-idx3-ubyte")
        expectFailure(.inputOutput, ["train-labels-idx1-ubyte"]) { _ = try load(half) }
    }
}
