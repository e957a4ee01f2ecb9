import Diagnostics

/// What stands behind a page: files that everybody may read, and answers for those who have a token.
protocol PageService: Sendable {
    /// By path. They hold nothing of what the page is about.
    var files: [String: Answer] { get }

    /// - Parameters:
    ///   - path: after `/api/`, cut at slashes.
    ///   - person: by number.
    /// - Throws: `Refusal`, `Failure`, `DecodingError`.
    func answer(_ request: PageRequest, path: [Substring], person: Int) async throws -> Answer
}

/// What a browser is sent.
struct Answer: Sendable {
    var type: String
    var bytes: [UInt8]

    static func json(_ value: some Encodable) throws -> Answer { Answer(type: "application/json", bytes: try jsonBytes(value, .line)) }
    static func png(_ bytes: [UInt8]) -> Answer { Answer(type: "image/png", bytes: bytes) }
    static func page(_ bytes: [UInt8]) -> Answer { Answer(type: "text/html; charset=utf-8", bytes: bytes) }
    static func style(_ bytes: [UInt8]) -> Answer { Answer(type: "text/css; charset=utf-8", bytes: bytes) }
    static func script(_ bytes: [UInt8]) -> Answer { Answer(type: "text/javascript; charset=utf-8", bytes: bytes) }
}

/// An answer and how it went.
struct Response: Sendable {
    var status: Int
    var answer: Answer

    /// Nothing from elsewhere, nothing inline, in nobody's frame; what is shown stays in no cache.
    private static let headers = """
        Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; \
        base-uri 'none'; form-action 'none'; frame-ancestors 'none'
        X-Content-Type-Options: nosniff
        Referrer-Policy: no-referrer
        X-Frame-Options: DENY
        Cross-Origin-Resource-Policy: same-origin
        Cache-Control: no-store
        """.split(separator: "\n")

    private static let phrases = [
        200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 409: "Conflict", 411: "Length Required",
        413: "Content Too Large", 414: "URI Too Long", 421: "Misdirected Request", 429: "Too Many Requests", 431: "Request Header Fields Too Large",
        500: "Internal Server Error", 503: "Service Unavailable", 505: "HTTP Version Not Supported",
    ]

    /// As they are sent.
    ///
    /// - Parameter isLast: whether the connection is closed after it.
    func bytes(isLast: Bool, withBody: Bool) -> [UInt8] {
        let lines =
            ["HTTP/1.1 \(status) \(Response.phrases[status] ?? "Error")"] + Response.headers.map(String.init) + [
                "Content-Type: \(answer.type)", "Content-Length: \(answer.bytes.count)", "Connection: \(isLast ? "close" : "keep-alive")", "", "",
            ]
        return Array(lines.joined(separator: "\r\n").utf8) + (withBody ? answer.bytes : [])
    }
}
