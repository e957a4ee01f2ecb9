import Foundation
import Images
import Testing

@Suite("JPEG")
struct JPEGTests {
    /// The same algorithms in another version of the library: at most two grey levels apart.
    @Test(arguments: ["baseline-420", "baseline-422", "baseline-444", "progressive", "grey", "stored-rgb", "restart"])
    func agreesWithPillow(_ name: String) throws {
        let image = try decode(name + ".jpg")
        let pillow = try decode(name + ".jpg.png")
        #expect(largestDifference(image, pillow) <= 2)
        #expect(meanDifference(image, pillow) < 0.05)
    }

    @Test func headersAreRead() throws {
        func header(_ name: String) throws -> ImageHeader {
            try fixtureBytes(name).withUnsafeBytes { try ImageHeader(of: $0, name: name) }
        }
        #expect(try header("progressive.jpg").isProgressive && !header("baseline-420.jpg").isProgressive)
        #expect(try header("grey.jpg").components == 1 && header("cmyk.jpg").components == 4)
        #expect(try header("baseline-420.jpg").size == PixelSize(width: 66, height: 48))
    }

    /// Inks are inverted where Adobe's marker is, and only there: all three files hold the same picture.
    @Test func inksBecomeColours() throws {
        let pillow = try decode("cmyk.jpg.png")
        #expect(try largestDifference(decode("cmyk.jpg"), pillow) <= 2)
        #expect(try largestDifference(decode("cmyk-plain.jpg"), pillow) <= 2)
        // Luma and chroma are rounded and compressed on their own.
        #expect(try meanDifference(decode("ycck.jpg"), pillow) < 3)
        let grey = try decode("cmyk.jpg", .grey)
        #expect(largestDifference(grey, luma(of: pillow)) <= 2)
    }

    @Test(arguments: ["baseline-444", "stored-rgb", "grey"])
    func greyIsLuma(_ name: String) throws {
        #expect(try largestDifference(decode(name + ".jpg", .grey), luma(of: decode(name + ".jpg.png"))) <= 2)
    }

    @Test func greyAsColourIsThreeEqualChannels() throws {
        let (colour, grey) = try (decode("grey.jpg"), decode("grey.jpg", .grey))
        #expect(colour.pixels == grey.pixels.flatMap { [$0, $0, $0] })
    }

    @Test func reducedDecodingKeepsTheWantedSize() throws {
        var options = DecodingOptions(channels: .colour, sufficientSize: PixelSize(width: 33, height: 20))
        let half = try Image.read(fixture("baseline-444.jpg"), options: options)
        #expect(half.denominator == 1, "a picture below 64 pixels is not reduced")
        // A picture of 4 × 4 copies is large enough.
        let large = tiled(try decode("baseline-444.jpg"), 4)
        let path = NSTemporaryDirectory() + "sipat-images-\(UUID().uuidString).jpg"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try encodeJPEG(large).write(to: URL(fileURLWithPath: path))
        let full = try Image.read(path, options: DecodingOptions(channels: .colour)).image
        for (wanted, denominator) in [(132, 2), (133, 1), (66, 4), (33, 8), (5, 8)] {
            options.sufficientSize = PixelSize(width: wanted, height: 1)
            let reduced = try Image.read(path, options: options)
            #expect(reduced.denominator == denominator)
            let target = PixelSize(width: 24, height: 16)
            let direct = Geometry(source: full.size, output: target).apply(to: full)
            let quick = Geometry(source: full.size, output: target).apply(to: reduced.image, denominator: denominator)
            #expect(meanDifference(direct, quick) < 4, "1/\(denominator): \(meanDifference(direct, quick))")
        }
    }

    @Test func everyTruncationIsAnError() throws {
        for name in ["baseline-420.jpg", "progressive.jpg", "cmyk.jpg"] {
            let bytes = try fixtureBytes(name)
            for count in stride(from: 4, to: bytes.count - 1, by: 13) {
                expectBadData([]) { _ = try decode(Array(bytes[..<count])) }
            }
        }
    }

    @Test func hugeSizesAreRefusedBeforeAnythingIsAllocated() throws {
        var bytes = try fixtureBytes("baseline-444.jpg")
        let frame = try #require(frameOffset(bytes))
        bytes.replaceSubrange(frame + 5..<frame + 9, with: [0xFF, 0xFF, 0xFF, 0xFF])
        expectBadData(["65535×65535", "data.maximumPixels"]) { _ = try decode(bytes) }
        bytes.replaceSubrange(frame + 5..<frame + 9, with: [0x30, 0, 0x30, 0])
        expectBadData(["12288×12288", "do not fit"]) { _ = try decode(bytes) }
        bytes.replaceSubrange(frame + 5..<frame + 9, with: [0, 0, 0, 9])
        expectBadData(["height"]) { _ = try decode(bytes) }
    }

    @Test func theLimitIsASetting() throws {
        let options = DecodingOptions(channels: .grey, limit: PixelLimit(maximum: 3000, setting: "--maximum-pixels"))
        expectBadData(["66×48", "3168", "--maximum-pixels"]) { _ = try decode(fixtureBytes("grey.jpg"), options: options) }
    }

    /// Scans that cost nothing in the file and a pass over the image each.
    @Test func manyScansAreRefused() throws {
        let bytes = try fixtureBytes("progressive.jpg")
        let end = Array(bytes.suffix(2))
        let scan = scanOfNothing
        let bomb = bytes.dropLast(2) + (0..<200).flatMap { _ in scan } + end
        expectBadData(["scans", "baseline"]) { _ = try decode(Array(bomb)) }
    }

    @Test func unusualFramesAreNamed() throws {
        let bytes = try fixtureBytes("baseline-444.jpg")
        let frame = try #require(frameOffset(bytes))
        for (offset, value, fragment) in [(1, UInt8(0xC3), "lossless"), (4, 12, "12 bits"), (9, 2, "2 components")] {
            var changed = bytes
            changed[frame + offset] = value
            expectBadData([fragment, "convert"]) { _ = try decode(changed) }
        }
    }

    /// A refinement of the last coefficient of the first component, with nothing in it.
    private var scanOfNothing: [UInt8] { [0xFF, 0xDA, 0, 8, 1, 1, 0, 63, 63, 0x10] + [0xFF, 0] }

    private func frameOffset(_ bytes: [UInt8]) -> Int? {
        bytes.indices.dropLast().first { bytes[$0] == 0xFF && (0xC0...0xC2).contains(bytes[$0 + 1]) }
    }

    private func luma(of image: Image) -> Image {
        let pixels = stride(from: 0, to: image.pixels.count, by: 3).map { at in
            let (r, g, b) = (Double(image.pixels[at]), Double(image.pixels[at + 1]), Double(image.pixels[at + 2]))
            return UInt8((0.299 * r + 0.587 * g + 0.114 * b).rounded())
        }
        return Image(size: image.size, channels: .grey, pixels: pixels)
    }

    private func tiled(_ image: Image, _ times: Int) -> Image {
        let row = image.size.width * 3
        let line = stride(from: 0, to: image.pixels.count, by: row).flatMap { start in
            (0..<times).flatMap { _ in image.pixels[start..<start + row] }
        }
        return Image(
            size: PixelSize(width: image.size.width * times, height: image.size.height * times), channels: .colour,
            pixels: (0..<times).flatMap { _ in line })
    }
}
