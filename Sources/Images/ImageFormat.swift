/// What a file holds, told by its first bytes and never by its name.
package enum ImageFormat: String, Sendable, Hashable, CaseIterable {
    case jpeg = "JPEG"
    case png = "PNG"
    case gif = "GIF"
    case bmp = "BMP"
    case tiff = "TIFF"
    case webp = "WebP"
    case heic = "HEIC"
    case avif = "AVIF"
    case jpeg2000 = "JPEG 2000"
    case jpegXL = "JPEG XL"
    case photoshop = "Photoshop"
    case dicom = "DICOM"
    case netpbm = "PNM"
    case numpy = "NumPy array"
    case pdf = "PDF"
    case svg = "SVG"
    case gzip = "gzip"
    case zip = "zip archive"
    case compressed = "compressed file (bzip2, xz or zstd)"
    case lfsPointer = "Git LFS pointer"
    case html = "HTML page"
    case brokenPNG = "PNG that was transferred as text"
    case zeros = "row of zero bytes"
    case empty = "empty file"
    case unknown = "unknown format"

    /// Looks at the first bytes of `bytes`; 1 KB is plenty.
    package init(of bytes: UnsafeRawBufferPointer) {
        let reader = ByteReader(bytes)
        self =
            ImageFormat.bySignature(reader) ?? ImageFormat.byText(reader)
            ?? (bytes.isEmpty ? .empty : bytes.prefix(1024).allSatisfy { $0 == 0 } ? .zeros : .unknown)
    }

    /// Whether `decode` reads it.
    package var isDecoded: Bool { self == .jpeg || self == .png }

    private static func bySignature(_ reader: ByteReader) -> ImageFormat? {
        func number(_ size: Int) -> Int? { reader.number(0, size: size) }
        if number(3) == 0xFF_D8FF { return .jpeg }
        if number(4) == 0x8950_4E47 { return reader.number(4, size: 4) == 0x0D0A_1A0A ? .png : .brokenPNG }
        if reader.holds("GIF8", at: 0) { return .gif }
        if reader.holds("RIFF", at: 0), reader.holds("WEBP", at: 8) { return .webp }
        if number(4) == 0x4949_2A00 || number(4) == 0x4D4D_002A || number(4) == 0x4949_2B00 || number(4) == 0x4D4D_002B { return .tiff }
        if reader.holds("ftyp", at: 4) { return reader.holds("avi", at: 8) ? .avif : .heic }
        if reader.holds("jP  ", at: 4) || number(4) == 0xFF4F_FF51 { return .jpeg2000 }
        if reader.holds("JXL ", at: 4) || number(2) == 0xFF0A { return .jpegXL }
        if reader.holds("8BPS", at: 0) { return .photoshop }
        if reader.holds("DICM", at: 128) { return .dicom }
        if number(1) == 0x93, reader.holds("NUMPY", at: 1) { return .numpy }
        if reader.holds("%PDF", at: 0) { return .pdf }
        if number(2) == 0x1F8B { return .gzip }
        if reader.holds("PK", at: 0), let kind = reader.number(2, size: 2), kind == 0x0304 || kind == 0x0506 { return .zip }
        if reader.holds("BZh", at: 0) || number(4) == 0xFD37_7A58 || number(4) == 0x28B5_2FFD { return .compressed }
        // A bitmap's header has a size that is one of a few.
        if reader.holds("BM", at: 0), let header = reader.number(14, size: 4, bigEndian: false), (12...124).contains(header) { return .bmp }
        if reader.holds("P", at: 0), let kind = reader.byte(1), (0x31...0x36).contains(kind), let space = reader.byte(2), space <= 32 {
            return .netpbm
        }
        return nil
    }

    private static func byText(_ reader: ByteReader) -> ImageFormat? {
        if reader.holds("version https://git-lfs", at: 0) { return .lfsPointer }
        let beginning = String(decoding: reader.bytes.prefix(1024), as: UTF8.self).lowercased()
        let text = beginning.drop { $0.isWhitespace || $0 == "\u{FEFF}" }
        if text.hasPrefix("<svg") || (text.hasPrefix("<?xml") && text.contains("<svg")) { return .svg }
        if text.hasPrefix("<!doctype html") || text.hasPrefix("<html") || text.hasPrefix("<head") { return .html }
        return nil
    }

    /// What a person can do who has such a file where a JPEG or PNG should be.
    package var remedy: String {
        switch self {
        case .jpeg, .png: "no conversion is needed"
        case .gif, .bmp, .tiff, .webp, .heic, .avif, .jpeg2000, .jpegXL, .photoshop, .dicom, .netpbm, .numpy, .pdf, .svg:
            "convert it to PNG (lossless), for example with ImageMagick: magick FILE FILE.png"
        case .gzip: "uncompress it first: gunzip < FILE > NEW-FILE"
        case .zip, .compressed: "unpack it first"
        case .lfsPointer: "the image itself is still on the server: run git lfs pull in its repository"
        case .html: "a download saved a web page (a login or an error) in place of the image: download it again"
        case .brokenPNG: "line ends were changed on the way: transfer it again in binary mode"
        case .zeros, .empty: "the copy or download failed: transfer it again"
        case .unknown: "give a JPEG or PNG file, or leave this one out"
        }
    }
}
