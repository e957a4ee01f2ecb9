extension Orientation {
    /// The orientation in a block of EXIF (a TIFF header and its first directory); upright where it has none or is damaged.
    init(exifBlock reader: ByteReader) {
        self = .up
        let bigEndian: Bool
        switch reader.number(0, size: 2) {
        case 0x4D4D: bigEndian = true
        case 0x4949: bigEndian = false
        default: return
        }
        guard reader.number(2, size: 2, bigEndian: bigEndian) == 42,
            let directory = reader.number(4, size: 4, bigEndian: bigEndian),
            let entries = reader.number(directory, size: 2, bigEndian: bigEndian)
        else { return }
        for entry in 0..<entries {
            let offset = directory + 2 + 12 * entry
            guard let tag = reader.number(offset, size: 2, bigEndian: bigEndian) else { return }
            guard tag == 0x0112 else { continue }
            // SHORT by the standard; some writers store a BYTE or a LONG.
            let size =
                switch reader.number(offset + 2, size: 2, bigEndian: bigEndian) {
                case 1: 1
                case 3: 2
                case 4: 4
                default: 0
                }
            guard size > 0, let value = reader.number(offset + 8, size: size, bigEndian: bigEndian) else { return }
            self = Orientation(exif: value)
            return
        }
    }
}
