/// The checksum of TensorFlow's record files: CRC-32C (Castagnoli), masked so that the checksum of a checksum is none.
package enum CRC32C {
    /// Reflected polynomial 0x82F63B78.
    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1 }
    }

    package static func value(_ bytes: some Sequence<UInt8>) -> UInt32 {
        ~bytes.reduce(~UInt32(0)) { $0 >> 8 ^ table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] }
    }

    package static func masked(_ bytes: some Sequence<UInt8>) -> UInt32 {
        let crc = value(bytes)
        return (crc >> 15 | crc << 17) &+ 0xA282_EAD8
    }
}
