import Diagnostics

/// What a browser asks for: one message of HTTP/1.1 (RFC 9112), read up to fixed limits.
///
/// FlyingFox's server reads a line up to its newline however far that is, in time that grows with the square of it, and takes what is
/// left of a body that nobody read for the next request: whoever reaches the port could keep a processor busy for ever. It has no setting
/// for either, so only its sockets are used, and requests are read here.
package struct PageRequest: Sendable {
    static let longestLine = 8 << 10
    /// Of the first line and all headers, in bytes and in lines.
    static let longestHead = 32 << 10
    static let mostHeaders = 100

    package let method: String
    /// Without what follows a question mark.
    package let path: String
    /// By names in lower case.
    package let headers: [String: String]
    package private(set) var body: [UInt8] = []
    /// Bytes that came after it.
    package private(set) var rest: [UInt8] = []
    /// Whether the browser may ask again on the same connection.
    package let keepsAlive: Bool

    /// Reads a request.
    ///
    /// - Parameters:
    ///   - rest: what came after the one before.
    ///   - limit: how long the body may be, seen all but it. A longer one is refused before any of it is read.
    ///   - more: the next bytes; nil at the end.
    /// - Returns: nil where the connection ends before the request does.
    /// - Throws: `Refusal`: then nothing more can be read.
    package static func read(after rest: [UInt8], limit: (PageRequest) -> Int, more: () async throws -> [UInt8]?) async throws -> PageRequest? {
        var (bytes, lines) = (rest, [[UInt8]]())
        // Where the line that is being read begins, and up to where no newline is.
        var (start, searched) = (0, 0)
        var isHead = true
        while isHead {
            let found = bytes[searched...].firstIndex(of: 0x0A)
            searched = found ?? bytes.count
            guard !lines.isEmpty || searched - start <= longestLine else { throw Refusal(status: 414, text: "this address is too long") }
            guard searched <= longestHead, lines.count <= mostHeaders + 1 else { throw Refusal(status: 431, text: "these headers are too long") }
            guard let newline = found else {
                guard let piece = try await more() else { return nil }
                bytes += piece
                continue
            }
            let line = Array(bytes[start..<newline].last == 0x0D ? bytes[start..<newline - 1] : bytes[start..<newline])
            (start, searched) = (newline + 1, newline + 1)
            // Empty lines before a request are passed over.
            if !line.isEmpty { lines.append(line) } else if !lines.isEmpty { isHead = false }
        }
        var request = try PageRequest(lines)
        let length = try request.length()
        guard length <= limit(request) else { throw Refusal(status: 413, text: "this message is too large") }
        while bytes.count - start < length {
            guard let piece = try await more() else { return nil }
            bytes += piece
        }
        request.body = Array(bytes[start..<start + length])
        request.rest = Array(bytes[(start + length)...])
        return request
    }

    private init(_ lines: [[UInt8]]) throws {
        let meaningless = Refusal(status: 400, text: "a request that means nothing")
        guard lines.allSatisfy({ line in line.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 } }) else { throw meaningless }
        let texts = lines.map { String(decoding: $0, as: UTF8.self) }
        let words = texts[0].split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, !words[0].isEmpty, words[1].hasPrefix("/") else { throw meaningless }
        guard words[2] == "HTTP/1.1" || words[2] == "HTTP/1.0" else { throw Refusal(status: 505, text: "another protocol than HTTP/1.1") }
        var headers: [String: String] = [:]
        for text in texts.dropFirst() {
            guard let colon = text.firstIndex(of: ":") else { throw meaningless }
            let name = text[..<colon].lowercased()
            guard !name.isEmpty, !name.contains(where: \.isWhitespace) else { throw meaningless }
            let value = String(text[text.index(after: colon)...].trimmed())
            if let known = headers[name] {
                // Two of these would mean different things to different readers.
                guard !["host", "content-length", "transfer-encoding", "authorization"].contains(name) else { throw meaningless }
                headers[name] = known + ", " + value
            } else {
                headers[name] = value
            }
        }
        method = String(words[0])
        path = String(words[1].prefix { $0 != "?" })
        let options = (headers["connection"] ?? "").lowercased().split(separator: ",").map { $0.trimmed() }
        keepsAlive = words[2] == "HTTP/1.1" ? !options.contains("close") : options.contains("keep-alive")
        self.headers = headers
    }

    /// The body's, as its header says.
    private func length() throws -> Int {
        guard headers["transfer-encoding"] == nil else { throw Refusal(status: 411, text: "a message without Content-Length") }
        guard let text = headers["content-length"] else { return 0 }
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { throw Refusal(status: 400, text: "Content-Length is no number") }
        return Int(text) ?? Int.max
    }

    /// The message in the body.
    func message<Message: Decodable>() throws -> Message { try decodedJSON(Message.self, from: body) }
}

extension Substring {
    /// Without spaces and tabs at either end.
    fileprivate func trimmed() -> Substring {
        var text = self
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }
}
