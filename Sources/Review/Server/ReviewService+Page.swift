extension ReviewService: PageService {
    nonisolated var files: [String: Answer] {
        [
            "/": .page(PackageResources.index_html), "/style.css": .style(PackageResources.style_css), "/server.js": .script(PackageResources.server_js),
            "/app.js": .script(PackageResources.app_js), "/editor.js": .script(PackageResources.editor_js), "/words.js": .script(PackageResources.words_js),
            "/status.js": .script(PackageResources.status_js),
        ]
    }

    nonisolated func answer(_ request: PageRequest, path: [Substring], person: Int) async throws -> Answer {
        switch (request.method, path.first, path.count) {
        case ("POST", "session", 1): return try .json(await session(person))
        case ("POST", "next", 1): return try .json(try await next(person))
        case ("POST", "decision", 1): return try .json(try await decide(try request.message(), person))
        case ("POST", "undo", 1): return try .json(try await undo(try request.message(), person))
        case ("GET", "status", 1): return Answer(type: "application/json", bytes: try await statusBytes())
        case ("GET", "image", 2): return .png(try picture(try await item(path[1], person)))
        case ("GET", "map", 2): return .png(try mapPicture(try await item(path[1], person)))
        default: throw Refusal(status: 404, text: "there is no such page")
        }
    }

    /// An item by its number, in this person's hands.
    private nonisolated func item(_ text: Substring, _ person: Int) async throws -> Int {
        guard let item = Int(text), await mayRead(item, person) else { throw Refusal(status: 404, text: "this image is not in your hands") }
        return item
    }
}
