import CZlib
import Diagnostics
import Foundation

/// The contents of a file, inflated if it is gzipped (RFC 1952) and as they are if not.
final class GzipStream {
    let path: String
    /// The file's own size in bytes.
    let fileSize: Int
    private let handle: gzFile

    /// An upper bound of the contents' size: deflate cannot shrink by more than a factor of 1032.
    var contentLimit: Int { gzdirect(handle) == 1 ? fileSize : fileSize.multipliedReportingOverflow(by: 1032).partialValue }

    /// - Throws: `Failure.inputOutput` when the file cannot be opened.
    init(_ path: String) throws {
        // Says what is wrong with a path better than zlib does.
        fileSize = try ReadableFile(path).size
        guard let handle = gzopen(path, "rbe") else { throw Failure.reading(path, code: errno) }
        self.path = path
        self.handle = handle
    }

    deinit { gzclose(handle) }

    /// Why the compressed data ended before their time, once `read` has come that far; nil for sound or plain data.
    private(set) var damage: String?

    /// Fills `buffer` as far as sound contents go; less than `buffer.count` bytes at the end or at `damage` only.
    ///
    /// - Throws: `Failure.inputOutput` when reading fails.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        var done = 0
        while done < buffer.count, damage == nil {
            let count = gzread(handle, buffer.baseAddress! + done, UInt32(min(buffer.count - done, 1 << 30)))
            var code: Int32 = 0
            let text = gzerror(handle, &code).map { String(cString: $0) } ?? ""
            if code == Z_ERRNO { throw Failure.reading(path, code: errno) }
            if code == Z_BUF_ERROR {
                damage = "truncated gzip data"
            } else if code != Z_OK && code != Z_STREAM_END {
                damage = "damaged gzip data (\(text))"
            }
            if count <= 0 { break }
            done += Int(count)
        }
        return done
    }

    /// Whether nothing is left; then the checksum of gzipped data has been looked at too, see `damage`.
    func isAtEnd() throws -> Bool {
        var byte: UInt8 = 0
        return try withUnsafeMutableBytes(of: &byte) { try read(into: $0) } == 0
    }
}
