import Diagnostics
import Foundation

/// Who has which items in hand, for a server that comes back. Not synchronised to the disk: what a crash of the machine loses
/// here costs nobody a decision.
package final class LeaseFile {
    package struct Line: Codable, Hashable, Sendable {
        package var items: [Int]
        package var person: String
        /// Seconds since 1970.
        package var until: Double
    }

    private let path: String
    private let descriptor: Int32

    /// Starts afresh with those that hold.
    package init(_ path: String, keeping lines: [Line]) throws {
        self.path = path
        try writeAtomically(lines.flatMap { (try? jsonBytes($0, .line)) ?? [] }, to: path)
        descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure.writing(path, error: SystemError(code: errno, operation: "open", path: path)) }
    }

    deinit { close(descriptor) }

    /// Adds a line. That it could not be written costs nobody anything but the guarantee that two people never see one image.
    package func note(_ line: Line) {
        guard let bytes = try? jsonBytes(line, .line) else { return }
        try? bytes.withUnsafeBytes { try PosixFileOperations().write($0, to: descriptor, path: path) }
    }

    /// Lines that can be read; others are passed over.
    package static func read(_ path: String) -> [Line] {
        guard let bytes = try? ReadableFile.contents(of: path, limit: 1 << 30) else { return [] }
        return bytes.split(separator: 0x0A).compactMap { try? decodedJSON(Line.self, from: $0) }
    }
}
