import Diagnostics

/// How files become pixels.
package struct DecodingOptions: Sendable, Hashable {
    package var channels: Channels
    /// What shows through where a PNG is transparent. White unless stated otherwise.
    package var background: SIMD3<UInt8>
    package var limit: PixelLimit
    /// Whether the pixels are turned as the file's EXIF orientation says.
    package var appliesOrientation: Bool
    /// A JPEG may be decoded at 1/2, 1/4 or 1/8 of its size, which is many times faster, as long as it keeps this width and
    /// height (of the upright image). Nil: full size. The pixels differ a little from those of a reduced full image.
    package var sufficientSize: PixelSize?

    package init(
        channels: Channels, background: SIMD3<UInt8> = SIMD3(repeating: 255), limit: PixelLimit = .standard,
        appliesOrientation: Bool = true, sufficientSize: PixelSize? = nil
    ) {
        self.channels = channels
        self.background = background
        self.limit = limit
        self.appliesOrientation = appliesOrientation
        self.sufficientSize = sufficientSize
    }
}

/// A decoded file.
package struct DecodedImage: Sendable, Hashable {
    /// Upright, unless `DecodingOptions.appliesOrientation` was off.
    package let image: Image
    package let header: ImageHeader
    /// 1, 2, 4 or 8: a pixel of `image` covers this many of the file in each direction.
    package let denominator: Int
}

extension Image {
    /// Decodes a JPEG or PNG in memory, whatever its name says.
    ///
    /// JPEG: baseline and progressive, grey, colour, CMYK and YCCK (inverted where Adobe's marker APP14 says so; without
    /// colour profile). PNG: every depth and colour type, palettes, interlaced, alpha over `options.background`.
    /// Sizes are checked before memory is allocated; a file that is truncated or damaged in any way is an error.
    ///
    /// - Parameter name: the file, for messages.
    /// - Throws: `Failure.badData` that names the file, what was found, and the way out.
    package static func decode(_ bytes: UnsafeRawBufferPointer, name: String, options: DecodingOptions) throws -> DecodedImage {
        let stored: Image
        let header: ImageHeader
        var denominator = 1
        let format = ImageFormat(of: bytes)
        switch format {
        case .jpeg:
            let jpeg = try JPEGHeader(ByteReader(bytes), name: name)
            header = jpeg.imageHeader
            if let sufficient = options.sufficientSize { denominator = header.denominator(keeping: sufficient) }
            stored = try JPEGDecoder.decode(
                bytes, header: jpeg, channels: options.channels, denominator: denominator, limit: options.limit, name: name)
        case .png:
            let png = try PNGHeader(ByteReader(bytes), name: name)
            header = png.imageHeader
            stored = try PNGDecoder.decode(
                bytes, header: png, channels: options.channels, background: options.background, limit: options.limit, name: name)
        default: throw Failure.notAnImage(format, name: name)
        }
        let image = options.appliesOrientation && header.orientation != .up ? stored.upright(header.orientation) : stored
        return DecodedImage(image: image, header: header, denominator: denominator)
    }

    /// Decodes the file `path`.
    ///
    /// - Throws: `Failure.inputOutput` where it cannot be read, else as `decode(_:name:options:)`.
    package static func read(_ path: String, options: DecodingOptions) throws -> DecodedImage {
        let bytes = try fileBytes(path)
        return try bytes.withUnsafeBytes { try decode($0, name: path, options: options) }
    }

    /// Image files are far below this size; it stops a stray archive from filling the memory.
    private static let maximumFileBytes = 2 << 30

    static func fileBytes(_ path: String) throws -> [UInt8] { try ReadableFile.contents(of: path, limit: maximumFileBytes) }
}

extension ImageHeader {
    /// The largest reduction that keeps both sides at or above those of `sufficient`, an upright size.
    func denominator(keeping sufficient: PixelSize) -> Int {
        [8, 4, 2].first { size.width / $0 >= max(1, sufficient.width) && size.height / $0 >= max(1, sufficient.height) && min(size.width, size.height) >= 64 } ?? 1
    }
}
