import CPNG
import Diagnostics
import Foundation

extension Image {
    /// This image as a PNG file: 8-bit grey or RGB, not interlaced.
    ///
    /// - Throws: `Failure.internalError` when libpng fails.
    package func encodedAsPNG() throws -> [UInt8] {
        guard size.width > 0, size.height > 0, size.width <= Int(Int32.max), size.height <= Int(Int32.max) else {
            throw Failure.internalError("an image of \(size) cannot be written as PNG")
        }
        var bytes: UnsafeMutablePointer<UInt8>?
        var count = 0
        var message = [CChar](repeating: 0, count: Int(CPNG_MESSAGE_SIZE))
        let status = cpng_write(pixels, UInt32(size.width), UInt32(size.height), Int32(channels.rawValue), &bytes, &count, &message)
        guard status == 0, let bytes else {
            throw Failure.internalError("libpng did not write an image of \(size)")
        }
        defer { free(bytes) }
        return Array(UnsafeBufferPointer(start: bytes, count: count))
    }

    /// Writes a PNG file atomically.
    ///
    /// - Throws: `Failure.inputOutput` when that fails.
    package func writePNG(to path: String) throws {
        try writeAtomically(encodedAsPNG(), to: path)
    }
}
