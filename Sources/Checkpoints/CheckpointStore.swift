import Diagnostics
import Digests
import Foundation

/// The checkpoints of one run: `RUN/checkpoints/step-00001234/`, each complete or not there at all.
///
/// A save writes all files into a hidden folder beside the others, synchronises each, adds a manifest (sizes and
/// SHA-256) and a completion marker (the manifest's SHA-256), synchronises the folder, gives it its name by one rename,
/// and synchronises the parent. A crash at any byte therefore leaves the earlier checkpoints untouched and the new one
/// either whole or hidden; a reader accepts only what passes every check. Only one process of a run may save.
package struct CheckpointStore {
    /// The folder that holds the checkpoints.
    package let folder: String
    /// How many checkpoints are kept besides the best.
    package let keep: Int
    private let files: any FileOperations

    /// - Parameters:
    ///   - run: the run's folder.
    ///   - keep: how many to keep besides the best, at least 1; the default of 3 survives two damaged ones.
    package init(run: String, keep: Int = 3, files: any FileOperations = PosixFileOperations()) {
        precondition(keep >= 1, "a run must keep at least one checkpoint")
        folder = run + "/checkpoints"
        self.keep = keep
        self.files = files
    }

    /// Which checkpoint is the best so far, by what measure.
    package struct Best: Codable, Hashable, Sendable {
        package var step: Int
        /// The measure's name, such as `validation.robustAccuracy`.
        package var metric: String
        package var value: Double

        package init(step: Int, metric: String, value: Double) {
            self.step = step
            self.metric = metric
            self.value = value
        }
    }

    // MARK: Saving

    /// Saves a checkpoint, records it as the best if it is, and removes those that are no longer kept.
    ///
    /// A checkpoint of the same step (the run went back to an earlier one and came here again) is replaced.
    ///
    /// - Parameters:
    ///   - contents: the files; each is asked for its bytes once, in order.
    ///   - kept: steps whose checkpoints are kept, too.
    ///   - best: the measure by which this is the best checkpoint so far, or nil if it is not.
    /// - Returns: the checkpoint, and what went wrong in tidying up afterwards, which does not endanger it.
    /// - Throws: `Failure.inputOutput` when it could not be written; earlier checkpoints are as they were.
    @discardableResult
    package func save(
        step: Int, _ contents: [CheckpointFile], best: (metric: String, value: Double)? = nil, keeping kept: Set<Int> = []
    ) throws -> (checkpoint: Checkpoint, warnings: [String]) {
        var warnings = removeLeftovers()
        let path = folder + "/" + Self.name(step)
        let temporary = folder + "/" + incompletePrefix + Self.name(step)
        let byteCount = contents.reduce(0) { $0 + $1.byteCount }
        do {
            try makeFolder()
            try files.makeDirectory(temporary)
            try write(contents, step: step, into: temporary)
            try publish(temporary, as: path, step: step)
        } catch {
            try? files.removeTree(temporary)
            throw Failure.writing(path, bytes: byteCount, error: error)
        }
        if let best { try markBest(Best(step: step, metric: best.metric, value: best.value)) }
        warnings += prune(saved: step, keeping: kept)
        return (Checkpoint(step: step, path: path, files: contents.map(\.name).sorted()), warnings)
    }

    /// The checkpoint of a step, checked; nil if there is none.
    package func checkpoint(step: Int) throws -> Checkpoint? {
        try entries().first { $0.step == step }.map(verified)
    }

    /// Removes the checkpoints of later steps than `step`: a run that went back will not come there again.
    package func removeLater(than step: Int) throws {
        for entry in try entries() where entry.step > step {
            do { try discard(entry.path) } catch { throw Failure.writing(entry.path, error: error) }
        }
    }

    /// Records which checkpoint is the best; it is kept until another one is.
    package func markBest(_ best: Best) throws {
        try writeAtomically(try jsonBytes(best), to: folder + "/best.json", using: files)
    }

    private func makeFolder() throws {
        guard !FileManager.default.fileExists(atPath: folder) else { return }
        try files.makeDirectory(folder)
        try files.synchronizeDirectory(pathFolder(folder))
    }

    private func write(_ contents: [CheckpointFile], step: Int, into temporary: String) throws {
        var manifest = CheckpointManifest(step: step, files: [:])
        for file in contents {
            let hash = SHA256()
            var written = 0
            try writeSynchronized(temporary + "/" + file.name, using: files) { sink in
                try file.write { bytes in
                    hash.update(bytes)
                    written += bytes.count
                    try sink(bytes)
                }
            }
            guard written == file.byteCount else {
                throw Failure.internalError("\(file.name): \(written) bytes were handed over, \(file.byteCount) announced")
            }
            let entry = CheckpointManifest.File(bytes: written, sha256: hash.finish())
            precondition(manifest.files.updateValue(entry, forKey: file.name) == nil, "two files are called \(file.name)")
        }
        let text = try manifest.encoded()
        for (name, bytes) in [
            (CheckpointManifest.fileName, text), (CheckpointManifest.markerName, Array((SHA256.hex(of: text) + "\n").utf8)),
        ] {
            try writeSynchronized(temporary + "/" + name, using: files) { sink in try bytes.withUnsafeBytes { try sink($0) } }
        }
        try files.synchronizeDirectory(temporary)
    }

    /// Gives the finished folder its name. A good checkpoint of the same step stays readable as `…-previous` until then.
    private func publish(_ temporary: String, as path: String, step: Int) throws {
        let previous = path + Self.previousSuffix
        if FileManager.default.fileExists(atPath: path) {
            if (try? Checkpoint(verifying: path)) == nil {
                try discard(path)
            } else {
                try discard(previous)
                try files.rename(path, to: previous)
            }
        }
        try files.rename(temporary, to: path)
        try files.synchronizeDirectory(folder)
        try? discard(previous)
    }

    // MARK: Reading

    /// The newest checkpoint that passes every check, and why newer ones were passed over.
    ///
    /// Reads every byte of each checkpoint it looks at.
    package func latestValid() throws -> (checkpoint: Checkpoint?, skipped: [(path: String, reason: Failure)]) {
        var skipped: [(path: String, reason: Failure)] = []
        for entry in try entries() {
            do {
                return (try verified(entry), skipped)
            } catch {
                skipped.append((entry.path, error as? Failure ?? .inputOutput("\(entry.path): \(error)")))
            }
        }
        return (nil, skipped)
    }

    /// The checkpoint recorded as the best, checked, with its measure; nil when none was recorded.
    ///
    /// - Throws: `Failure.badData` when it is damaged.
    package func best() throws -> (checkpoint: Checkpoint, record: Best)? {
        guard let record = try bestRecord() else { return nil }
        let candidates = try entries().filter { $0.step == record.step }
        var reason: (any Error)?
        for entry in candidates {
            do { return (try verified(entry), record) } catch { reason = reason ?? error }
        }
        throw reason
            ?? Failure.badData(
                "\(folder)/best.json: names step \(record.step), of which there is no checkpoint",
                remedy: "use the newest checkpoint instead")
    }

    private func verified(_ entry: Entry) throws -> Checkpoint {
        let checkpoint = try Checkpoint(verifying: entry.path)
        guard checkpoint.step == entry.step else {
            throw Failure.badData(
                "\(entry.path): its manifest says step \(checkpoint.step)", remedy: "the folder was renamed: give it its old name")
        }
        return checkpoint
    }

    private func bestRecord() throws -> Best? {
        let path = folder + "/best.json"
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        do {
            return try decodedJSON(Best.self, from: ReadableFile.contents(of: path))
        } catch let error as DecodingError {
            throw Failure.badData("\(path): does not say which checkpoint is the best: \(decodingComplaint(error))", remedy: "remove it; the next best checkpoint writes it anew")
        }
    }

    // MARK: Tidying up

    /// Removes old checkpoints: all but `saved`, the best, and the newest of those before it, `keep` in all.
    ///
    /// Checkpoints of later steps (the run went back to an earlier one) are left for when the run comes there again.
    private func prune(saved: Int, keeping: Set<Int>) -> [String] {
        var warnings: [String] = []
        do {
            let best = try bestRecord()?.step
            let older = try entries().filter { $0.step < saved && $0.step != best && !keeping.contains($0.step) }
            let kept = Set(Array(Set(older.map(\.step)).sorted(by: >)).prefix(keep - 1))
            for entry in older where !kept.contains(entry.step) {
                do {
                    try discard(entry.path)
                } catch {
                    warnings.append("could not remove the old checkpoint \(entry.path): \(error)")
                }
            }
        } catch {
            // Without knowing which one is the best, none is removed.
            warnings.append("old checkpoints were left in place: \(error)")
        }
        return warnings
    }

    /// Removes a checkpoint so that a crash in between leaves no half of it under its name.
    private func discard(_ path: String) throws {
        guard FileManager.default.fileExists(atPath: path) else { return }
        let hidden = folder + "/" + incompletePrefix + "removed-" + pathName(path)
        try files.removeTree(hidden)
        try files.rename(path, to: hidden)
        try files.removeTree(hidden)
    }

    private func removeLeftovers() -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.sorted().filter { $0.hasPrefix(incompletePrefix) }.compactMap { name in
            do {
                try files.removeTree(folder + "/" + name)
                return nil
            } catch {
                return "could not remove the unfinished \(folder)/\(name): \(error)"
            }
        }
    }

    // MARK: Names

    private struct Entry {
        var step: Int
        var path: String
        var isPrevious: Bool
    }

    private static let previousSuffix = "-previous"

    private static func name(_ step: Int) -> String {
        let digits = String(step)
        return "step-" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits
    }

    /// Everything named like a checkpoint, newest first.
    private func entries() throws -> [Entry] {
        guard FileManager.default.fileExists(atPath: folder) else { return [] }
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: folder)
        } catch {
            throw Failure.inputOutput("cannot list \(folder): \(error.localizedDescription)", remedy: "check its permissions (ls -ld \(folder))")
        }
        return names.compactMap { name in
            let isPrevious = name.hasSuffix(Self.previousSuffix)
            let base = isPrevious ? String(name.dropLast(Self.previousSuffix.count)) : name
            guard base.hasPrefix("step-"), let step = Int(base.dropFirst(5)), Self.name(step) == base else { return nil }
            return Entry(step: step, path: folder + "/" + name, isPrevious: isPrevious)
        }
        .sorted { $0.step != $1.step ? $0.step > $1.step : !$0.isPrevious && $1.isPrevious }
    }
}
