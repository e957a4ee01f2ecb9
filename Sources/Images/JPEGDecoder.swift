import CTurboJPEG
import Diagnostics

/// JPEG through libjpeg-turbo's TurboJPEG.
enum JPEGDecoder {
    /// A legitimate progressive file has about ten.
    static let maximumScans = 100

    /// Stored pixels, not yet upright, of `1 / denominator` the size (rounded up).
    ///
    /// - Parameter denominator: 1, 2, 4 or 8.
    static func decode(
        _ bytes: UnsafeRawBufferPointer, header: JPEGHeader, channels: Channels, denominator: Int, limit: PixelLimit, name: String
    ) throws -> Image {
        let full = header.imageHeader.storedSize
        try limit.check(full, name: name)
        try checkPlausible(header, byteCount: bytes.count, limit: limit, name: name)
        let size = PixelSize(
            width: (full.width + denominator - 1) / denominator, height: (full.height + denominator - 1) / denominator)
        if header.imageHeader.components == 4 {
            let inks = try decompress(bytes, to: size, format: TJPF_CMYK, samples: 4, name: name)
            return Image(size: size, channels: channels, pixels: fromInks(inks, inverted: header.isInverted, channels: channels))
        }
        let pixels = try decompress(
            bytes, to: size, format: channels == .grey ? TJPF_GRAY : TJPF_RGB, samples: channels.rawValue, name: name)
        return Image(size: size, channels: channels, pixels: pixels)
    }

    /// Refuses what would take minutes or gigabytes for a few bytes, before anything is allocated.
    private static func checkPlausible(_ header: JPEGHeader, byteCount: Int, limit: PixelLimit, name: String) throws {
        let size = header.imageHeader.storedSize
        let blocks = ((size.width + 7) / 8) * ((size.height + 7) / 8)
        // Huffman codes spend at least one bit on every block of 8×8.
        guard header.usesArithmeticCoding || blocks / 8 <= byteCount else {
            throw Failure.damagedImage(
                name, "says that it holds \(size) pixels, which do not fit into its \(byteCount) bytes: it was cut short or is damaged")
        }
        guard header.scans <= maximumScans, header.scans <= 16 * limit.maximum / size.pixels else {
            throw Failure.badData(
                "\(name): has \(header.scans) scans over \(size) pixels, expected at most \(min(maximumScans, 16 * limit.maximum / size.pixels))",
                remedy: "convert it to a baseline JPEG (jpegtran FILE > NEW-FILE), or leave it out")
        }
    }

    private static func decompress(
        _ bytes: UnsafeRawBufferPointer, to size: PixelSize, format: TJPF, samples: Int, name: String
    ) throws -> [UInt8] {
        guard let handle = tjInitDecompress() else { throw Failure.internalError("TurboJPEG does not start") }
        defer { tjDestroy(handle) }
        let count = size.pixels * samples
        let flags = TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS | TJFLAG_ACCURATEDCT
        return try [UInt8](unsafeUninitializedCapacity: count) { output, initialized in
            let status = tjDecompress2(
                handle, bytes.bindMemory(to: UInt8.self).baseAddress, UInt(bytes.count), output.baseAddress, Int32(size.width),
                Int32(size.width * samples), Int32(size.height), format.rawValue, flags)
            guard status == 0 else {
                let cause = String(cString: tjGetErrorStr2(handle))
                throw Failure.damagedImage(name, "is a damaged or truncated JPEG (\(cause))")
            }
            initialized = count
        }
    }

    /// Paper colours out of the four inks: (255 − ink) · (255 − black) / 255.
    private static func fromInks(_ inks: [UInt8], inverted: Bool, channels: Channels) -> [UInt8] {
        let pixels = inks.count / 4
        // Light that an amount of ink lets through.
        let flip: UInt8 = inverted ? 0 : 255
        return [UInt8](unsafeUninitializedCapacity: pixels * channels.rawValue) { output, count in
            for i in 0..<pixels {
                let black = Int(inks[4 * i + 3] ^ flip)
                let red = Luma.product(Int(inks[4 * i] ^ flip), black)
                let green = Luma.product(Int(inks[4 * i + 1] ^ flip), black)
                let blue = Luma.product(Int(inks[4 * i + 2] ^ flip), black)
                if channels == .grey {
                    output[i] = Luma.of(red, green, blue)
                } else {
                    output[3 * i] = UInt8(red)
                    output[3 * i + 1] = UInt8(green)
                    output[3 * i + 2] = UInt8(blue)
                }
            }
            count = pixels * channels.rawValue
        }
    }
}
