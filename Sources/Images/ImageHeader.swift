import Diagnostics

/// What a file says of its image before any pixel is decoded.
package struct ImageHeader: Sendable, Hashable {
    package let format: ImageFormat
    /// Size of the pixels in the file.
    package let storedSize: PixelSize
    /// How they are to be turned; `.up` where the file does not say.
    package let orientation: Orientation
    /// Values per stored pixel: JPEG 1 grey, 3 colour, 4 CMYK or YCCK; PNG 1 grey or palette, 2 grey and alpha, 3 RGB, 4 RGB
    /// and alpha.
    package let components: Int
    /// Bits per value: JPEG 8; PNG 1, 2, 4, 8, 16.
    package let bitDepth: Int
    /// Progressive JPEG or interlaced PNG.
    package let isProgressive: Bool
    /// Whether stored pixels are indices into a palette (PNG).
    package let hasPalette: Bool

    /// Size of the upright image.
    package var size: PixelSize { orientation.size(of: storedSize) }

    /// Reads the header of a JPEG or PNG in memory.
    ///
    /// - Parameter name: the file, for messages.
    /// - Throws: `Failure.badData` that names file, cause and way out for anything else, and for a damaged header.
    package init(of bytes: UnsafeRawBufferPointer, name: String) throws {
        let format = ImageFormat(of: bytes)
        switch format {
        case .jpeg: self = try JPEGHeader(ByteReader(bytes), name: name).imageHeader
        case .png: self = try PNGHeader(ByteReader(bytes), name: name).imageHeader
        default: throw Failure.notAnImage(format, name: name)
        }
    }

    init(
        format: ImageFormat, storedSize: PixelSize, orientation: Orientation, components: Int, bitDepth: Int, isProgressive: Bool,
        hasPalette: Bool
    ) {
        self.format = format
        self.storedSize = storedSize
        self.orientation = orientation
        self.components = components
        self.bitDepth = bitDepth
        self.isProgressive = isProgressive
        self.hasPalette = hasPalette
    }
}

extension Failure {
    static func notAnImage(_ format: ImageFormat, name: String) -> Failure {
        let found =
            switch format {
            case .empty: "the file is empty"
            case .unknown: "neither a JPEG nor a PNG, nor any format that is known here"
            case .zeros: "holds zero bytes only"
            default: "found a \(format.rawValue), expected a JPEG or a PNG"
            }
        return badData("\(name): \(found)", remedy: format.remedy)
    }

    /// A JPEG or PNG that cannot be decoded.
    static func damagedImage(_ name: String, _ cause: String, remedy: String = "copy or export the file again, or leave it out") -> Failure {
        badData("\(name): \(cause)", remedy: remedy)
    }
}

/// The largest image that is decoded. It stands against headers that promise more than there is memory.
package struct PixelLimit: Sendable, Hashable {
    package let maximum: Int
    /// What a person changes to allow more, as messages name it.
    package let setting: String

    /// As Pillow: 179 million pixels, 512 MiB of RGB.
    package static let standard = PixelLimit(maximum: 178_956_970, setting: "data.maximumPixels")

    package init(maximum: Int, setting: String) {
        self.maximum = maximum
        self.setting = setting
    }

    func check(_ size: PixelSize, name: String) throws {
        guard size.width > 0, size.height > 0 else {
            throw Failure.damagedImage(name, "says that its size is \(size), expected at least 1×1")
        }
        guard size.pixels <= maximum else {
            throw Failure.badData(
                "\(name): has \(size) = \(size.pixels) pixels, expected at most \(maximum)",
                remedy: "make the image smaller, or allow more pixels with \(setting)")
        }
    }
}
