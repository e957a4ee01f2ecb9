import Foundation

/// A file's bytes, mapped read-only: processes of one host share them, and pages come when they are needed. Nothing changes
/// them as long as nobody writes the file: hence `@unchecked Sendable`.
package final class MappedFile: @unchecked Sendable {
    package let path: String
    /// In bytes; may be 0.
    package let size: Int
    private let base: UnsafeMutableRawPointer?

    /// - Parameters:
    ///   - size: what the file must have, in bytes; nil: whatever it has.
    ///   - remedy: what to do where it has another.
    /// - Throws: `Failure` when the file cannot be read or has another size.
    package init(_ path: String, size expected: Int? = nil, remedy: String = "it was cut short or changed: copy or make it again") throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure.reading(path, code: errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Failure.reading(path, code: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw Failure.inputOutput("cannot read \(path): it is not a regular file", remedy: "give the path of a file")
        }
        size = Int(status.st_size)
        if let expected, expected != size {
            throw Failure.badData("\(path): has \(size) bytes, expected \(expected)", remedy: remedy)
        }
        self.path = path
        guard size > 0 else {
            base = nil
            return
        }
        guard let base = mmap(nil, size, PROT_READ, MAP_SHARED, descriptor, 0), base != MAP_FAILED else {
            throw Failure.reading(path, code: errno)
        }
        self.base = base
    }

    deinit {
        if let base { munmap(base, size) }
    }

    /// Calls `body` with all bytes, which stay until it returns.
    package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try withExtendedLifetime(self) { try body(bytes) }
    }

    /// All bytes. Valid as long as this object lives: for owners that keep it.
    package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: size) }
}
