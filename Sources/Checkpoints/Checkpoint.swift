import Diagnostics
import Foundation

/// One published checkpoint: a folder whose files were all found to be what its manifest says.
package struct Checkpoint: Hashable, Sendable {
    /// The optimizer step it was taken after.
    package let step: Int
    /// The folder.
    package let path: String
    /// Names of its files (without manifest and marker), sorted.
    package let files: [String]

    /// The path of one of its files.
    ///
    /// - Throws: `Failure.badData` when it has no file of that name.
    package func path(of file: String) throws -> String {
        guard files.contains(file) else {
            throw Failure.badData(
                "\(path): has no file \(file), only \(files.joined(separator: ", "))",
                remedy: "the checkpoint was written by another version of sipat")
        }
        return path + "/" + file
    }

    /// The contents of one of its smaller files (64 MiB at most), such as `state.json`.
    package func contents(of file: String) throws -> [UInt8] {
        try ReadableFile.contents(of: path(of: file))
    }
}

/// One file of a checkpoint to be saved.
package struct CheckpointFile {
    package let name: String
    package let byteCount: Int
    let write: (ByteSink) throws -> Void

    /// - Parameter write: hands over exactly `byteCount` bytes.
    package init(name: String, byteCount: Int, write: @escaping (ByteSink) throws -> Void) {
        precondition(isPlainFileName(name) && name != CheckpointManifest.fileName && name != CheckpointManifest.markerName)
        self.name = name
        self.byteCount = byteCount
        self.write = write
    }

    package init(name: String, bytes: [UInt8]) {
        self.init(name: name, byteCount: bytes.count) { sink in try bytes.withUnsafeBytes { try sink($0) } }
    }

    package init(name: String, safetensors writer: SafetensorsWriter) {
        self.init(name: name, byteCount: writer.byteCount) { try writer.write(to: $0) }
    }
}

/// What `manifest.json` says of a checkpoint.
struct CheckpointManifest: Codable, Hashable {
    struct File: Codable, Hashable {
        var bytes: Int
        var sha256: String
    }

    static let fileName = "manifest.json"
    /// The completion marker: holds the SHA-256 of the manifest.
    static let markerName = "COMPLETE"
    static let currentFormat = 1

    var format = currentFormat
    var step: Int
    var files: [String: File]

    func encoded() throws -> [UInt8] { try jsonBytes(self) }
}

/// Whether `name` names a visible file in a folder and nothing elsewhere.
func isPlainFileName(_ name: String) -> Bool {
    !name.isEmpty && !name.hasPrefix(".") && !name.utf8.contains(UInt8(ascii: "/")) && !name.utf8.contains(0)
}
