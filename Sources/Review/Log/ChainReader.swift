import Diagnostics
import Digests
import Foundation

/// Where a log ends.
package struct LogEnd: Hashable, Sendable {
    /// Whole lines.
    package var lines: Int
    /// Bytes up to the end of the last whole line.
    package var size: Int
    /// Bytes after it: a line that was being written when the program or the machine stopped. Nobody was told that it is saved.
    package var torn: Int
    /// SHA-256 of the last line: whoever keeps it can later tell whether lines were cut off at the end, or the last one was changed.
    package var head: String
}

/// Walks through a log and checks its chain.
package struct ChainReader<Line: ChainedLine> {
    package let path: String
    /// The hash of `plan.json`.
    private let root: String

    package init(_ path: String, root: String) {
        self.path = path
        self.root = root
    }

    /// Calls `body` with each line and the byte at which it begins.
    ///
    /// - Throws: `Failure.badData` naming the first line that was changed, is missing, or means nothing.
    @discardableResult
    package func forEach(_ body: (Line, _ offset: Int) throws -> Void = { _, _ in }) throws -> LogEnd {
        guard FileManager.default.fileExists(atPath: path) else { return LogEnd(lines: 0, size: 0, torn: 0, head: root) }
        let file = try ReadableFile(path)
        var end = LogEnd(lines: 0, size: 0, torn: 0, head: root)
        var rest: [UInt8] = []
        var read = 0
        while read < file.size {
            let piece = try file.bytes(at: read, count: min(1 << 20, file.size - read))
            read += piece.count
            rest += piece
            var start = 0
            while let newline = rest[start...].firstIndex(of: 0x0A) {
                let bytes = Array(rest[start..<newline])
                try take(bytes, &end, body)
                end.size += bytes.count + 1
                start = newline + 1
            }
            rest.removeFirst(start)
            guard rest.count <= 64 << 20 else { throw problem(end.lines, "is longer than any line that is written") }
        }
        end.torn = rest.count
        return end
    }

    private func take(_ bytes: [UInt8], _ end: inout LogEnd, _ body: (Line, Int) throws -> Void) throws {
        let line: Line
        do { line = try decodedJSON(Line.self, from: bytes) } catch { throw problem(end.lines, "is not a line of \(Line.logName)") }
        guard line.line == end.lines else { throw problem(end.lines, "has the number \(line.line), expected \(end.lines): lines are missing or were moved") }
        guard line.previous == end.head else {
            throw problem(
                end.lines, end.lines == 0 ? "does not follow from plan.json: the plan was changed, or lines are missing" : "does not follow from the line before: that one was changed, or lines are missing")
        }
        try body(line, end.size)
        end.head = SHA256.hex(of: bytes)
        end.lines += 1
    }

    private func problem(_ line: Int, _ text: String) -> Failure {
        // The line just above is not vouched for: its hash is what this one should name.
        .badData("\(path):\(line + 1): \(text)", remedy: "take the log from a backup" + (line > 1 ? "; what is above line \(line) is as it was written" : ""))
    }

    /// The line that begins at byte `offset`.
    package func line(at offset: Int) throws -> Line {
        let file = try ReadableFile(path)
        var (bytes, place) = ([UInt8](), offset)
        while place < file.size {
            let piece = try file.bytes(at: place, count: min(1 << 16, file.size - place))
            if let newline = piece.firstIndex(of: 0x0A) {
                bytes += piece[..<newline]
                break
            }
            bytes += piece
            place += piece.count
        }
        do { return try decodedJSON(Line.self, from: bytes) } catch {
            throw Failure.badData("\(path): there is no line at byte \(offset)", remedy: "restore the folder from a backup")
        }
    }
}

package typealias LogReader = ChainReader<LogLine>
