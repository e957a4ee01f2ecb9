/// A 64-bit hash of bytes: eight at a time, each step a bijection of the state, so that any change within one word is
/// seen for certain and any other change misses with probability about 2⁻⁶⁴. Not cryptographic.
///
/// - Complexity: O(bytes), several GB/s.
struct ContentHash {
    private var state: UInt64 = 0x9E37_79B9_7F4A_7C15

    mutating func combine(_ bytes: UnsafeRawBufferPointer) {
        var h = state
        let words = bytes.count / 8
        for i in 0..<words {
            h = ContentHash.mix(h ^ UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * i, as: UInt64.self)))
        }
        for i in (8 * words)..<bytes.count { h = ContentHash.mix(h ^ UInt64(bytes[i])) }
        // The length, so that pieces cannot be cut differently.
        state = ContentHash.mix(h ^ UInt64(bytes.count))
    }

    /// Of maps and the flags that say which of them count.
    static func ofSalience(_ maps: [Float], annotated: [Bool]?) -> String {
        var hash = ContentHash()
        maps.withUnsafeBytes { hash.combine($0) }
        annotated?.withUnsafeBytes { hash.combine($0) }
        return hash.hexadecimal
    }

    var value: UInt64 { state }
    var hexadecimal: String { ContentHash.hexadecimal(state) }

    static func hexadecimal(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private static func mix(_ value: UInt64) -> UInt64 {
        let product = value &* 0xD6E8_FEB8_6659_FD93
        return product ^ (product >> 32)
    }
}
