/// TensorBoard's event file, as bytes: records of protocol buffers, written by hand as there are six messages in all.
package struct EventFile {
    package private(set) var bytes: [UInt8] = []
    /// Seconds since 1970, of every event.
    private let time: Double

    package init(time: Double) {
        self.time = time
        bytes += EventRecord.fileVersion(time: time)
    }

    /// A number that TensorBoard draws over its steps.
    package mutating func addScalar(_ tag: String, step: Int, _ value: Double) {
        bytes += EventRecord.scalars([(tag, value)], step: step, time: time)
    }

    /// Markdown in TensorBoard's tab of texts.
    package mutating func addText(_ tag: String, _ text: String) { bytes += EventRecord.text(tag, text, time: time) }
}

/// Single records of an event file, each with its length and checksums.
package enum EventRecord {
    /// What a file begins with.
    package static func fileVersion(time: Double) -> [UInt8] { framed(event(step: 0, time: time) { $0.string(3, "brain.Event:2") }) }

    /// Numbers of one step, by their tags.
    package static func scalars(_ values: [(tag: String, value: Double)], step: Int, time: Double) -> [UInt8] {
        framed(
            event(step: step, time: time) { event in
                // Event.summary
                event.message(5) { summary in
                    for (tag, value) in values {
                        summary.message(1) {
                            $0.string(1, tag)
                            $0.float(2, Float(value))
                        }
                    }
                }
            })
    }

    static func text(_ tag: String, _ text: String, time: Double) -> [UInt8] {
        framed(
            event(step: 0, time: time) { event in
                event.message(5) { summary in
                    summary.message(1) {
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
            })
    }

    /// Tells a reader that has seen events of `step` and later ones that they come again: a run that was resumed.
    package static func restart(step: Int, time: Double) -> [UInt8] {
        // Event.session_log with SessionLog.status START.
        framed(event(step: step, time: time) { event in event.message(7) { $0.varint(1, 1) } })
    }

    private static func event(step: Int, time: Double, _ what: (inout ProtocolBuffer) -> Void) -> [UInt8] {
        var event = ProtocolBuffer()
        event.double(1, time)
        event.varint(2, UInt64(max(0, step)))
        what(&event)
        return event.bytes
    }

    /// Length, its checksum, the bytes, their checksum.
    private static func framed(_ record: [UInt8]) -> [UInt8] {
        let length = littleEndian(UInt64(record.count))
        return length + littleEndian(CRC32C.masked(length)) + record + littleEndian(CRC32C.masked(record))
    }
}
