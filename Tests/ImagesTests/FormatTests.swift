import Foundation
import Images
import Testing

@Suite("Formats are told by content")
struct FormatTests {
    private static let foreign: [(ImageFormat, [UInt8], String)] = [
        (.gif, Array("GIF89a".utf8) + [1, 0, 1, 0], "PNG"),
        (.bmp, Array("BM".utf8) + [UInt8](repeating: 0, count: 12) + [40, 0, 0, 0], "PNG"),
        (.tiff, [0x49, 0x49, 0x2A, 0, 8, 0, 0, 0], "PNG"),
        (.tiff, [0x4D, 0x4D, 0, 0x2A, 0, 0, 0, 8], "PNG"),
        (.webp, Array("RIFF".utf8) + [0, 0, 0, 0] + Array("WEBPVP8 ".utf8), "PNG"),
        (.heic, [0, 0, 0, 24] + Array("ftypheic".utf8), "PNG"),
        (.avif, [0, 0, 0, 24] + Array("ftypavif".utf8), "PNG"),
        (.gzip, [0x1F, 0x8B, 8, 0], "gunzip"),
        (.zip, Array("PK".utf8) + [3, 4], "unpack"),
        (.lfsPointer, Array("version https://git-lfs.github.com/spec/v1\noid sha256:00".utf8), "git lfs pull"),
        (.html, Array("\n  <!DOCTYPE HTML><html>".utf8), "download"),
        (.html, [0xEF, 0xBB, 0xBF] + Array("<html>".utf8), "download"),
        (.svg, Array("<?xml version=\"1.0\"?>\n<svg ".utf8), "PNG"),
        (.brokenPNG, [0x89, 0x50, 0x4E, 0x47, 0x0A, 0x1A, 0x0A, 0], "binary"),
        (.zeros, [UInt8](repeating: 0, count: 4000), "transfer"),
        (.empty, [], "transfer"),
        (.unknown, [1, 2, 3, 4, 5], "JPEG or PNG"),
        (.unknown, [0xFF], "JPEG or PNG"),
        (.numpy, [0x93] + Array("NUMPY".utf8), "PNG"),
        (.pdf, Array("%PDF-1.7".utf8), "PNG"),
    ]

    @Test func foreignFormatsAreNamedWithTheWayOut() {
        for (format, bytes, remedy) in FormatTests.foreign {
            #expect(bytes.withUnsafeBytes { ImageFormat(of: $0) } == format)
            expectBadData([remedy], name: "photo.jpg") { _ = try decode(bytes, name: "photo.jpg") }
        }
    }

    @Test func namesDoNotMatter() throws {
        let path = NSTemporaryDirectory() + "sipat-images-\(UUID().uuidString).JPG"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data(fixtureBytes("type2-8.png")).write(to: URL(fileURLWithPath: path))
        #expect(try Image.read(path, options: DecodingOptions(channels: .colour)).image == decode("type2-8.png"))
    }

    @Test func everyRemedyIsThere() {
        for format in ImageFormat.allCases { #expect(!format.remedy.isEmpty) }
    }
}
