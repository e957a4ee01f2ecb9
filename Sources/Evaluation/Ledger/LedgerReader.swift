import Diagnostics

/// Reads `ledger.jsonl` from its beginning, a line at a time: memory does not grow with the ledger.
package struct LedgerReader {
    package let path: String
    /// Bytes of the whole lines; what follows was cut off in the middle.
    package let wholeBytes: Int
    package let header: LedgerHeader?

    /// - Throws: `Failure` if the file cannot be read, or its first line is no header of a ledger.
    package init(_ path: String) throws {
        self.path = path
        let file = try ReadableFile(path)
        wholeBytes = try Self.endOfLastLine(file)
        var header: LedgerHeader?
        try Self.forEachLine(file, upTo: wholeBytes) { _, bytes in
            header = try? decodedJSON(LedgerHeader.self, from: bytes)
            guard header?.ledger == 1 else {
                throw Failure.badData("\(path): does not begin like a ledger", remedy: "name the folder of an evaluation (sipat evaluate --output)")
            }
            return false
        }
        self.header = header
    }

    /// Calls `body` with each line after the header, in the order of the file.
    ///
    /// - Throws: `Failure.badData` naming a line that cannot be understood, and what `body` throws.
    package func forEach(_ body: (LedgerLine) throws -> Void) throws {
        let file = try ReadableFile(path)
        try Self.forEachLine(file, upTo: wholeBytes) { number, bytes in
            guard number > 1 else { return true }
            let line: LedgerLine
            do {
                line = try decodedJSON(LedgerLine.self, from: bytes)
            } catch {
                throw Failure.badData(
                    "\(path), line \(number): is no line of a ledger", remedy: "remove that line and go on with --resume: what it stood for is done again")
            }
            try body(line)
            return true
        }
    }

    /// - Parameter body: takes the line's number, from 1, and its bytes without the newline; returns whether to go on.
    private static func forEachLine(_ file: ReadableFile, upTo end: Int, _ body: (Int, ArraySlice<UInt8>) throws -> Bool) throws {
        var (offset, number) = (0, 0)
        var rest: [UInt8] = []
        while offset < end {
            let piece = try file.bytes(at: offset, count: min(1 << 18, end - offset))
            offset += piece.count
            rest += piece
            var start = 0
            while let newline = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
                number += 1
                guard try body(number, rest[start..<newline]) else { return }
                start = newline + 1
            }
            rest.removeFirst(start)
        }
    }

    private static func endOfLastLine(_ file: ReadableFile) throws -> Int {
        var end = file.size
        while end > 0 {
            let start = max(0, end - 1 << 16)
            let piece = try file.bytes(at: start, count: end - start)
            if let newline = piece.lastIndex(of: UInt8(ascii: "\n")) { return start + newline + 1 }
            end = start
        }
        return 0
    }
}
