import Diagnostics
import Foundation

/// `metrics.jsonl`: one JSON object per line, written as the run goes.
package final class MetricsLog {
    private let path: String
    private let handle: FileHandle

    /// Opens the log; lines of steps after `step` (from before a resumed run's checkpoint) are removed.
    package init(folder: String, after step: Int) throws {
        path = folder + "/metrics.jsonl"
        if FileManager.default.fileExists(atPath: path) {
            let text = String(decoding: try ReadableFile.contents(of: path, limit: 1 << 32), as: UTF8.self)
            let kept = text.split(separator: "\n").filter { line in
                let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                return (object?["step"] as? Int).map { $0 <= step } ?? false
            }
            try writeAtomically(Array(kept.map { $0 + "\n" }.joined().utf8), to: path)
        } else {
            try writeAtomically([], to: path)
        }
        guard let handle = FileHandle(forWritingAtPath: path) else { throw Failure.inputOutput("\(path): cannot be opened for writing") }
        self.handle = handle
        try handle.seekToEnd()
    }

    /// Appends a line.
    package func append(_ line: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            try handle.write(contentsOf: encoder.encode(line) + Data("\n".utf8))
        } catch {
            throw Failure.writing(path, error: error)
        }
    }
}

/// A training step in the log.
package struct StepLine: Encodable {
    let type = "step"
    let step: Int
    let epoch: Int
    let learningRate: Float
    /// Mean over the batch's (perturbed) samples.
    let loss: Double
    let accuracy: Double
    let imagesPerSecond: Double
}

/// An epoch in the log.
package struct EpochLine: Encodable {
    let type = "epoch"
    let step: Int
    let epoch: Int
    let loss: Double
    let accuracy: Double
    let cleanAccuracy: Double?
    let robustAccuracy: Double?
    let weights: String
    let seconds: Double
}
