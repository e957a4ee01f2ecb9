import Diagnostics
import Foundation

/// File operations that go wrong at a chosen point.
///
/// Nothing is really synchronised (a test's folder need not survive a power cut); instead it keeps account of what has
/// not been, and a crash can take that away: files written but not synchronised lose their second half, files created
/// in a folder that was not synchronised vanish.
final class FaultyFileOperations: FileOperations, @unchecked Sendable {
    enum Fault: Hashable {
        /// The operation fails with this `errno`, once; a write stops after some bytes.
        case error(Int32)
        /// It fails, and so does everything after it, also the cleaning up: the program is dead.
        case crash
        /// As `crash`, and the machine loses what was not synchronised.
        case powerCut
    }

    struct Crash: Error {}

    enum Point: Hashable {
        case never
        /// Before the n-th operation (a write counts as one).
        case operation(Int)
        /// In the write that passes this many bytes in all, after exactly so many.
        case byte(Int)
    }

    private let point: Point
    private let fault: Fault
    private let real = PosixFileOperations()
    private var isDead = false
    private var paths: [Int32: String] = [:]
    private var unsynchronized: Set<String> = []
    private var unlisted: Set<String> = []

    private(set) var operations = 0
    private(set) var bytesWritten = 0
    private(set) var struck = false

    init(_ fault: Fault = .crash, at point: Point = .never) {
        self.fault = fault
        self.point = point
    }

    func makeDirectory(_ path: String) throws {
        try step("create folder", path)
        try real.makeDirectory(path)
    }

    func create(_ path: String) throws -> Int32 {
        try step("create", path)
        if !FileManager.default.fileExists(atPath: path) { unlisted.insert(path) }
        let descriptor = try real.create(path)
        paths[descriptor] = path
        unsynchronized.insert(path)
        return descriptor
    }

    func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: String) throws {
        try step("write", path)
        unsynchronized.insert(path)
        if case .byte(let limit) = point, !struck, bytesWritten + bytes.count > limit {
            try real.write(UnsafeRawBufferPointer(rebasing: bytes[..<(limit - bytesWritten)]), to: descriptor, path: path)
            try strike("write", path)
        }
        bytesWritten += bytes.count
        try real.write(bytes, to: descriptor, path: path)
    }

    func synchronize(_ descriptor: Int32, path: String) throws {
        try step("synchronise", path)
        unsynchronized.remove(path)
    }

    func close(_ descriptor: Int32, path: String) throws {
        try real.close(descriptor, path: path)
        try step("close", path)
    }

    func synchronizeDirectory(_ path: String) throws {
        try step("synchronise", path)
        unlisted = unlisted.filter { ($0 as NSString).deletingLastPathComponent != path }
    }

    func rename(_ source: String, to target: String) throws {
        try step("rename", target)
        try real.rename(source, to: target)
        let moved = { (path: String) in
            path == source || path.hasPrefix(source + "/") ? target + path.dropFirst(source.count) : path
        }
        unsynchronized = Set(unsynchronized.map(moved))
        // The rename itself is atomic: it may be lost, but not together with what it replaced. Files in a renamed
        // folder whose entries were not synchronised may be.
        unlisted.remove(source)
        unlisted = Set(unlisted.map(moved))
    }

    func removeFile(_ path: String) throws {
        try step("remove", path)
        try real.removeFile(path)
        unsynchronized.remove(path)
        unlisted.remove(path)
    }

    func removeDirectory(_ path: String) throws {
        try step("remove", path)
        try real.removeDirectory(path)
    }

    private func step(_ operation: String, _ path: String) throws {
        if isDead { throw Crash() }
        if case .operation(operations) = point { try strike(operation, path) }
        operations += 1
    }

    private func strike(_ operation: String, _ path: String) throws {
        struck = true
        switch fault {
        case .error(let code):
            operations += 1
            throw SystemError(code: code, operation: operation, path: path)
        case .powerCut:
            for path in unsynchronized { truncate(path, off_t((try? ReadableFile(path).size) ?? 0) / 2) }
            for path in unlisted { unlink(path) }
            fallthrough
        case .crash:
            isDead = true
            throw Crash()
        }
    }
}
