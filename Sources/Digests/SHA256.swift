import CCrypto
import Diagnostics

/// The SHA-256 digest (FIPS 180-4) of bytes that arrive piece by piece, by libcrypto. About 1.5 GB/s on a core with
/// SHA instructions. Not safe to share between threads.
package final class SHA256 {
    private let context: OpaquePointer

    package init() {
        // Both fail only when memory for a few hundred bytes is lacking, or libcrypto was built without SHA-256.
        guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
            preconditionFailure("libcrypto offers no SHA-256")
        }
        self.context = context
    }

    deinit { EVP_MD_CTX_free(context) }

    package func update(_ bytes: UnsafeRawBufferPointer) {
        let status = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
        precondition(status == 1, "libcrypto refused bytes for a digest")
    }

    /// The digest of everything so far, as 64 lower-case hexadecimal digits; the object starts afresh after it.
    package func finish() -> String {
        var digest = [UInt8](repeating: 0, count: 32)
        let status = EVP_DigestFinal_ex(context, &digest, nil)
        precondition(status == 1 && EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1, "libcrypto could not finish a digest")
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// The digest of `bytes`, in hexadecimal.
    package static func hex(of bytes: UnsafeRawBufferPointer) -> String {
        let hash = SHA256()
        hash.update(bytes)
        return hash.finish()
    }

    package static func hex(of bytes: [UInt8]) -> String {
        bytes.withUnsafeBytes { hex(of: $0) }
    }

    /// The digest of float32 values as they lie in memory (little-endian), such as an arena of parameters.
    package static func hex(of values: UnsafePointer<Float>, count: Int) -> String {
        hex(of: UnsafeRawBufferPointer(start: values, count: 4 * count))
    }

    /// The digest of a file, read in pieces of 1 MiB.
    package static func hex(ofFile path: String) throws -> String {
        try hex(of: ReadableFile(path))
    }

    package static func hex(of file: ReadableFile) throws -> String {
        let hash = SHA256()
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
        defer { piece.deallocate() }
        var offset = 0
        while offset < file.size {
            let part = UnsafeMutableRawBufferPointer(rebasing: piece[..<min(piece.count, file.size - offset)])
            try file.read(into: part, at: offset)
            hash.update(UnsafeRawBufferPointer(part))
            offset += part.count
        }
        return hash.finish()
    }
}
