import Diagnostics
import Foundation

/// A run's folder, held by one process (rank 0) for as long as this object lives.
///
/// The hold is an advisory lock on `run.lock`; it ends with the process, however that ends.
package final class RunDirectory: Sendable {
    package enum Mode: Sendable {
        /// The folder must be absent, or hold no run.
        case new
        /// The folder must hold a run, or the recipe of one that ended before its first step.
        case resume
        /// Either: goes on with a run that is there, else begins one (for jobs that are started again and again).
        case resumeIfPresent
    }

    package let path: String
    /// Whether the folder held a run when it was opened.
    package let heldRun: Bool
    /// Why the folder could not be locked (some network file systems have no locks), for the log; nil when it is locked.
    package let lockWarning: String?
    private let descriptor: Int32

    /// What shows that a folder holds a run.
    private static let traces = ["checkpoints", "metrics.jsonl"]

    /// Creates the folder (and its parents) if need be, locks it, and looks at what it holds.
    ///
    /// - Throws: `Failure.usage` when `path` is a file, holds another run (`.new`) or none (`.resume`), or is in use;
    ///   `Failure.inputOutput` when it cannot be created or written to.
    package init(_ path: String, mode: Mode) throws {
        if mode == .resume {
            guard FileManager.default.fileExists(atPath: path) else {
                throw Failure.usage("there is no folder \(path) to resume from", remedy: "check the path, or start without --resume")
            }
        }
        try makeFolders(path)
        let lock = try Self.lock(path)
        let heldRun = Self.traces.contains { FileManager.default.fileExists(atPath: path + "/" + $0) }
        do {
            try Self.check(path, mode, heldRun: heldRun)
        } catch {
            close(lock.descriptor)
            throw error
        }
        // Only tells a second job who holds the lock: a failure here (a full disk) is no reason to stop.
        let owner = Array("process \(getpid()) on \(ProcessInfo.processInfo.hostName)\n".utf8)
        if ftruncate(lock.descriptor, 0) == 0 { _ = pwrite(lock.descriptor, owner, owner.count, 0) }
        self.path = path
        self.heldRun = heldRun
        lockWarning = lock.warning
        descriptor = lock.descriptor
    }

    deinit { close(descriptor) }

    private static func lock(_ folder: String) throws -> (descriptor: Int32, warning: String?) {
        let path = folder + "/run.lock"
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else {
            throw Failure.writing(path, error: SystemError(code: errno, operation: "create", path: path))
        }
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            switch errno {
            case EINTR: continue
            case EWOULDBLOCK:
                let owner = (try? ReadableFile.contents(of: path, limit: 1 << 12)).map { String(decoding: $0, as: UTF8.self) } ?? ""
                close(descriptor)
                throw Failure.usage(
                    "\(folder) is in use by another job\(owner.isEmpty ? "" : ": \(owner.trimmingCharacters(in: .newlines))")",
                    remedy: "wait for it to end, or write to another folder (--output)")
            default:
                let cause = String(cString: strerror(errno))
                return (descriptor, "\(folder) could not be locked (\(cause)): start no second job in it")
            }
        }
        return (descriptor, nil)
    }

    private static func check(_ path: String, _ mode: Mode, heldRun: Bool) throws {
        switch mode {
        case .new where heldRun:
            throw Failure.usage(
                "\(path) already holds a run", remedy: "go on with it (--resume), or write to another folder (--output)")
        case .resume where !heldRun && !FileManager.default.fileExists(atPath: path + "/recipe.yaml"):
            throw Failure.usage("\(path) holds no run to resume", remedy: "check the path, or start without --resume")
        default: break
        }
    }
}
