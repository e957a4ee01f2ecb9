/// Numbers out of bytes that nobody vouches for: every read says nil where the bytes end.
struct ByteReader {
    let bytes: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var count: Int { bytes.count }

    func byte(_ offset: Int) -> Int? {
        guard offset >= 0, offset < bytes.count else { return nil }
        return Int(bytes[offset])
    }

    /// An unsigned number of `size` (1 to 4) bytes.
    func number(_ offset: Int, size: Int, bigEndian: Bool = true) -> Int? {
        guard offset >= 0, size <= bytes.count, offset <= bytes.count - size else { return nil }
        var value = 0
        for i in 0..<size { value = value << 8 | Int(bytes[offset + (bigEndian ? i : size - 1 - i)]) }
        return value
    }

    /// Whether `text` (ASCII) stands at `offset`.
    func holds(_ text: StaticString, at offset: Int) -> Bool {
        let count = text.utf8CodeUnitCount
        guard offset >= 0, count <= bytes.count, offset <= bytes.count - count else { return false }
        return (0..<count).allSatisfy { bytes[offset + $0] == text.utf8Start[$0] }
    }

    /// The part of the bytes that lies within `range`.
    func part(_ range: Range<Int>) -> ByteReader {
        let lower = min(max(0, range.lowerBound), bytes.count)
        return ByteReader(UnsafeRawBufferPointer(rebasing: bytes[lower..<min(max(lower, range.upperBound), bytes.count)]))
    }

    /// Where the first byte 0xFF at or after `offset` is.
    func firstMarkerByte(from offset: Int) -> Int? {
        guard offset < bytes.count else { return nil }
        return bytes[offset...].firstIndex(of: 0xFF)
    }
}
