import Diagnostics

/// The markers of a JPEG file (ITU-T T.81, annex B), read without decoding.
struct JPEGHeader {
    let imageHeader: ImageHeader
    /// Whether four components are stored inverted, as Adobe's programs do: then 255 means no ink.
    let isInverted: Bool
    let scans: Int
    let usesArithmeticCoding: Bool

    private struct Frame {
        var marker: Int
        var bitDepth: Int
        var size: PixelSize
        var components: Int
    }

    /// - Throws: `Failure.badData` where there is no frame, or one that no decoder here reads.
    init(_ reader: ByteReader, name: String) throws {
        var frame: Frame?
        var orientation: Orientation?
        var adobe = false
        var scans = 0
        var position = 2
        while let start = reader.firstMarkerByte(from: position) {
            guard let marker = reader.byte(start + 1) else { break }
            position = start + 1
            // Stuffed zero, restart markers, fill bytes, start of image, TEM: no length follows.
            if marker == 0xFF { continue }
            position = start + 2
            if marker <= 0x01 || (0xD0...0xD8).contains(marker) { continue }
            if marker == 0xD9 { break }
            guard let length = reader.number(position, size: 2), length >= 2 else { break }
            let content = reader.part(position + 2..<position + length)
            switch marker {
            case 0xC0...0xCF where marker != 0xC4 && marker != 0xC8 && marker != 0xCC:
                guard frame == nil, let bits = content.number(0, size: 1), let height = content.number(1, size: 2),
                    let width = content.number(3, size: 2), let components = content.number(5, size: 1)
                else { break }
                frame = Frame(marker: marker, bitDepth: bits, size: PixelSize(width: width, height: height), components: components)
            case 0xE1 where orientation == nil && content.count > 6 && content.holds("Exif\0", at: 0):
                orientation = Orientation(exifBlock: content.part(6..<content.count))
            case 0xEE where content.holds("Adobe", at: 0): adobe = true
            case 0xDA: scans += 1
            default: break
            }
            position += length
        }
        guard let frame else {
            throw Failure.damagedImage(name, "is a JPEG without a frame header: the file was cut short or is damaged")
        }
        try JPEGHeader.check(frame, name: name)
        imageHeader = ImageHeader(
            format: .jpeg, storedSize: frame.size, orientation: orientation ?? .up, components: frame.components,
            bitDepth: frame.bitDepth, isProgressive: [0xC2, 0xCA].contains(frame.marker), hasPalette: false)
        isInverted = adobe
        self.scans = scans
        usesArithmeticCoding = frame.marker > 0xC8
    }

    private static func check(_ frame: Frame, name: String) throws {
        let convert = "convert it to PNG or to an 8-bit baseline JPEG"
        guard [0xC0, 0xC1, 0xC2, 0xC9, 0xCA].contains(frame.marker) else {
            throw Failure.damagedImage(
                name, "is a lossless or hierarchical JPEG (frame type \(frame.marker - 0xC0)), expected baseline or progressive", remedy: convert)
        }
        guard frame.bitDepth == 8 else {
            throw Failure.damagedImage(name, "is a JPEG of \(frame.bitDepth) bits per sample, expected 8", remedy: convert)
        }
        guard [1, 3, 4].contains(frame.components) else {
            throw Failure.damagedImage(name, "is a JPEG of \(frame.components) components, expected 1, 3 or 4", remedy: convert)
        }
        guard frame.size.height > 0 else {
            throw Failure.damagedImage(name, "is a JPEG that leaves its height open (0, to come in a DNL marker)", remedy: convert)
        }
    }
}
