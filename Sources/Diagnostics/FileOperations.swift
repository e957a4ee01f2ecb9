import Foundation

/// A system call on a file that did not succeed.
package struct SystemError: Error, Hashable, Sendable {
    /// `errno` after the call.
    package let code: Int32
    /// The call, in words: "create", "write", "synchronise", "rename" …
    package let operation: String
    package let path: String

    package init(code: Int32, operation: String, path: String) {
        self.code = code
        self.operation = operation
        self.path = path
    }
}

/// The operations by which files that matter reach the disk.
///
/// Everything that must survive a crash goes through this protocol, so that a test can make any single operation
/// fail, or stop the program there, and look at what is left.
package protocol FileOperations: Sendable {
    /// Creates a folder; one that is already there is not an error.
    func makeDirectory(_ path: String) throws
    /// Opens `path` for writing, empty, creating it when it is absent.
    func create(_ path: String) throws -> Int32
    /// Writes all of `bytes`.
    func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: String) throws
    /// Returns when the file's bytes are on the disk (fsync).
    func synchronize(_ descriptor: Int32, path: String) throws
    /// Closes the descriptor, whether or not it throws (network file systems report lost writes here).
    func close(_ descriptor: Int32, path: String) throws
    /// Returns when the folder's entries (new, renamed, removed names) are on the disk.
    func synchronizeDirectory(_ path: String) throws
    /// Renames in one indivisible step; an existing file at `target` is replaced.
    func rename(_ source: String, to target: String) throws
    /// Removes one file (not a folder).
    func removeFile(_ path: String) throws
    /// Removes one empty folder.
    func removeDirectory(_ path: String) throws
}

extension FileOperations {
    /// Removes a file, or a folder with all it holds. A path that is absent is not an error.
    package func removeTree(_ path: String) throws {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            if errno == ENOENT { return }
            throw SystemError(code: errno, operation: "examine", path: path)
        }
        guard status.st_mode & S_IFMT == S_IFDIR else { return try removeFile(path) }
        for name in try FileManager.default.contentsOfDirectory(atPath: path).sorted() {
            try removeTree(path + "/" + name)
        }
        try removeDirectory(path)
    }
}

/// The operations as POSIX has them. Calls interrupted by a signal are repeated.
package struct PosixFileOperations: FileOperations {
    package init() {}

    package func makeDirectory(_ path: String) throws {
        if mkdir(path, 0o777) == 0 { return }
        let code = errno
        var status = stat()
        if code == EEXIST, stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { return }
        throw SystemError(code: code, operation: "create folder", path: path)
    }

    package func create(_ path: String) throws -> Int32 {
        try repeating("create", path) { open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o666) }
    }

    package func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: String) throws {
        var rest = bytes
        while !rest.isEmpty {
            let written = Foundation.write(descriptor, rest.baseAddress, rest.count)
            if written < 0 {
                if errno == EINTR { continue }
                throw SystemError(code: errno, operation: "write", path: path)
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[written...])
        }
    }

    package func synchronize(_ descriptor: Int32, path: String) throws {
        try repeating("synchronise", path) { fsync(descriptor) }
    }

    package func close(_ descriptor: Int32, path: String) throws {
        // Linux has closed the descriptor even when it reports EINTR: never call close twice.
        if Foundation.close(descriptor) != 0, errno != EINTR {
            throw SystemError(code: errno, operation: "close", path: path)
        }
    }

    package func synchronizeDirectory(_ path: String) throws {
        let descriptor = try repeating("open", path) { open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        defer { _ = Foundation.close(descriptor) }
        do {
            try synchronize(descriptor, path: path)
        } catch let error as SystemError where error.code == EINVAL || error.code == ENOTSUP {
            // Some network file systems cannot synchronise a folder, and order renames by themselves.
        }
    }

    package func rename(_ source: String, to target: String) throws {
        try repeating("rename", target) { Foundation.rename(source, target) }
    }

    package func removeFile(_ path: String) throws {
        try repeating("remove", path) { unlink(path) }
    }

    package func removeDirectory(_ path: String) throws {
        try repeating("remove", path) { rmdir(path) }
    }

    @discardableResult
    private func repeating(_ operation: String, _ path: String, _ call: () -> Int32) throws -> Int32 {
        while true {
            let result = call()
            if result >= 0 { return result }
            if errno != EINTR { throw SystemError(code: errno, operation: operation, path: path) }
        }
    }
}
