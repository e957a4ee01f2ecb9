import Diagnostics
import Foundation

/// `metrics.jsonl`: one JSON object per line, in the order of the steps, written as the run goes.
///
/// Each line is written by one call, so a reader sees whole lines. They reach the disk for certain with `synchronize()`,
/// which a run calls before it publishes a checkpoint: what a crash of the machine takes are lines after the newest
/// checkpoint, and these are written again when the run is resumed from it.
package final class MetricsLog {
    private let path: String
    private let files: any FileOperations
    private let descriptor: Int32

    /// Opens the log in `folder`, creating it if needed.
    ///
    /// Lines of steps after `step` and of epochs from `epoch` on (from before the checkpoint that a run is resumed from) and
    /// lines that are damaged are removed; whatever happens meanwhile, the file has either all its old lines or those that remain.
    ///
    /// - Parameter epoch: the epoch under way; nil keeps the lines of all epochs.
    package init(folder: String, after step: Int, epoch: Int? = nil, using files: some FileOperations = PosixFileOperations()) throws {
        self.files = files
        path = folder + "/metrics.jsonl"
        if FileManager.default.fileExists(atPath: path) {
            let old = try ReadableFile.contents(of: path, limit: 1 << 32)
            let kept = Self.lines(of: old, upTo: step, before: epoch ?? .max)
            if kept.count != old.count { try writeAtomically(kept, to: path, using: files) }
        } else {
            try writeAtomically([], to: path, using: files)
        }
        descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw Failure.writing(path, error: SystemError(code: errno, operation: "open", path: path))
        }
    }

    deinit { close(descriptor) }

    /// Appends a line. It has the key `step`, without which resuming would remove it.
    ///
    /// - Throws: `Failure.inputOutput` when it cannot be written, as on a full disk.
    package func append(_ line: some Encodable) throws {
        let bytes = try jsonBytes(line, .line)
        do {
            try bytes.withUnsafeBytes { try files.write($0, to: descriptor, path: path) }
        } catch {
            throw Failure.writing(path, bytes: bytes.count, error: error)
        }
    }

    /// Returns when all lines so far are on the disk.
    package func synchronize() throws {
        do { try files.synchronize(descriptor, path: path) } catch { throw Failure.writing(path, error: error) }
    }

    /// The whole lines whose step is at most `step`, but those of epochs only before `epoch`.
    private static func lines(of bytes: [UInt8], upTo step: Int, before epoch: Int) -> [UInt8] {
        struct Line: Decodable {
            let step: Int
            let type: String?
            let epoch: Int?
        }
        var kept: [UInt8] = []
        var rest = bytes[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let line = rest[..<end]
            if let found = try? decodedJSON(Line.self, from: line), found.step <= step,
                found.type != "epoch" || found.epoch ?? -1 < epoch,
                // What changed when the run was resumed at this very step, or ended it there, is told again.
                found.type != "recipe" && found.type != "collapse" || found.step < step
            {
                kept += rest[...end]
            }
            rest = rest[(end + 1)...]
        }
        return kept
    }
}
