import Review
import Testing

@Suite struct RequestTests {
    /// Reads one request of what comes in pieces: it, or the status of its refusal, and how many pieces were asked for.
    private func read(_ pieces: [String], after rest: String = "", limit: Int = 100) async throws -> (request: PageRequest?, status: Int?, asked: Int) {
        var (asked, left) = (0, pieces[...])
        do {
            let request = try await PageRequest.read(after: Array(rest.utf8), limit: { _ in limit }) {
                asked += 1
                return left.popFirst().map { Array($0.utf8) }
            }
            return (request, nil, asked)
        } catch let refusal as Refusal { return (nil, refusal.status, asked) }
    }

    @Test func aRequestIsReadInAnyPieces() async throws {
        let text = "POST /api/decision?a=b HTTP/1.1\r\nHost: Here:80\r\nContent-Length: 4\r\nX-Y:\ta, b \r\n\r\n{} \nGET /"
        for size in [1, 2, 7, 1000] {
            let letters = Array(text.utf8)
            let pieces = stride(from: 0, to: letters.count, by: size).map { String(decoding: letters[$0..<min(letters.count, $0 + size)], as: UTF8.self) }
            let request = try #require(try await read(pieces).request)
            #expect(request.method == "POST" && request.path == "/api/decision" && request.headers == ["host": "Here:80", "content-length": "4", "x-y": "a, b"])
            #expect(request.body == Array("{} \n".utf8) && request.keepsAlive && Array("GET /".utf8).starts(with: request.rest))
        }
        let next = try #require(try await read([" HTTP/1.0\n\n"], after: "\r\nGET /").request)
        #expect(next.method == "GET" && next.path == "/" && next.headers.isEmpty && !next.keepsAlive && next.rest.isEmpty)
        #expect(try await read(["GET / HTTP/1.1\r\nConnection: Close\r\n\r\n"]).request?.keepsAlive == false)
        // A connection that ends, before a request or within one.
        for pieces in [[], ["GET /"], ["POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\n{}"]] {
            let found = try await read(pieces)
            #expect(found.request == nil && found.status == nil)
        }
    }

    /// What is longer than allowed is refused before more of it is read.
    @Test func nothingIsReadWithoutALimit() async throws {
        let long = [String](repeating: String(repeating: "a", count: 4096), count: 1000)
        let header = String(repeating: "A: b\r\n", count: 500)
        let head = "GET / HTTP/1.1\r\n"
        for (pieces, status, most) in [
            (["GET /"] + long, 414, 4), ([head + "X: "] + long, 431, 10), ([head] + [String](repeating: header, count: 1000), 431, 3),
            ([String](repeating: "\r\n", count: 100_000), 431, 20_000), (["POST / HTTP/1.1\r\nContent-Length: 101\r\n\r\n"] + long, 413, 1),
            (["POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n"], 413, 1),
            (["POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"] + long, 411, 1),
        ] {
            let found = try await read(pieces)
            #expect(found.status == status && found.asked <= most, "\(pieces[0].prefix(20)): \(found)")
        }
    }

    @Test func whatMeansNothingIsRefused() async throws {
        for (text, status) in [
            ("\0\u{1}", 400), ("GET /", 400), ("GET  / HTTP/1.1", 400), ("GET http://a/ HTTP/1.1", 400), ("GET / HTTP/2", 505), ("GET / HTTP/1.1\r\nno colon", 400),
            ("GET / HTTP/1.1\r\nA : b", 400), ("GET / HTTP/1.1\r\nA: b\r\n c", 400), ("GET / HTTP/1.1\r\nHost: a\r\nHost: b", 400),
            ("POST / HTTP/1.1\r\nContent-Length: -5", 400), ("POST / HTTP/1.1\r\nContent-Length: +5", 400), ("POST / HTTP/1.1\r\nContent-Length: 4, 4", 400),
        ] {
            let found = try await read([text + "\r\n\r\n"])
            #expect(found.status == status, "\(text): \(found)")
        }
    }

    /// A link in a mail is followed from another site; nothing but the page is had that way.
    @Test func aLinkMayBeFollowedFromElsewhere() async throws {
        let gate = Gate(ReviewPeople([]), hosts: ["here:80"])
        let navigation = "Host: here:80\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: "
        for (head, isTaken) in [
            ("GET / HTTP/1.1\r\n\(navigation)document", true), ("GET / HTTP/1.1\r\n\(navigation)iframe", false), ("POST / HTTP/1.1\r\n\(navigation)document", false),
            ("GET /api/status HTTP/1.1\r\n\(navigation)document", false), ("GET / HTTP/1.1\r\nHost: here:80\r\nSec-Fetch-Site: cross-site", false),
        ] {
            let request = try #require(try await read([head + "\r\n\r\n"]).request)
            let refusal: Int?
            do {
                try gate.check(request)
                refusal = nil
            } catch { refusal = (error as? Refusal)?.status }
            #expect(refusal == (isTaken ? nil : 403), "\(head)")
        }
    }
}
