import Foundation
import Images
import Testing

/// The formula of make_fixtures.py.
private func sample(_ x: Int, _ y: Int, _ c: Int, depth: Int) -> Int {
    ((31 * x + 57 * y + 91 * c) * (depth == 16 ? 257 : 1)) % (1 << depth)
}

private let size = PixelSize(width: 19, height: 13)

private struct Variant: Sendable, CustomTestStringConvertible {
    let type: Int
    let depth: Int
    let interlaced: Bool
    var name: String { "type\(type)-\(depth)\(interlaced ? "-interlaced" : "").png" }
    var testDescription: String { name }
    var channels: Int { [0: 1, 2: 3, 3: 1, 4: 2, 6: 4][type]! }

    static let all: [Variant] = [(0, [1, 2, 4, 8, 16]), (2, [8, 16]), (3, [1, 2, 4, 8]), (4, [8, 16]), (6, [8, 16])].flatMap { type, depths in
        depths.flatMap { depth in [false, true].map { Variant(type: type, depth: depth, interlaced: $0) } }
    }

    /// Red, green, blue over white, by the definition.
    func colour(_ x: Int, _ y: Int) -> [Int] {
        let most = (1 << depth) - 1
        func value(_ c: Int) -> Double { (Double(sample(x, y, c, depth: depth)) * 255 / Double(most)).rounded() }
        if type == 3 { return (0..<3).map { (7 * sample(x, y, 0, depth: depth) + 60 * $0) % 256 } }
        let colours = type == 2 || type == 6 ? [0, 1, 2] : [0, 0, 0]
        let alpha = type == 4 ? value(1) : type == 6 ? value(3) : 255
        return colours.map { Int((value($0) * alpha / 255 + 255 * (255 - alpha) / 255).rounded()) }
    }
}

@Suite("PNG")
struct PNGTests {
    @Test(arguments: Variant.all)
    private func everyTypeAndDepth(_ variant: Variant) throws {
        let colour = try decode(variant.name)
        let grey = try decode(variant.name, .grey)
        #expect(colour.size == size && colour.channels == .colour)
        #expect(grey.size == size && grey.channels == .grey)
        for y in 0..<size.height {
            for x in 0..<size.width {
                let expected = variant.colour(x, y)
                let at = y * size.width + x
                let found = (0..<3).map { Int(colour.pixels[3 * at + $0]) }
                let luma = 0.299 * Double(expected[0]) + 0.587 * Double(expected[1]) + 0.114 * Double(expected[2])
                #expect(zip(found, expected).allSatisfy { abs($0 - $1) <= 1 }, "(\(x), \(y)): \(found), expected \(expected)")
                #expect(abs(Double(grey.pixels[at]) - luma) <= 1, "(\(x), \(y))")
            }
        }
    }

    @Test(arguments: Variant.all)
    private func rawSamplesAreAsStored(_ variant: Variant) throws {
        let raw = try RawPNG(path: fixture(variant.name))
        #expect(raw.channels == variant.channels && raw.header.bitDepth == variant.depth)
        #expect(raw.header.isProgressive == variant.interlaced && raw.header.hasPalette == (variant.type == 3))
        #expect(raw.palette.count == (variant.type == 3 ? 1 << variant.depth : 0))
        let expected = (0..<size.pixels).flatMap { at in
            (0..<variant.channels).map { UInt16(sample(at % size.width, at / size.width, $0, depth: variant.depth)) }
        }
        #expect(raw.samples == expected)
        if variant.type == 3 { #expect(raw.palette[1] == SIMD3(7, 67, 127)) }
    }

    @Test func transparencyShowsTheBackground() throws {
        let options = DecodingOptions(channels: .colour, background: SIMD3(10, 20, 30))
        for (name, first) in [("type0-8-trns.png", [0, 0, 0]), ("type2-8-trns.png", [0, 91, 182])] {
            let image = try Image.read(fixture(name), options: options).image
            #expect(image.pixels.prefix(3).map(Int.init) == first)
            // Pixel (1, 0) is the transparent colour.
            #expect(Array(image.pixels[3..<6]) == [10, 20, 30], "\(name)")
        }
        // Palette index 0 is transparent, 1 half, all others opaque.
        let palette = try Image.read(fixture("type3-8-trns.png"), options: options).image
        #expect(Array(palette.pixels[0..<3]) == [10, 20, 30])
        #expect(Array(palette.pixels[3..<6]) == [217, 21, 81])
        let grey = try Image.read(fixture("type4-8.png"), options: DecodingOptions(channels: .grey, background: SIMD3(0, 0, 0))).image
        #expect(grey.pixels[0] == 0 && grey.pixels[1] == UInt8((31.0 * 122 / 255).rounded()))
    }

    @Test func gammaChangesNothing() throws {
        #expect(try decode("type0-16-gamma.png") == decode("type0-16.png"))
        #expect(try RawPNG(path: fixture("type0-16-gamma.png")).samples == RawPNG(path: fixture("type0-16.png")).samples)
    }

    @Test func orientationInAnExifChunk() throws {
        let turned = try Image.read(fixture("type2-8-turned.png"), options: DecodingOptions(channels: .colour))
        #expect(turned.header.orientation == .quarterTurn && turned.image.size == size.transposed)
        #expect(try turned.image == decode("type2-8.png").upright(.quarterTurn))
    }

    @Test func writtenImagesAreReadAgain() throws {
        for name in ["type2-8.png", "type0-8.png"] {
            for channels in [Channels.grey, .colour] {
                let image = try decode(name, channels)
                #expect(try decode(image.encodedAsPNG(), options: DecodingOptions(channels: channels)).image == image)
            }
        }
        let path = NSTemporaryDirectory() + "sipat-images-\(UUID().uuidString).png"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let image = try decode("noise.png")
        try image.writePNG(to: path)
        #expect(try Image.read(path, options: DecodingOptions(channels: .colour)).image == image)
    }

    @Test func everyTruncationIsAnError() throws {
        for name in ["type2-8.png", "type3-4-interlaced.png", "type6-16.png"] {
            let bytes = try fixtureBytes(name)
            for count in stride(from: 9, to: bytes.count, by: 7) {
                expectBadData([]) { _ = try decode(Array(bytes[..<count])) }
            }
        }
    }

    @Test func damagedPixelsAreAnError() throws {
        var bytes = try fixtureBytes("type2-8.png")
        bytes[bytes.count - 30] ^= 0x55
        expectBadData(["damaged"]) { _ = try decode(bytes) }
    }

    @Test func hugeSizesAreRefusedBeforeAnythingIsAllocated() throws {
        var bytes = try fixtureBytes("type2-8.png")
        bytes.replaceSubrange(16..<24, with: [0x7F, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF])
        expectBadData(["2147483647×2147483647", "data.maximumPixels"]) { _ = try decode(bytes) }
        // Within the limit, but more than a few hundred bytes can hold.
        bytes.replaceSubrange(16..<24, with: [0, 0, 0x30, 0, 0, 0, 0x30, 0])
        expectBadData(["12288×12288", "do not fit"]) { _ = try decode(bytes) }
        bytes.replaceSubrange(16..<24, with: [0, 0, 0, 0, 0, 0, 0, 1])
        expectBadData(["0×1"]) { _ = try decode(bytes) }
    }

    @Test func aMaskSavedAsJPEGIsRefused() throws {
        let bytes = try fixtureBytes("grey.jpg")
        expectBadData(["JPEG", "export it as PNG"], name: "mask") { _ = try bytes.withUnsafeBytes { try RawPNG($0, name: "mask") } }
    }
}
