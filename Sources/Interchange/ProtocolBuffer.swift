/// A message of protocol buffers being written.
package struct ProtocolBuffer {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package mutating func varint(_ field: Int, _ value: UInt64) {
        key(field, wire: 0)
        raw(value)
    }

    package mutating func double(_ field: Int, _ value: Double) {
        key(field, wire: 1)
        bytes += littleEndian(value.bitPattern)
    }

    package mutating func float(_ field: Int, _ value: Float) {
        key(field, wire: 5)
        bytes += littleEndian(value.bitPattern)
    }

    package mutating func string(_ field: Int, _ text: String) { delimited(field, Array(text.utf8)) }

    package mutating func message(_ field: Int, _ body: (inout ProtocolBuffer) -> Void) {
        var inner = ProtocolBuffer()
        body(&inner)
        delimited(field, inner.bytes)
    }

    /// Bytes, or a message that was written elsewhere.
    package mutating func delimited(_ field: Int, _ content: some Collection<UInt8>) {
        announce(field, count: content.count)
        bytes += content
    }

    /// The beginning of a delimited field whose `count` bytes follow elsewhere.
    package mutating func announce(_ field: Int, count: Int) {
        key(field, wire: 2)
        raw(UInt64(count))
    }

    private mutating func key(_ field: Int, wire: UInt64) { raw(UInt64(field) << 3 | wire) }

    private mutating func raw(_ value: UInt64) {
        var value = value
        while value >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        bytes.append(UInt8(value))
    }
}

package func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value.littleEndian, Array.init) }
