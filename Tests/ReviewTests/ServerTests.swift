import Diagnostics
import Foundation
import Review
import TestSupport
import Testing

/// The real program, over HTTP, killed at random moments.
@Suite(.serialized) struct ServerTests {
    private static func sipat(_ arguments: String...) throws -> ProgramRun { try ProgramRun.of(builtProgram("sipat"), arguments, timeout: 300) }

    /// `sipat review serve` and what it printed.
    private final class Server {
        let process = Process()
        private(set) var port = 0
        private(set) var tokens: [String] = []
        /// What browsers are told to call the machine, with the port.
        private(set) var host = ""
        private let complaints: String

        init(_ review: String, port: Int, people: String = "alice,bob", more: [String] = []) throws {
            let output = review + ".serve"
            complaints = review + ".complaints"
            for file in [output, complaints] { try Data().write(to: URL(fileURLWithPath: file)) }
            process.executableURL = URL(fileURLWithPath: try builtProgram("sipat"))
            process.arguments = ["review", "serve", review, "--people", people, "--port", "\(port)"] + more
            process.standardOutput = FileHandle(forWritingAtPath: output)
            process.standardError = FileHandle(forWritingAtPath: complaints)
            try process.run()
            while true {
                let text = try String(contentsOfFile: output, encoding: .utf8)
                if text.contains("Ctrl-C") {
                    let links = text.split(separator: "\n").filter { $0.contains("#token=") }
                    tokens = links.map { String($0.split(separator: "=").last!) }
                    host = String(links[0].split(separator: "/")[1])
                    self.port = Int(host.split(separator: ":")[1])!
                    return
                }
                try #require(process.isRunning, "the server did not start: \(text)")
                usleep(20_000)
            }
        }

        /// What it complained of so far.
        func complained() throws -> String { try String(contentsOfFile: complaints, encoding: .utf8) }

        func kill() {
            Foundation.kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
    }

    /// An answer, or nil where there is no server any more.
    private func post(_ port: Int, _ path: String, _ token: String, _ body: String) throws -> [String: Any]? {
        let run = try ProgramRun.of(
            "curl", ["-s", "-m", "20", "-X", "POST", "-H", "Authorization: Bearer \(token)", "-d", body, "http://127.0.0.1:\(port)/api/\(path)"], timeout: 30)
        return run.status == 0 ? try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any] : nil
    }

