import Foundation

/// Who may ask, and how fast wrong tokens are answered.
package actor Gate {
    private let people: ReviewPeople
    private let hosts: Set<String>
    private var wrong = 0
    private var lastWrong = 0.0
    private var waiting = 0

    /// - Parameter hosts: what the header Host may say, in lower case: a page of another name that leads here is refused.
    package init(_ people: ReviewPeople, hosts: Set<String>) {
        self.people = people
        self.hosts = hosts
    }

    /// The person whom a request comes from.
    ///
    /// - Throws: `Refusal`.
    package func person(authorization: String?) async throws -> Int {
        if let person = people.person(token: Gate.token(authorization)) { return person }
        // A wrong token waits, longer with every one; the right ones never do.
        let now = Date().timeIntervalSince1970
        if now - lastWrong > 60 { wrong = 0 }
        wrong = min(wrong + 1, 20)
        lastWrong = now
        guard waiting < 20 else { throw Refusal(status: 429, text: "too many wrong tokens: wait a minute") }
        let delay = Gate.delay(afterWrong: wrong)
        if delay > 0 {
            waiting += 1
            try? await Task.sleep(for: .milliseconds(delay))
            waiting -= 1
        }
        throw Refusal(status: 401, text: "this link is not valid: ask for a new one")
    }

    /// Milliseconds that the answer to the `count`-th wrong token within a minute of another waits: none for the first three, then
    /// twice as long each time, up to five seconds.
    package static func delay(afterWrong count: Int) -> Int { count > 3 ? min(5000, 100 << min(count - 3, 10)) : 0 }

    /// Whether a request comes from somebody with a token. No answer depends on it but how much is read.
    nonisolated func knows(authorization: String?) -> Bool { people.person(token: Gate.token(authorization)) != nil }

    private static func token(_ authorization: String?) -> String {
        authorization.flatMap { $0.hasPrefix("Bearer ") ? String($0.dropFirst(7)) : nil } ?? ""
    }

    /// Refuses what comes from pages of others, and what was meant for another host.
    package nonisolated func check(_ request: PageRequest) throws {
        let headers = request.headers
        // A link in somebody's mail is followed from another site. What it opens is the page alone, which tells nothing.
        let isLink = request.method == "GET" && request.path == "/" && headers["sec-fetch-mode"] == "navigate" && headers["sec-fetch-dest"] == "document"
        try check(host: headers["host"], origin: headers["origin"], site: isLink ? nil : headers["sec-fetch-site"])
    }

    /// - Parameter site: where the request comes from, as browsers say; nil: not said, or of no matter.
    package nonisolated func check(host: String?, origin: String?, site: String?) throws {
        guard let host = host?.lowercased(), hosts.contains(host) else {
            throw Refusal(status: 421, text: "this server does not go by that name: start it with --host and the name, or open the link that it printed")
        }
        if let origin = origin?.lowercased(), origin != "http://\(host)", origin != "https://\(host)" {
            throw Refusal(status: 403, text: "other pages may not ask here")
        }
        if let site, site != "same-origin", site != "none" { throw Refusal(status: 403, text: "other pages may not ask here") }
    }
}
