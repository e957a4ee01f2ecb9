import Checkpoints
import Diagnostics
import Foundation

/// What two runs have in common, and where they first part.
package struct RunComparison {
    package let isEqual: Bool
    package let text: String

    /// Compares the logs line by line (all but times and rates), and the checkpoints that both have.
    ///
    /// - Throws: `Failure` if one of the folders holds no run.
    package init(_ first: String, _ second: String) throws {
        let (a, b) = (try Self.metrics(first), try Self.metrics(second))
        for (x, y) in zip(a, b) where x != y {
            let keys = Set(x.keys).union(y.keys).filter { x[$0] != y[$0] }.sorted()
            let step = x["step"] ?? "?"
            var lines = ["the logs differ first at step \(step):"]
            lines += keys.map { "  \($0): \(x[$0] ?? "nothing") and \(y[$0] ?? "nothing")" }
            self.init(isEqual: false, text: (lines + (try Self.tensorDifference(first, second).map { [$0] } ?? [])).joined(separator: "\n"))
            return
        }
        if let difference = try Self.tensorDifference(first, second) {
            self.init(isEqual: false, text: difference)
            return
        }
        var text = "equal: \(min(a.count, b.count)) lines of metrics, \(try Self.commonSteps(first, second).count) checkpoints"
        if a.count != b.count { text += " (\(first) has \(a.count) lines of metrics, \(second) has \(b.count))" }
        self.init(isEqual: true, text: text)
    }

    private init(isEqual: Bool, text: String) {
        self.isEqual = isEqual
        self.text = text
    }

    private static func metrics(_ run: String) throws -> [[String: String]] {
        let path = run + "/metrics.jsonl"
        guard FileManager.default.fileExists(atPath: path) else {
            throw Failure.usage("\(run): holds no run (no metrics.jsonl)", remedy: "name the folder given to sipat train --output")
        }
        let text = String(decoding: try ReadableFile.contents(of: path, limit: 1 << 32), as: UTF8.self)
        let lines = try text.split(separator: "\n").enumerated().map { number, line in
            guard let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else {
                throw Failure.badData("\(path):\(number + 1): not a JSON object")
            }
            return object.filter { !["seconds", "imagesPerSecond", "timing"].contains($0.key) }.mapValues { "\($0)" }
        }
        // How a run was resumed is not what it computed.
        return lines.filter { $0["type"] != "recipe" && $0["type"] != "compute" }
    }

    private static func steps(_ run: String) -> Set<String> {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: run + "/checkpoints")) ?? []
        return Set(names.filter { $0.hasPrefix("step-") })
    }

    private static func commonSteps(_ first: String, _ second: String) throws -> [String] {
        steps(first).intersection(steps(second)).sorted()
    }

    /// The first tensor, of the first checkpoint that both runs have, that differs.
    private static func tensorDifference(_ first: String, _ second: String) throws -> String? {
        for step in try commonSteps(first, second) {
            let (a, b) = (try Checkpoint(verifying: "\(first)/checkpoints/\(step)"), try Checkpoint(verifying: "\(second)/checkpoints/\(step)"))
            for name in [RunFiles.weights, RunFiles.average, RunFiles.optimizer] where a.files.contains(name) || b.files.contains(name) {
                let (x, y) = (try SafetensorsFile(a.path(of: name)), try SafetensorsFile(b.path(of: name)))
                guard x.names == y.names else { return "\(step)/\(name): the tensors have different names: these are different models" }
                for tensor in x.names where x.dtype(of: tensor) == .float32 {
                    let (u, v) = (try x.floats(of: tensor), try y.floats(of: tensor))
                    guard u.count == v.count else { return "\(step)/\(name): \(tensor) has different shapes" }
                    let different = zip(u, v).count { $0.bitPattern != $1.bitPattern }
                    if different > 0 {
                        let largest = zip(u, v).map { abs($0 - $1) }.max()!
                        return "\(step)/\(name): \(tensor) differs in \(different) of \(u.count) values, by up to \(largest)"
                    }
                }
            }
        }
        return nil
    }
}
