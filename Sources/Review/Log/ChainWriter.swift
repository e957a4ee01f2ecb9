import Diagnostics
import Digests
import Foundation

/// Appends to a log. One program at a time has it open.
package final class ChainWriter<Line: ChainedLine> {
    package let path: String
    private let files = PosixFileOperations()
    private let descriptor: Int32
    private var size: Int
    package private(set) var lines: Int
    package private(set) var head: String
    /// Bytes of an unfinished line that were found at the end and removed.
    package let removed: Int

    /// Opens the log at the end that `ChainReader` found.
    ///
    /// - Throws: `Failure` when it cannot be written, another program has it open, or its end is not there any more.
    package init(_ path: String, end: LogEnd) throws {
        self.path = path
        (size, lines, head, removed) = (end.size, end.lines, end.head, end.torn)
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Failure.writing(path, error: SystemError(code: errno, operation: "open", path: path)) }
        // From here on deinit closes it, whatever is thrown.
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw Failure.usage("\(path) is open in another \(Line.server)", remedy: "use that one, or end it first")
        }
        // Between the reading and the lock, a server that was about to end may have added a line.
        var status = stat()
        guard fstat(descriptor, &status) == 0, Int(status.st_size) == end.size + end.torn else {
            throw Failure.inputOutput("\(path) was changed while it was read", remedy: "start again: nothing is lost")
        }
        do {
            if end.torn > 0, ftruncate(descriptor, off_t(size)) != 0 { throw SystemError(code: errno, operation: "cut", path: path) }
            try files.synchronize(descriptor, path: path)
            try files.synchronizeDirectory(pathFolder(path))
        } catch { throw Failure.writing(path, error: error) }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Completes a line with its number and the hash of the one before, and returns once it is on the disk.
    ///
    /// - Returns: the byte at which it begins.
    /// - Throws: `Failure` when it is not on the disk; then the log is as it was.
    package func append(_ line: inout Line) throws -> Int {
        (line.line, line.previous) = (lines, head)
        let bytes = try jsonBytes(line, .line)
        do {
            try bytes.withUnsafeBytes { try files.write($0, to: descriptor, path: path) }
            try files.synchronize(descriptor, path: path)
        } catch {
            // What was written of it must not be there when the next one follows.
            guard ftruncate(descriptor, off_t(size)) == 0 else { throw Failure.internalError("\(path): an unfinished line cannot be removed; restart") }
            throw Failure.writing(path, bytes: bytes.count, error: error)
        }
        let offset = size
        size += bytes.count
        lines += 1
        head = SHA256.hex(of: Array(bytes.dropLast()))
        return offset
    }
}

package typealias ReviewLog = ChainWriter<LogLine>
