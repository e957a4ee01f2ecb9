import Diagnostics

/// From a request to an answer.
struct RequestHandler: Sendable {
    let service: any PageService
    let gate: Gate
    private let files: [String: Answer]

    init(service: any PageService, gate: Gate) {
        self.service = service
        self.gate = gate
        files = service.files
    }

    /// How long a request's body may be: of those who have no token, nothing worth its memory is read.
    func limit(_ request: PageRequest) -> Int { gate.knows(authorization: request.headers["authorization"]) ? ReviewServer.limit : 1 << 16 }

    func respond(to request: PageRequest) async -> Response {
        do {
            return Response(status: 200, answer: try await answer(request))
        } catch let refusal as Refusal {
            return respond(refusal)
        } catch is DecodingError {
            return respond(Refusal(status: 400, text: "a message that means nothing"))
        } catch let failure as Failure {
            Output.complain("error: \(failure)")
            // The page holds on to what was decided, and tries again.
            return respond(Refusal(status: 503, text: failure.message))
        } catch {
            return respond(Refusal(status: 500, text: "this cannot be answered: \(error)"))
        }
    }

    func respond(_ refusal: Refusal) -> Response {
        let answer = try? Answer.json(Messages.Problem(error: refusal.text))
        return Response(status: refusal.status, answer: answer ?? Answer(type: "application/json", bytes: []))
    }

    private func answer(_ request: PageRequest) async throws -> Answer {
        try gate.check(request)
        if request.method == "GET", let file = files[request.path] { return file }
        guard request.path.hasPrefix("/api/") else { throw Refusal(status: 404, text: "there is no such page") }
        let person = try await gate.person(authorization: request.headers["authorization"])
        let path = request.path.dropFirst("/api/".count).split(separator: "/", omittingEmptySubsequences: false)
        return try await service.answer(request, path: path, person: person)
    }
}
