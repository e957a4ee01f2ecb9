import Diagnostics
import Foundation
import Scaling
import Testing

@Suite("Files of scaling experiments")
struct FileTests {
    private func withFile(_ text: String, _ body: (String) throws -> Void) throws {
        let path = NSTemporaryDirectory() + "scale-\(UUID().uuidString).json"
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }

    @Test func aRunComesBackAsItWas() throws {
        let run = syntheticRun()
        try withFile(String(decoding: try JSONEncoder().encode(run), as: UTF8.self)) { path in
            let read = try ScaleRun(contentsOf: path)
            #expect(read == run)
        }
    }

    @Test(arguments: [
        ("{", "not JSON"), ("{}", "is missing"), ("{\"version\": \"x\"}", "version has the wrong type"),
    ])
    func damagedFiles(_ text: String, _ words: String) throws {
        try withFile(text) { path in
            let error = #expect(throws: Failure.self) { try ScaleRun(contentsOf: path) }
            #expect(error?.kind == .badData && error?.message.contains(words) == true, "\(String(describing: error))")
            #expect(error?.message.contains(path) == true)
        }
    }

    @Test func numbersThatCannotBeAreRefused() throws {
        var run = syntheticRun()
        run.points[1].compute = -1
        try withFile(String(decoding: try JSONEncoder().encode(run), as: UTF8.self)) { path in
            let error = #expect(throws: Failure.self) { try ScaleRun(contentsOf: path) }
            #expect(error?.kind == .badData)
        }
        run = syntheticRun()
        run.version = 99
        try withFile(String(decoding: try JSONEncoder().encode(run), as: UTF8.self)) { path in
            let error = #expect(throws: Failure.self) { try ScaleRun(contentsOf: path) }
            #expect(error?.message.contains("version is 99") == true)
        }
    }

    @Test func tableAndCSVHoldEveryPoint() {
        let run = syntheticRun(ranks: [1, 2, 4, 8])
        let csv = run.csv.split(separator: "\n")
        #expect(csv.count == 1 + run.points.count)
        let columns = csv[0].split(separator: ",").count
        #expect(csv.allSatisfy { $0.split(separator: ",").count == columns })
        #expect(run.table.components(separatedBy: "oversubscribed").count == 3)
        #expect(run.csv.components(separatedBy: ",true,").count == 3)
    }

    /// Parsed as XML: every element is closed, every name is escaped.
    @Test func picturesAreWellFormed() throws {
        let run = syntheticRun(ranks: [1, 2, 4, 8])
        let prediction = try ScalePrediction(
            run, .init(networks: Network.known, ranksPerHost: 16, globalBatch: 4096, rankBatch: 32, bucketBytes: 4e6))
        for picture in [run.picture, prediction.picture] {
            let parser = XMLChecker(picture)
            #expect(parser.isWellFormed && parser.elements > 20)
        }
        #expect(run.picture.contains("fill=\"none\"") && run.picture.contains("ideal"))
        #expect(prediction.picture.contains("PREDICTED") && prediction.text.hasPrefix("PREDICTION"))
        for assumption in prediction.assumptions { #expect(prediction.text.contains(assumption)) }
    }
}

/// Counts the elements of a document and finds those that are not closed.
private struct XMLChecker {
    var isWellFormed = true
    var elements = 0

    init(_ text: String) {
        var open: [Substring] = []
        for match in text.matches(of: /<(\/?)([a-z]+)[^<>]*?(\/?)>/) {
            let (closes, name, isEmpty) = (!match.1.isEmpty, match.2, !match.3.isEmpty)
            if closes {
                if open.popLast() != name { isWellFormed = false }
            } else {
                elements += 1
                if !isEmpty { open.append(name) }
            }
        }
        if !open.isEmpty { isWellFormed = false }
    }
}
