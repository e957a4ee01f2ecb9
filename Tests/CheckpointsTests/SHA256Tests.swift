import Checkpoints
import Diagnostics
import Digests
import Foundation
import Testing

@Suite struct SHA256Tests {
    /// Test vectors of FIPS 180-4 (NIST's examples).
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ]) func publishedVectors(text: String, digest: String) throws {
        #expect(SHA256.hex(of: Array(text.utf8)) == digest)
        let folder = try TemporaryFolder()
        try write(Array(text.utf8), to: folder.file("f"))
        #expect(try SHA256.hex(ofFile: folder.file("f")) == digest)
    }

    @Test func aMillionLettersInPieces() throws {
        let digest = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        let letters = [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)
        let hash = SHA256()
        for start in stride(from: 0, to: letters.count, by: 7777) {
            letters[start..<min(start + 7777, letters.count)].withUnsafeBytes { hash.update($0) }
        }
        #expect(hash.finish() == digest)
        let folder = try TemporaryFolder()
        // More than the 1 MiB that is read at a time.
        try write(letters + letters, to: folder.file("f"))
        letters.withUnsafeBytes { hash.update($0) }
        letters.withUnsafeBytes { hash.update($0) }
        #expect(try SHA256.hex(ofFile: folder.file("f")) == hash.finish())
    }

    @Test func floatsAreHashedAsTheyLieInMemory() {
        let values: [Float] = [1, -2]
        let digest = values.withUnsafeBufferPointer { SHA256.hex(of: $0.baseAddress!, count: 2) }
        #expect(digest == SHA256.hex(of: [0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0]))
    }
}
