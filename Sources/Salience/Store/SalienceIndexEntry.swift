/// Where an image's map is: 16 bytes of `index.bin`.
struct SalienceIndexEntry: Hashable {
    enum Content: UInt8 {
        case none
        /// Number `place` of the maps in `maps.u8`.
        case pixels
        /// `length` bytes of `outlines.bin` from `place` on.
        case outlines
    }

    static let bytes = 16

    var state: SalienceState
    var content: Content
    /// Index into the origins; nil where nobody looked.
    var origin: Int?
    var length: Int
    var place: Int

    init(state: SalienceState, content: Content, origin: Int?, length: Int = 0, place: Int = 0) {
        self.state = state
        self.content = content
        self.origin = origin
        self.length = length
        self.place = place
    }

    private static let states: [SalienceState] = [.unseen, .empty, .map]
    private static let noOrigin = UInt16.max
    /// The most origins that an entry can tell apart.
    static let maximumOrigins = Int(noOrigin)

    /// Nil where the bytes mean nothing. Reads 16 bytes.
    init?(_ bytes: UnsafeRawPointer) {
        let (state, content) = (Int(bytes.load(as: UInt8.self)), bytes.load(fromByteOffset: 1, as: UInt8.self))
        guard SalienceIndexEntry.states.indices.contains(state), let content = Content(rawValue: content) else { return nil }
        let origin = UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
        let place = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        guard place <= UInt64(Int64.max) else { return nil }
        self.init(
            state: SalienceIndexEntry.states[state], content: content, origin: origin == SalienceIndexEntry.noOrigin ? nil : Int(origin),
            length: Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))), place: Int(place))
        guard (self.state == .map) == (content != .none) else { return nil }
    }

    /// The 16 bytes.
    var encoded: [UInt8] {
        var bytes = [UInt8(SalienceIndexEntry.states.firstIndex(of: state)!), content.rawValue]
        withUnsafeBytes(of: UInt16(origin ?? Int(SalienceIndexEntry.noOrigin)).littleEndian) { bytes += $0 }
        withUnsafeBytes(of: UInt32(length).littleEndian) { bytes += $0 }
        withUnsafeBytes(of: UInt64(place).littleEndian) { bytes += $0 }
        return bytes
    }
}
