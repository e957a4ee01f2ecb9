import Diagnostics
import Digests
import Foundation

extension Checkpoint {
    /// Whether a folder was published as a checkpoint; whether it still is what it was then, `init(verifying:)` says.
    package static func isPublished(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: path + "/" + CheckpointManifest.markerName)
            && FileManager.default.fileExists(atPath: path + "/" + CheckpointManifest.fileName)
    }

    /// Accepts a checkpoint's folder only if its marker, its manifest and every file's size and SHA-256 agree.
    ///
    /// Reads every byte once.
    ///
    /// - Throws: `Failure` that says what is wrong with it.
    package init(verifying path: String) throws {
        let damaged = "this checkpoint is damaged: use another one"
        func contents(_ name: String, limit: Int) throws -> [UInt8] {
            guard FileManager.default.fileExists(atPath: path + "/" + name) else {
                throw Failure.badData("\(path): has no \(name)", remedy: damaged)
            }
            return try ReadableFile.contents(of: path + "/" + name, limit: limit)
        }
        let marker = try contents(CheckpointManifest.markerName, limit: 1 << 12)
        let text = try contents(CheckpointManifest.fileName, limit: 1 << 24)
        guard marker == Array((SHA256.hex(of: text) + "\n").utf8) else {
            throw Failure.badData("\(path): \(CheckpointManifest.fileName) is not what the completion marker says", remedy: damaged)
        }
        let manifest: CheckpointManifest
        do {
            manifest = try decodedJSON(CheckpointManifest.self, from: text)
        } catch {
            throw Failure.badData("\(path): \(CheckpointManifest.fileName) is not understood: \(decodingComplaint(error))", remedy: damaged)
        }
        guard manifest.format == CheckpointManifest.currentFormat else {
            throw Failure.badData(
                "\(path): has format \(manifest.format), expected \(CheckpointManifest.currentFormat)",
                remedy: "it was written by another version of sipat: use that one")
        }
        for (name, expected) in manifest.files.sorted(by: { $0.key < $1.key }) {
            guard isPlainFileName(name) else { throw Failure.badData("\(path): manifest names the file \"\(name)\"", remedy: damaged) }
            guard FileManager.default.fileExists(atPath: path + "/" + name) else {
                throw Failure.badData("\(path): has no \(name)", remedy: damaged)
            }
            let file = try ReadableFile(path + "/" + name)
            guard file.size == expected.bytes else {
                throw Failure.badData("\(path)/\(name): has \(file.size) bytes, its manifest says \(expected.bytes)", remedy: damaged)
            }
            let digest = try SHA256.hex(of: file)
            guard digest == expected.sha256 else {
                throw Failure.badData("\(path)/\(name): has SHA-256 \(digest), its manifest says \(expected.sha256)", remedy: damaged)
            }
        }
        self.init(step: manifest.step, path: path, files: manifest.files.keys.sorted())
    }
}
