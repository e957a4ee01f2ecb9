/// The events of an event file, as far as its records are whole.
package struct EventReader {
    package struct Event: Hashable {
        package var time = 0.0
        package var step = 0
        package var fileVersion: String?
        /// In the order of the file.
        package var scalars: [Scalar] = []
        package var isRestart = false
        /// Where its record ends in the file.
        package var end = 0
    }

    package struct Scalar: Hashable {
        package var tag: String
        package var value: Float
    }

    package private(set) var events: [Event] = []
    /// Bytes that are whole records; what follows was cut short, or is damaged.
    package private(set) var wholeBytes = 0

    package init(_ bytes: [UInt8]) {
        // Length, checksum; contents, checksum.
        while bytes.count - wholeBytes >= 16 {
            let head = bytes[wholeBytes..<wholeBytes + 12]
            let length = littleEndianNumber(head.prefix(8))
            guard CRC32C.masked(head.prefix(8)) == UInt32(littleEndianNumber(head.suffix(4))), length <= UInt64(bytes.count - wholeBytes - 16) else { return }
            let record = bytes[wholeBytes + 12..<wholeBytes + 12 + Int(length)]
            let end = record.endIndex + 4
            guard CRC32C.masked(record) == UInt32(littleEndianNumber(bytes[record.endIndex..<end])), var event = EventReader.event(record) else { return }
            event.end = end
            events.append(event)
            wholeBytes = end
        }
    }

    private static func event(_ bytes: ArraySlice<UInt8>) -> Event? {
        var (reader, event) = (ProtocolReader(bytes), Event())
        while let (field, value) = reader.next() {
            switch (field, value) {
            case (1, .fixed64(let bits)): event.time = Double(bitPattern: bits)
            case (2, .varint(let step)): event.step = Int(truncatingIfNeeded: step)
            case (3, .delimited(let text)): event.fileVersion = String(decoding: text, as: UTF8.self)
            case (5, .delimited(let summary)):
                guard let scalars = scalars(summary) else { return nil }
                event.scalars += scalars
            case (7, .delimited(let log)):
                var log = ProtocolReader(log)
                while let (field, value) = log.next() { if case (1, .varint(1)) = (field, value) { event.isRestart = true } }
                if log.isDamaged { return nil }
            default: break
            }
        }
        return reader.isDamaged ? nil : event
    }

    /// Of a summary those values that are numbers.
    private static func scalars(_ bytes: ArraySlice<UInt8>) -> [Scalar]? {
        var (reader, scalars) = (ProtocolReader(bytes), [Scalar]())
        while let (field, value) = reader.next() {
            guard case (1, .delimited(let content)) = (field, value) else { continue }
            var (inner, tag, number) = (ProtocolReader(content), "", Float?.none)
            while let (field, value) = inner.next() {
                switch (field, value) {
                case (1, .delimited(let text)): tag = String(decoding: text, as: UTF8.self)
                case (2, .fixed32(let bits)): number = Float(bitPattern: bits)
                default: break
                }
            }
            if inner.isDamaged { return nil }
            if let number { scalars.append(Scalar(tag: tag, value: number)) }
        }
        return reader.isDamaged ? nil : scalars
    }
}
