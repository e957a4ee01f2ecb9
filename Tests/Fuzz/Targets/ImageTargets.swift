import Datasets
import Diagnostics
import Images

private let folder = ScratchFolder("images")
/// Small, so that what a header promises costs little.
private let limit = PixelLimit(maximum: 1 << 18, setting: "data.maximumPixels")

extension FuzzTarget {
    /// A JPEG file, in grey and in colour, whole and reduced.
    static let jpeg = FuzzTarget("jpeg") { input in
        guard input.bytes.withUnsafeBytes({ ImageFormat(of: $0) }) == .jpeg else { throw Failure.badData("no JPEG") }
        try decode(input.bytes)
    }

    /// A PNG file, as an image and as a mask.
    static let png = FuzzTarget("png") { input in
        let raw = try input.bytes.withUnsafeBytes { try RawPNG($0, name: "input", limit: limit) }
        guard raw.samples.count == raw.header.storedSize.pixels * raw.channels,
            raw.samples.allSatisfy({ Int($0) < 1 << raw.header.bitDepth })
        else { fatalError("\(raw.samples.count) samples of \(raw.header)") }
        try decode(input.bytes)
    }

    /// A block of EXIF in a JPEG's header; accepted if it turns the image.
    static let exif = FuzzTarget("exif") { input in
        let block = Array("Exif\0\0".utf8) + input.bytes.prefix(60_000)
        let frame: [UInt8] = [0xFF, 0xC0, 0, 11, 8, 0, 16, 0, 16, 1, 1, 0x11, 0]
        let length = block.count + 2
        let file: [UInt8] = [0xFF, 0xD8, 0xFF, 0xE1, UInt8(length >> 8), UInt8(length & 0xFF)] + block + frame
        let header = try file.withUnsafeBytes { try ImageHeader(of: $0, name: "input") }
        guard header.orientation != .up else { throw Failure.badData("upright") }
    }

    /// A manifest of images, CSV or JSON Lines.
    static let imageManifest = FuzzTarget("image-manifest") { input in
        try check(ImageCollection(at: folder.write(input.bytes, to: "list.csv"), options: CollectionOptions()))
    }

    /// A WebDataset shard.
    static let tar = FuzzTarget("tar") { input in
        try? PosixFileOperations().removeTree(folder.path + "/shard.tar.index")
        try check(ImageCollection(at: folder.write(input.bytes, to: "shard.tar"), options: CollectionOptions()))
    }

    private static func decode(_ bytes: [UInt8]) throws {
        for channels in [Channels.grey, .colour] {
            for sufficient in [nil, PixelSize(width: 8, height: 8)] {
                let options = DecodingOptions(channels: channels, limit: limit, sufficientSize: sufficient)
                let decoded = try bytes.withUnsafeBytes { try Image.decode($0, name: "input", options: options) }
                let expected = decoded.denominator == 1 ? decoded.header.size : decoded.image.size
                guard decoded.image.size == expected, decoded.image.pixels.count == expected.pixels * channels.rawValue else {
                    fatalError("\(decoded.image.size) of \(decoded.header)")
                }
            }
        }
    }

    private static func check(_ collection: ImageCollection) {
        guard !collection.entries.isEmpty,
            collection.entries.allSatisfy({ collection.classNames.indices.contains(Int($0.label)) && $0.split != nil })
        else { fatalError("\(collection.entries.count) images, \(collection.classNames.count) classes") }
    }
}
