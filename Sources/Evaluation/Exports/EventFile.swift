/// TensorBoard's event file, as bytes: records of protocol buffers, written by hand as there are five messages in all.
package struct EventFile {
    package private(set) var bytes: [UInt8] = []
    /// Seconds since 1970, of every event.
    private let time: Double

    package init(time: Double) {
        self.time = time
        // Event.file_version
        append(event(step: 0) { $0.string(3, "brain.Event:2") })
    }

    /// A number that TensorBoard draws over its steps.
    package mutating func addScalar(_ tag: String, step: Int, _ value: Double) {
        addValue(step: step) {
            $0.string(1, tag)
            $0.float(2, Float(value))
        }
    }

    /// Markdown in TensorBoard's tab of texts.
    package mutating func addText(_ tag: String, _ text: String) {
        addValue(step: 0) {
            $0.string(1, tag)
            // TensorProto of one string: dtype DT_STRING, shape [1].
            $0.message(8) { tensor in
                tensor.varint(1, 7)
                tensor.message(2) { shape in shape.message(2) { $0.varint(1, 1) } }
                tensor.string(8, text)
            }
            $0.message(9) { metadata in metadata.message(1) { $0.string(1, "text") } }
        }
    }

    /// Event.summary with one Summary.value.
    private mutating func addValue(step: Int, _ value: (inout ProtocolBuffer) -> Void) {
        append(event(step: step) { event in event.message(5) { summary in summary.message(1, value) } })
    }

    private func event(step: Int, _ what: (inout ProtocolBuffer) -> Void) -> [UInt8] {
        var event = ProtocolBuffer()
        event.double(1, time)
        event.varint(2, UInt64(max(0, step)))
        what(&event)
        return event.bytes
    }

    /// Length, its checksum, the bytes, their checksum.
    private mutating func append(_ record: [UInt8]) {
        let length = littleEndian(UInt64(record.count))
        bytes += length + littleEndian(CRC32C.masked(length)) + record + littleEndian(CRC32C.masked(record))
    }
}

/// A message of protocol buffers being written.
struct ProtocolBuffer {
    private(set) var bytes: [UInt8] = []

    mutating func varint(_ field: Int, _ value: UInt64) {
        key(field, wire: 0)
        raw(value)
    }

    mutating func double(_ field: Int, _ value: Double) {
        key(field, wire: 1)
        bytes += littleEndian(value.bitPattern)
    }

    mutating func float(_ field: Int, _ value: Float) {
        key(field, wire: 5)
        bytes += littleEndian(value.bitPattern)
    }

    mutating func string(_ field: Int, _ text: String) { delimited(field, Array(text.utf8)) }

    mutating func message(_ field: Int, _ body: (inout ProtocolBuffer) -> Void) {
        var inner = ProtocolBuffer()
        body(&inner)
        delimited(field, inner.bytes)
    }

    private mutating func delimited(_ field: Int, _ content: [UInt8]) {
        key(field, wire: 2)
        raw(UInt64(content.count))
        bytes += content
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

func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value.littleEndian, Array.init) }
