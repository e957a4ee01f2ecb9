import Foundation

/// Where a writer puts its bytes, in order.
package typealias ByteSink = (UnsafeRawBufferPointer) throws -> Void

/// The beginning of the names of files and folders that are not finished; whoever finds one may remove it.
package let incompletePrefix = ".incomplete-"

/// Writes a file so that, whatever happens, `path` holds either what it held before or all of the new bytes.
///
/// The bytes go to a hidden file beside `path`, are synchronised to the disk, and take the name `path` by a rename;
/// then the folder is synchronised. On an error the hidden file is removed. A path that is a device, a pipe or a
/// symbolic link (`/dev/stdout`) is written in place instead.
///
/// - Parameters:
///   - byteCount: how many bytes will come, for the message when the disk is full.
///   - body: hands the contents to the sink, piece by piece.
/// - Throws: `Failure.inputOutput`, or what `body` throws.
package func writeAtomically(
    to path: String, byteCount: Int? = nil, using files: some FileOperations = PosixFileOperations(),
    _ body: (ByteSink) throws -> Void
) throws {
    if isSpecialFile(path) { return try writeInPlace(path, byteCount: byteCount, using: files, body) }
    let folder = pathFolder(path)
    let temporary = folder + "/" + incompletePrefix + "\(pathName(path))-\(getpid())"
    do {
        try writeSynchronized(temporary, using: files, body)
        try files.rename(temporary, to: path)
        try files.synchronizeDirectory(folder)
    } catch {
        try? files.removeTree(temporary)
        throw Failure.writing(path, bytes: byteCount, error: error)
    }
}

/// `writeAtomically(to:byteCount:using:_:)` of bytes at hand.
package func writeAtomically(
    _ bytes: some Sequence<UInt8>, to path: String, using files: some FileOperations = PosixFileOperations()
) throws {
    let bytes = Array(bytes)
    try writeAtomically(to: path, byteCount: bytes.count, using: files) { sink in
        try bytes.withUnsafeBytes { try sink($0) }
    }
}

/// Writes `path`, synchronises it and closes it. Not atomic: a part of the publication of something larger.
package func writeSynchronized(
    _ path: String, using files: some FileOperations, _ body: (ByteSink) throws -> Void
) throws {
    let descriptor = try files.create(path)
    do {
        try body { try files.write($0, to: descriptor, path: path) }
        try files.synchronize(descriptor, path: path)
    } catch {
        try? files.close(descriptor, path: path)
        throw error
    }
    try files.close(descriptor, path: path)
}

private func isSpecialFile(_ path: String) -> Bool {
    var status = stat()
    guard lstat(path, &status) == 0 else { return false }
    let type = status.st_mode & S_IFMT
    return type != S_IFREG && type != S_IFDIR
}

private func writeInPlace(
    _ path: String, byteCount: Int?, using files: some FileOperations, _ body: (ByteSink) throws -> Void
) throws {
    // /dev/stdout where it is a file: opened anew, it would be written over from its beginning.
    let own = [STDOUT_FILENO, STDERR_FILENO].first { isSameFile(path, "/proc/self/fd/\($0)") }
    let descriptor = own.map { dup($0) } ?? open(path, O_WRONLY | O_TRUNC | O_CLOEXEC)
    guard descriptor >= 0 else {
        throw Failure.writing(path, bytes: byteCount, error: SystemError(code: errno, operation: "open", path: path))
    }
    do {
        try body { try files.write($0, to: descriptor, path: path) }
    } catch {
        try? files.close(descriptor, path: path)
        throw Failure.writing(path, bytes: byteCount, error: error)
    }
    do { try files.close(descriptor, path: path) } catch { throw Failure.writing(path, bytes: byteCount, error: error) }
}
