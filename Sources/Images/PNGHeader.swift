import Diagnostics

/// The chunks of a PNG file (PNG specification, third edition), read without decoding.
struct PNGHeader {
    let imageHeader: ImageHeader
    /// Bytes of compressed pixels.
    private let pixelBytes: Int

    /// - Throws: `Failure.badData` where the first chunk is not a sound IHDR.
    init(_ reader: ByteReader, name: String) throws {
        guard reader.holds("IHDR", at: 12), reader.number(8, size: 4) == 13, let width = reader.number(16, size: 4),
            let height = reader.number(20, size: 4), let depth = reader.byte(24), let type = reader.byte(25),
            let interlace = reader.byte(28)
        else {
            throw Failure.damagedImage(name, "is a PNG without a header: the file was cut short or is damaged")
        }
        let components = [0: 1, 2: 3, 3: 1, 4: 2, 6: 4][type]
        guard let components, [1, 2, 4, 8, 16].contains(depth) else {
            throw Failure.damagedImage(name, "is a PNG of colour type \(type) and bit depth \(depth), which do not exist")
        }
        var orientation: Orientation?
        var pixelBytes = 0
        var position = 8
        while let length = reader.number(position, size: 4), reader.number(position + 4, size: 4) != nil {
            let content = reader.part(position + 8..<position + 8 + length)
            if reader.holds("eXIf", at: position + 4), orientation == nil { orientation = Orientation(exifBlock: content) }
            if reader.holds("IDAT", at: position + 4) { pixelBytes += content.count }
            if reader.holds("IEND", at: position + 4) { break }
            position += 12 + length
        }
        imageHeader = ImageHeader(
            format: .png, storedSize: PixelSize(width: width, height: height), orientation: orientation ?? .up, components: components,
            bitDepth: depth, isProgressive: interlace != 0, hasPalette: type == 3)
        self.pixelBytes = pixelBytes
    }

    /// Refuses an image that is too large or that its compressed bytes cannot hold: deflate shrinks by 1032 at most.
    func check(limit: PixelLimit, name: String) throws {
        let size = imageHeader.storedSize
        try limit.check(size, name: name)
        let rowBits = size.width * imageHeader.components * imageHeader.bitDepth
        guard (rowBits + 7) / 8 * size.height / 1040 <= pixelBytes else {
            throw Failure.damagedImage(
                name, "says that it holds \(size) pixels, which do not fit into its \(pixelBytes) bytes of pixels: it was cut short or is damaged")
        }
    }
}
