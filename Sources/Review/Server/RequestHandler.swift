import Diagnostics
import FlyingFox
import Foundation

/// From a request to an answer.
struct RequestHandler: HTTPHandler {
    let service: ReviewService
    let gate: Gate

    private static let files: [String: (type: String, bytes: [UInt8])] = [
        "/": ("text/html; charset=utf-8", PackageResources.index_html), "/style.css": ("text/css; charset=utf-8", PackageResources.style_css),
        "/app.js": ("text/javascript; charset=utf-8", PackageResources.app_js), "/editor.js": ("text/javascript; charset=utf-8", PackageResources.editor_js),
        "/words.js": ("text/javascript; charset=utf-8", PackageResources.words_js), "/status.js": ("text/javascript; charset=utf-8", PackageResources.status_js),
    ]

    /// Nothing from elsewhere, nothing inline, in nobody's frame; what is shown stays in no cache.
    private static let headers: HTTPHeaders = [
        HTTPHeader("Content-Security-Policy"):
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        HTTPHeader("X-Content-Type-Options"): "nosniff", HTTPHeader("Referrer-Policy"): "no-referrer", HTTPHeader("X-Frame-Options"): "DENY",
        HTTPHeader("Cross-Origin-Resource-Policy"): "same-origin", HTTPHeader("Cache-Control"): "no-store",
    ]

    func handleRequest(_ request: HTTPRequest) async throws -> HTTPResponse {
        do {
            return try await answer(request)
        } catch let refusal as Refusal {
            return respond(refusal.status, Messages.Problem(error: refusal.text))
        } catch is DecodingError {
            return respond(400, Messages.Problem(error: "a message that means nothing"))
        } catch let failure as Failure {
            Output.complain("error: \(failure)")
            // The page holds on to what was decided, and tries again.
            return respond(503, Messages.Problem(error: failure.message))
        }
    }

    private func answer(_ request: HTTPRequest) async throws -> HTTPResponse {
        try gate.check(host: request.headers[.host], origin: request.headers[HTTPHeader("Origin")], site: request.headers[HTTPHeader("Sec-Fetch-Site")])
        if request.method == .GET, let file = RequestHandler.files[request.path] { return respond(200, type: file.type, file.bytes) }
        guard request.path.hasPrefix("/api/") else { throw Refusal(status: 404, text: "there is no such page") }
        let person = try await gate.person(authorization: request.headers[.authorization])
        let path = request.path.dropFirst("/api/".count).split(separator: "/", omittingEmptySubsequences: false)
        switch (request.method, path.first, path.count) {
        case (.POST, "session", 1): return respond(200, await service.session(person))
        case (.POST, "next", 1): return respond(200, try await service.next(person))
        case (.POST, "decision", 1): return respond(200, try await service.decide(try await body(of: request), person))
        case (.POST, "undo", 1): return respond(200, try await service.undo(try await body(of: request), person))
        case (.GET, "status", 1): return respond(200, type: "application/json", try await service.statusBytes())
        case (.GET, "image", 2): return respond(200, type: "image/png", try service.picture(try await item(path[1], person)))
        case (.GET, "map", 2): return respond(200, type: "image/png", try service.mapPicture(try await item(path[1], person)))
        default: throw Refusal(status: 404, text: "there is no such page")
        }
    }

    /// An item by its number, in this person's hands.
    private func item(_ text: Substring, _ person: Int) async throws -> Int {
        guard let item = Int(text), await service.mayRead(item, person) else { throw Refusal(status: 404, text: "this image is not in your hands") }
        return item
    }

    private func body<Message: Decodable>(of request: HTTPRequest) async throws -> Message {
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > ReviewServer.limit { throw tooLarge }
        var bytes = Data()
        for try await piece in request.bodySequence {
            bytes += piece
            guard bytes.count <= ReviewServer.limit else { throw tooLarge }
        }
        return try decodedJSON(Message.self, from: bytes)
    }

    private var tooLarge: Refusal { Refusal(status: 413, text: "this message is too large") }

    private func respond(_ status: Int, _ value: some Encodable) -> HTTPResponse {
        respond(status, type: "application/json", (try? jsonBytes(value, .line)) ?? [])
    }

    private func respond(_ status: Int, type: String, _ bytes: [UInt8]) -> HTTPResponse {
        var headers = RequestHandler.headers
        headers[.contentType] = type
        return HTTPResponse(statusCode: HTTPStatusCode(status, phrase: RequestHandler.phrases[status] ?? "Error"), headers: headers, body: Data(bytes))
    }

    private static let phrases = [
        200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 409: "Conflict", 413: "Content Too Large",
        421: "Misdirected Request", 429: "Too Many Requests", 503: "Service Unavailable",
    ]
}
