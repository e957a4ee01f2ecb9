import Diagnostics
import Foundation

/// Appends to `ledger.jsonl`, whole lines only.
///
/// A line is handed to the operating system at once, so that the end of this process loses none; `synchronize` brings what
/// was written to the disk, so that the end of the machine loses little.
package final class LedgerWriter {
    package let path: String
    private let descriptor: Int32
    private var length: Int
    private var isDirty = false

    /// Opens the ledger, or begins one.
    ///
    /// - Parameter keeping: bytes of the whole lines that are there; the rest is cut off. 0 begins anew with the header.
    /// - Throws: `Failure.inputOutput`.
    package init(_ path: String, header: LedgerHeader, keeping: Int) throws {
        self.path = path
        length = keeping
        descriptor = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw Failure.writing(path, error: SystemError(code: errno, operation: "open", path: path)) }
        guard ftruncate(descriptor, off_t(keeping)) == 0 else {
            throw Failure.writing(path, error: SystemError(code: errno, operation: "shorten", path: path))
        }
        if keeping == 0 { try append(bytes: jsonBytes(header, .line)) }
        try synchronize()
    }

    deinit { Foundation.close(descriptor) }

    /// - Throws: `Failure.inputOutput`, for a full disk among others; no part of the line then stays.
    package func append(_ line: LedgerLine) throws { try append(bytes: jsonBytes(line, .line)) }

    private func append(bytes: [UInt8]) throws {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                pwrite(descriptor, $0.baseAddress! + done, bytes.count - done, off_t(length + done))
            }
            if count < 0 {
                if errno == EINTR { continue }
                let error = SystemError(code: errno, operation: "write", path: path)
                _ = ftruncate(descriptor, off_t(length))
                throw Failure.writing(path, error: error)
            }
            done += count
        }
        length += done
        isDirty = true
    }

    /// Returns when all lines are on the disk.
    package func synchronize() throws {
        guard isDirty else { return }
        do { try PosixFileOperations().synchronize(descriptor, path: path) } catch { throw Failure.writing(path, error: error) }
        isDirty = false
    }
}
