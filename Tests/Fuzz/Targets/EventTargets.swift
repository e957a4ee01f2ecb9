import Interchange

extension FuzzTarget {
    /// TensorBoard's event files, of a run that is resumed.
    static let events = FuzzTarget("events") { input in
        let bytes = input.bytes
        let read = EventReader(bytes)
        guard read.wholeBytes <= bytes.count, read.events.map(\.end) == read.events.map(\.end).sorted() else { fatalError("ends beyond the file") }
        guard EventReader(Array(bytes.prefix(read.wholeBytes))).events.map(\.end) == read.events.map(\.end) else { fatalError("without what is damaged, it is another") }
        // Where the checksums are wrong, a record is still to be read.
        var message = ProtocolReader(bytes[...])
        while message.next() != nil {}
    }
}
