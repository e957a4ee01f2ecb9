import Diagnostics
import Foundation

extension EvaluationFolder {
    package static let checks = "checks.json"
    package static let measures = "measures.json"
    package static let statistics = "statistics.json"
    package static let report = "report.html"

    /// The self-checks that were made of the evaluation; nil if none were.
    package static func checks(in folder: String) throws -> SelfChecks? { try read(SelfChecks.self, folder + "/" + checks) }

    /// What was measured besides; nil if nothing was.
    package static func measures(in folder: String) throws -> Measures? { try read(Measures.self, folder + "/" + measures) }

    private static func read<Value: Decodable>(_ type: Value.Type, _ path: String) throws -> Value? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        let bytes = try ReadableFile.contents(of: path)
        do { return try decodedJSON(type, from: bytes) } catch {
            throw Failure.badData("\(path): cannot be understood: \(decodingComplaint(error))", remedy: "remove it, and make it again with sipat evaluate --output \(pathFolder(path)) --resume")
        }
    }
}
