import Diagnostics
import Digests
import Foundation

/// `plan.json` of a review or a study, and the files whose hashes it names.
struct PlanFile {
    let path: String
    /// What it is the plan of, and the command that makes one: "review", "sipat review plan --data …".
    let noun: String
    let command: String
    /// What to do where it is damaged.
    let remedy: String

    /// The plan and its hash, at which the log's chain begins.
    ///
    /// - Throws: `Failure` when it is missing or is none.
    func read<Plan: Decodable>(_ type: Plan.Type) throws -> (plan: Plan, hash: String) {
        guard FileManager.default.fileExists(atPath: path) else {
            let folder = pathFolder(path)
            throw Failure.inputOutput("\(folder) is no \(noun): there is no plan.json in it", remedy: "make one: \(command) --output \(folder)")
        }
        let bytes = try ReadableFile.contents(of: path)
        do { return (try decodedJSON(type, from: bytes), SHA256.hex(of: bytes)) } catch {
            throw Failure.badData("\(path): is not the plan of a \(noun) (\(error))", remedy: remedy)
        }
    }

    /// - Throws: `Failure.badData` when a file is another than the one that was planned.
    func require(_ file: String, hash: String) throws {
        guard try SHA256.hex(ofFile: file) == hash else {
            throw Failure.badData("\(file): is not the file that was planned (its hash differs)", remedy: remedy)
        }
    }
}
