import Diagnostics

/// The samples of a PNG as they are stored: palette indices, 1-bit flags, 16-bit values, alpha beside the colours. For
/// masks, whose numbers mean something that a colour conversion would lose.
package struct RawPNG: Sendable, Hashable {
    package let header: ImageHeader
    /// 1 grey or palette index, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
    package let channels: Int
    /// Height × width × channels, each in `0..<1 << header.bitDepth`; not turned by the header's orientation.
    package let samples: [UInt16]
    /// Red, green, blue by palette index; empty unless `header.hasPalette`.
    package let palette: [SIMD3<UInt8>]

    /// - Parameter name: the file, for messages.
    /// - Throws: `Failure.badData` for what is no PNG, is damaged, or is larger than `limit`.
    package init(_ bytes: UnsafeRawBufferPointer, name: String, limit: PixelLimit = .standard) throws {
        let format = ImageFormat(of: bytes)
        guard format == .png else {
            throw Failure.badData(
                "\(name): found a \(format.rawValue), expected a PNG",
                remedy: format == .jpeg ? "JPEG blurs the values of a mask: export it as PNG" : format.remedy)
        }
        let header = try PNGHeader(ByteReader(bytes), name: name)
        let reader = try PNGReader(bytes, header: header, expanded: false, limit: limit, name: name)
        let stored = try reader.pixels()
        self.header = header.imageHeader
        channels = reader.channels
        palette = reader.palette()
        samples =
            reader.bytesPerSample == 1
            ? stored.map(UInt16.init)
            : stored.withUnsafeBytes { bytes in
                (0..<bytes.count / 2).map { bytes.loadUnaligned(fromByteOffset: 2 * $0, as: UInt16.self) }
            }
    }

    /// Reads the file `path`.
    package init(path: String, limit: PixelLimit = .standard) throws {
        let bytes = try Image.fileBytes(path)
        self = try bytes.withUnsafeBytes { try RawPNG($0, name: path, limit: limit) }
    }
}