    /// Plans a review of the built-in images.
    private static func plan(_ folder: TemporaryFolder) throws -> String {
        let (maps, review) = (folder.file("maps.npy"), folder.file("review"))
        for run in [
            try sipat("salience", "estimate", "--data", "synthetic", "--estimator", "centre-prior", "--output", maps),
            try sipat("review", "plan", "--data", "synthetic", "--maps", maps, "--output", review),
        ] { try #require(run.status == 0, "\(run)") }
        return review
    }

    /// The status of an answer.
    private func status(_ server: Server, _ path: String, _ more: String...) throws -> String {
        try ProgramRun.of("curl", ["-s", "-m", "20", "-o", "/dev/null", "-w", "%{http_code}"] + more + ["http://127.0.0.1:\(server.port)\(path)"], timeout: 30).output
    }

    @Test func strangersAreRefusedAndNoTokenIsLogged() throws {
        let folder = try TemporaryFolder()
        let review = try Self.plan(folder)
        let server = try Server(review, port: 0)
        defer { server.kill() }
        let token = "Authorization: Bearer \(server.tokens[0])"
        #expect(try status(server, "/") == "200" && status(server, "/api/status") == "401" && status(server, "/api/status", "-H", token) == "200")
        #expect(try status(server, "/api/status?token=\(server.tokens[0])") == "401", "a token in an address is none")
        for (header, expected) in [
            ("Host: evil.example:\(server.port)", "421"), ("Origin: http://evil.example", "403"), ("Origin: null", "403"), ("Sec-Fetch-Site: cross-site", "403"),
            ("Origin: http://127.0.0.1:\(server.port)", "200"),
        ] { #expect(try status(server, "/api/status", "-H", token, "-H", header) == expected, "\(header)") }
        let large = folder.file("large")
        try Data(repeating: UInt8(ascii: " "), count: 5 << 20).write(to: URL(fileURLWithPath: large))
        #expect(try status(server, "/api/decision", "-H", token, "-X", "POST", "--data-binary", "@" + large) == "413")
        #expect(try status(server, "/api/decision", "-H", token, "-H", "Transfer-Encoding: chunked", "-X", "POST", "--data-binary", "@" + large) == "411")
        #expect(try status(server, "/api/decision", "-H", token, "-X", "POST", "-d", "{\"item\":") == "400")
        for path in ["/plan.json", "/api/image/0/../../plan.json", "/api/image/plan.json", "/api/people", "/../people.json"] {
            #expect(try status(server, path, "--path-as-is", "-H", token) == "404", "\(path)")
        }
        // A decision and a wrong token leave no token behind.
        let items = try #require(try post(server.port, "next", server.tokens[0], "{}")?["items"] as? [[String: Any]])
        let item = try #require(items.first?["item"] as? Int)
        _ = try post(server.port, "decision", server.tokens[0], "{\"item\":\(item),\"id\":\"message-1\",\"action\":\"accept\",\"activeMilliseconds\":10}")
        let wrong = String(repeating: "ab", count: 16)
        #expect(try status(server, "/api/status", "-H", "Authorization: Bearer \(wrong)") == "401")
        let written = try ["log.jsonl", "leases.jsonl", "plan.json", "queue.jsonl"].map { try String(contentsOfFile: review + "/" + $0, encoding: .utf8) } + [server.complained()]
        for text in written { for secret in server.tokens + [wrong] { #expect(!text.contains(secret)) } }
        #expect(written[0].contains("message-1"))
    }

    /// What a program sends that wants the server to hang: more of a line, of headers, of a body than anybody needs, and connections that
    /// say nothing.
    @Test func nobodyHangsTheServer() throws {
        let folder = try TemporaryFolder()
        let review = try Self.plan(folder)
        let server = try Server(review, port: 0)
        let script = """
            import socket, sys, time
            port = int(sys.argv[1])
            idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(200)]
            host = b"Host: 127.0.0.1:%d\\r\\n" % port
            for data in [
                b"GET /" + b"a" * (4 << 20), b"GET / HTTP/1.1\\r\\n" + host + b"X: " + b"a" * (4 << 20), b"GET / HTTP/1.1\\r\\n" + b"A: b\\r\\n" * 400000,
                b"POST /api/decision HTTP/1.1\\r\\n" + host + b"Content-Length: 6000000\\r\\n\\r\\n" + b"a" * 6000000, b"\\0\\1\\r\\n\\r\\n",
            ]:
                with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
                    try:
                        connection.sendall(data)
                        print(connection.recv(12).decode()[9:])
                    except ConnectionError:
                        print("closed")
            """
        let run = try ProgramRun.of("python3", ["-c", script, "\(server.port)"], timeout: 60)
        #expect(run.status == 0 && run.output == "414\n431\n431\n413\n400\n", "\(run)")
        #expect(try status(server, "/") == "200")
        kill(server.process.processIdentifier, SIGTERM)
        server.process.waitUntilExit()
        #expect(server.process.terminationStatus == 0)
    }

    /// On the whole network: a warning, the safer way, and links that the server itself takes.
    @Test func theNetworkIsWarnedOf() throws {
        let folder = try TemporaryFolder()
        let review = try Self.plan(folder)
        for (more, expected) in [
            (["--people", ","], "names nobody"), (["--people", ""], "names nobody"), (["--host", ""], "--host is"), (["--host", "http://a/"], "--host is"),
            (["--address", "::1"], "--address is"),
        ] {
            let refused = try ProgramRun.of(builtProgram("sipat"), ["review", "serve", review, "--port", "0"] + more, timeout: 60)
            #expect(refused.status == 64 && refused.errors.contains(expected) && !refused.errors.contains("warning"), "\(refused)")
        }
        let named = try Server(review, port: 0, more: ["--address", "localhost"])
        #expect(try !named.complained().contains("warning") && named.host.hasPrefix("127.0.0.1:"))
        named.kill()
        let local = try Server(review, port: 0)
        #expect(try !local.complained().contains("warning") && local.host.hasPrefix("127.0.0.1:"))
        local.kill()
        let server = try Server(review, port: 0, more: ["--address", "0.0.0.0"])
        defer { server.kill() }
        let complaints = try server.complained()
        #expect(complaints.contains("warning: 0.0.0.0 can be reached from the network") && complaints.contains("ssh -L PORT:127.0.0.1:PORT"), "\(complaints)")
        #expect(try status(server, "/", "-H", "Host: \(server.host)") == "200", "\(server.host)")
        #expect(try status(server, "/", "-H", "Host: other.example:\(server.port)") == "421")
    }

    /// Kills: fifty with SIPAT_REVIEW_KILLS=50.
    private static let kills = ProcessInfo.processInfo.environment["SIPAT_REVIEW_KILLS"].flatMap { Int($0) } ?? 6

    @Test func noDecisionThatWasAcknowledgedIsLost() throws {
        let folder = try TemporaryFolder()
        let review = try Self.plan(folder)
        var acknowledged: [Int: String] = [:]
        var (port, number) = (0, 0)
        var delay = UInt32(12345)
        for _ in 0..<Self.kills {
            let server = try Server(review, port: port)
            port = server.port
            delay = delay &* 1_664_525 &+ 1_013_904_223
            let process = server.process.processIdentifier
            let wait = 50_000 + delay % 600_000
            let killer = Thread {
                usleep(wait); Foundation.kill(process, SIGKILL)
            }
            killer.start()
            while server.process.isRunning {
                let token = server.tokens[number % 2]
                guard let items = try post(port, "next", token, "{}")?["items"] as? [[String: Any]], let item = items.first?["item"] as? Int else { continue }
                let id = "message-\(number)"
                number += 1
                let answer = try post(port, "decision", token, "{\"item\":\(item),\"id\":\"\(id)\",\"action\":\"accept\",\"activeMilliseconds\":10}")
                if answer?["line"] != nil { acknowledged[item] = id }
            }
            server.kill()
        }
        let opened = try Review(review)
        var found: [Int: String] = [:]
        try opened.forEachDecision { found[$0.item] = $0.id }
        for (item, id) in acknowledged { #expect(found[item] == id, "item \(item)") }
        #expect(!acknowledged.isEmpty && found.count >= acknowledged.count)
        let verified = try Self.sipat("review", "verify", review)
        #expect(verified.status == 0, "\(verified)")
        #expect(try Self.sipat("review", "verify", review, "--head", opened.end.head.uppercased()).status == 0)
        #expect(try Self.sipat("review", "verify", review, "--head", "abc").status == 64)
        let status = try Self.sipat("review", "status", review, "--json", folder.file("status.json"))
        #expect(status.status == 0 && status.output.contains("\(found.count) decided"), "\(status)")
        // Training takes what comes out of it.
        let exported = try Self.sipat("review", "export", review, "--output", folder.file("reviewed"))
        #expect(exported.status == 0 && exported.output.contains("accept \(found.count { opened.queue.entries[$0.key].first < 0 && opened.queue.honeypots[$0.key] == nil })"), "\(exported)")
        // Maps that are reviewed again are not replaced by what comes of it, by whatever name.
        let (second, link) = (folder.file("second"), folder.file("link"))
        let planned = try Self.sipat("review", "plan", "--data", "synthetic", "--maps", folder.file("reviewed"), "--output", second)
        #expect(planned.status == 0, "\(planned)")
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: folder.file("reviewed"))
        for output in [folder.file("reviewed"), link] {
            let refused = try Self.sipat("review", "export", second, "--output", output, "--force")
            #expect(refused.status == 64 && refused.errors.contains("it would be lost"), "\(refused)")
        }
        print("\(Self.kills) kills, \(acknowledged.count) decisions acknowledged, \(found.count) found")
    }
}

/// A whole review and a whole study in chromium, by the scripts in Browser.
@Suite(.serialized) struct BrowserTests {
    private static var python: String? {
        let given = ProcessInfo.processInfo.environment["SIPAT_PYTHON"] ?? "python3"
        return (try? ProgramRun.of(given, ["-c", "import selenium"]))?.status == 0 ? given : nil
    }

    private static var hasBrowser: Bool {
        python != nil && FileManager.default.isExecutableFile(atPath: "/usr/bin/chromedriver") && FileManager.default.isExecutableFile(atPath: "/usr/bin/chromium")
    }

    @Test(.enabled(if: hasBrowser, "needs chromium, chromium-driver and selenium (for the Python in SIPAT_PYTHON)"))
    func aWholeReview() throws { try drive("review_in_browser.py", ["--images", ProcessInfo.processInfo.environment["SIPAT_REVIEW_IMAGES"] ?? "60"]) }

    @Test(.enabled(if: hasBrowser, "needs chromium, chromium-driver and selenium (for the Python in SIPAT_PYTHON)"))
    func aWholeStudy() throws { try drive("study_in_browser.py", []) }

    /// SIPAT_SCREENSHOTS: a folder for pictures of the pages.
    private func drive(_ name: String, _ more: [String]) throws {
        let folder = try TemporaryFolder()
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Browser/" + name).path
        let pictures = ProcessInfo.processInfo.environment["SIPAT_SCREENSHOTS"].map { ["--screenshots", $0] } ?? []
        let run = try ProgramRun.of(Self.python!, [script, builtProgram("sipat"), folder.path] + more + pictures, timeout: 1800)
        #expect(run.status == 0 && run.output.hasSuffix("done\n"), "\(run)")
    }
}
