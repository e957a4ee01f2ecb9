import Diagnostics
import FlyingFox
import Foundation

/// What stands behind a page: files that everybody may read, and answers for those who have a token.
protocol PageService: Sendable {
    /// By path. They hold nothing of what the page is about.
    var files: [String: Answer] { get }

    /// - Parameters:
    ///   - path: after `/api/`, cut at slashes.
    ///   - person: by number.
    /// - Throws: `Refusal`, `Failure`, `DecodingError`.
    func answer(_ request: HTTPRequest, path: [Substring], person: Int) async throws -> Answer
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

extension HTTPRequest {
    /// The message in the body, which is read up to the limit.
    func message<Message: Decodable>() async throws -> Message {
        let tooLarge = Refusal(status: 413, text: "this message is too large")
        if let length = headers[.contentLength].flatMap({ Int($0) }), length > ReviewServer.limit { throw tooLarge }
        var bytes = Data()
        for try await piece in bodySequence {
            bytes += piece
            guard bytes.count <= ReviewServer.limit else { throw tooLarge }
        }
        return try decodedJSON(Message.self, from: bytes)
    }
}
