import Foundation

/// A regular file opened for reading at any position; safe to share between threads.
package final class ReadableFile: Sendable {
    package let path: String
    /// Size in bytes when it was opened.
    package let size: Int
    private let descriptor: Int32

    /// - Throws: `Failure.inputOutput` when the file is missing, unreadable, or not a regular file.
    package init(_ path: String) throws {
        // Looked at before it is opened: opening a named pipe would wait for a writer.
        var status = stat()
        guard stat(path, &status) == 0 else { throw Failure.reading(path, code: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            let isFolder = status.st_mode & S_IFMT == S_IFDIR
            throw Failure.inputOutput(
                "cannot read \(path): it is \(isFolder ? "a folder" : "not a regular file")", remedy: "give the path of a file")
        }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure.reading(path, code: errno) }
        guard fstat(descriptor, &status) == 0 else {
            let code = errno
            close(descriptor)
            throw Failure.reading(path, code: code)
        }
        self.path = path
        size = Int(status.st_size)
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// Fills `buffer` with the bytes from `offset` on.
    ///
    /// - Throws: `Failure` when the file ends before the buffer is full.
    package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws {
        var done = 0
        while done < buffer.count {
            let count = pread(descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(offset + done))
            if count < 0 {
                if errno == EINTR { continue }
                throw Failure.reading(path, code: errno)
            }
            if count == 0 {
                throw Failure.badData(
                    "\(path): ends at byte \(offset + done), expected at least \(offset + buffer.count)",
                    remedy: "the file was cut short: copy or write it again")
            }
            done += count
        }
    }

    /// `count` bytes from `offset` on. The caller has checked that `count` is sensible.
    package func bytes(at offset: Int, count: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            try read(into: UnsafeMutableRawBufferPointer(buffer), at: offset)
            initialized = count
        }
    }

    /// All that can be read from a small file, a pipe or a device such as /dev/stdin, until its end.
    ///
    /// - Throws: `Failure.inputOutput` when it cannot be read, `.badData` when it goes on for more than `limit` bytes.
    package static func stream(_ path: String, limit: Int = 64 << 20) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure.reading(path, code: errno) }
        defer { close(descriptor) }
        var contents: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Foundation.read(descriptor, &piece, piece.count)
            if count == 0 { return contents }
            if count < 0 {
                if errno == EINTR { continue }
                if errno == EISDIR {
                    throw Failure.inputOutput("cannot read \(path): it is a folder", remedy: "give the path of a file")
                }
                throw Failure.reading(path, code: errno)
            }
            guard contents.count + count <= limit else {
                throw Failure.badData("\(path): has more than \(byteText(limit))", remedy: "check that this is the right file")
            }
            contents += piece[..<count]
        }
    }

    /// The whole of a file that should be small.
    ///
    /// - Throws: `Failure.badData` when it is larger than `limit` bytes; nothing is allocated then.
    package static func contents(of path: String, limit: Int = 64 << 20) throws -> [UInt8] {
        let file = try ReadableFile(path)
        guard file.size <= limit else {
            throw Failure.badData(
                "\(path): has \(byteText(file.size)), expected at most \(byteText(limit))", remedy: "check that this is the right file")
        }
        return try file.bytes(at: 0, count: file.size)
    }
}
