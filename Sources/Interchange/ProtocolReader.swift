/// The fields of a message of protocol buffers, one after the other.
package struct ProtocolReader {
    package enum Value {
        case varint(UInt64)
        case fixed64(UInt64)
        case fixed32(UInt32)
        case delimited(ArraySlice<UInt8>)
    }

    private var rest: ArraySlice<UInt8>
    /// Whether something was found that is no field.
    package private(set) var isDamaged = false

    package init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    /// The next field; nil at the end, or where the message is damaged.
    package mutating func next() -> (field: Int, value: Value)? {
        guard !rest.isEmpty, !isDamaged else { return nil }
        guard let key = varint(), key >> 3 > 0, key >> 3 < 1 << 29, let value = value(wire: key & 7) else {
            isDamaged = true
            return nil
        }
        return (Int(key >> 3), value)
    }

    private mutating func value(wire: UInt64) -> Value? {
        switch wire {
        case 0: return varint().map { .varint($0) }
        case 1: return take(8).map { .fixed64(littleEndianNumber($0)) }
        case 2:
            guard let count = varint(), count <= UInt64(rest.count) else { return nil }
            return take(Int(count)).map { .delimited($0) }
        case 5: return take(4).map { .fixed32(UInt32(littleEndianNumber($0))) }
        default: return nil
        }
    }

    private mutating func varint() -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), through: 63, by: 7) {
            guard let byte = rest.popFirst() else { return nil }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        return nil
    }

    private mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
        guard rest.count >= count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }
}

/// At most eight bytes.
func littleEndianNumber(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) } }
