import Diagnostics
import FlyingFox
import Foundation

/// From a request to an answer.
struct RequestHandler: HTTPHandler {
    let service: any PageService
    let gate: Gate
    private let files: [String: Answer]

    init(service: any PageService, gate: Gate) {
        self.service = service
        self.gate = gate
        files = service.files
    }

    /// Nothing from elsewhere, nothing inline, in nobody's frame; what is shown stays in no cache.
    private static let headers: HTTPHeaders = [
        HTTPHeader("Content-Security-Policy"):
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        HTTPHeader("X-Content-Type-Options"): "nosniff", HTTPHeader("Referrer-Policy"): "no-referrer", HTTPHeader("X-Frame-Options"): "DENY",
        HTTPHeader("Cross-Origin-Resource-Policy"): "same-origin", HTTPHeader("Cache-Control"): "no-store",
    ]

    func handleRequest(_ request: HTTPRequest) async throws -> HTTPResponse {
        do {
            return respond(200, try await answer(request))
        } catch let refusal as Refusal {
            return respond(refusal.status, problem(refusal.text))
        } catch is DecodingError {
            return respond(400, problem("a message that means nothing"))
        } catch let failure as Failure {
            Output.complain("error: \(failure)")
            // The page holds on to what was decided, and tries again.
            return respond(503, problem(failure.message))
        }
    }

    private func answer(_ request: HTTPRequest) async throws -> Answer {
        try gate.check(host: request.headers[.host], origin: request.headers[HTTPHeader("Origin")], site: request.headers[HTTPHeader("Sec-Fetch-Site")])
        if request.method == .GET, let file = files[request.path] { return file }
        guard request.path.hasPrefix("/api/") else { throw Refusal(status: 404, text: "there is no such page") }
        let person = try await gate.person(authorization: request.headers[.authorization])
        let path = request.path.dropFirst("/api/".count).split(separator: "/", omittingEmptySubsequences: false)
        return try await service.answer(request, path: path, person: person)
    }

    private func problem(_ text: String) -> Answer {
        (try? .json(Messages.Problem(error: text))) ?? Answer(type: "application/json", bytes: [])
    }

    private func respond(_ status: Int, _ answer: Answer) -> HTTPResponse {
        var headers = RequestHandler.headers
        headers[.contentType] = answer.type
        return HTTPResponse(statusCode: HTTPStatusCode(status, phrase: RequestHandler.phrases[status] ?? "Error"), headers: headers, body: Data(answer.bytes))
    }

    private static let phrases = [
        200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 409: "Conflict", 413: "Content Too Large",
        421: "Misdirected Request", 429: "Too Many Requests", 503: "Service Unavailable",
    ]
}
