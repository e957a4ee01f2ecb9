import CZlib
import Diagnostics

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

    /// Fills `buffer` as far as the contents go.
    ///
    /// - Returns: the number of bytes read, less than `buffer.count` at the end only.
    /// - Throws: `Failure.badData` for a damaged or truncated gzip stream.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        var done = 0
        while done < buffer.count {
            let wanted = min(buffer.count - done, 1 << 30)
            let count = Int(gzread(handle, buffer.baseAddress! + done, UInt32(wanted)))
            try checkStream(count)
            if count == 0 { break }
            done += count
        }
        return done
    }

    /// Whether nothing is left; then the checksum of a gzip stream has been verified too.
    func isAtEnd() throws -> Bool {
        var byte: UInt8 = 0
        return try withUnsafeMutableBytes(of: &byte) { try read(into: $0) } == 0
    }

    private func checkStream(_ count: Int) throws {
        var code: Int32 = 0
        let text = gzerror(handle, &code).map { String(cString: $0) } ?? ""
        // Z_BUF_ERROR: the compressed data ended in the middle.
        if code == Z_BUF_ERROR {
            throw Failure.badData(
                "\(path): truncated: the gzip data end at byte \(fileSize) of the file, expected the end of the stream",
                remedy: "the file was cut short: copy or download it again")
        }
        if code == Z_ERRNO { throw Failure.reading(path, code: errno) }
        guard count >= 0, code == Z_OK || code == Z_STREAM_END else {
            throw Failure.badData("\(path): damaged gzip data (\(text))", remedy: "copy or download the file again")
        }
    }
}
