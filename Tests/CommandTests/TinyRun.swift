import Checkpoints
import Diagnostics
import Digests
import Foundation
import TestSupport

/// A folder that disappears with its owner.
final class TemporaryFolder {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "sipat-test-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// A training run of a second: 200 small synthetic images, a small network, batches of four micro-batches.
enum TinyRun {
    static let settings = [
        "synthetic.size=16", "synthetic.train=220", "synthetic.test=40", "model.name=cnn", "model.width=4", "data.batch=32",
        "data.microBatch=8", "epochs=2", "attack.steps=2", "validation.steps=2", "validation.batch=16", "augmentation.flip=true",
    ]

    static func arguments(_ output: String, _ overrides: [String] = []) -> [String] {
        ["train", "--recipe", "synthetic", "--output", output] + (settings + overrides).flatMap { ["--set", $0] }
    }

    /// Trains on `ranks` ranks.
    static func train(_ output: String, ranks: Int = 1, _ overrides: [String] = [], more: [String] = []) throws -> ProgramRun {
        try ProgramRun.mpirun(ranks: ranks, builtProgram("sipat"), arguments(output, overrides) + more, timeout: 120)
    }

    /// Trains, and is asked to stop while the line of a step is written.
    static func stopped(_ output: String, ranks: Int = 1, _ overrides: [String] = [], afterSteps steps: Int) throws -> ProgramRun {
        try ProgramRun.mpirun(
            ranks: ranks, builtProgram("run-fixture"), ["stop-at-line", "\(steps)", output] + settings + overrides, timeout: 120)
    }

    static func sipatOnRanks(_ ranks: Int, _ arguments: [String]) throws -> ProgramRun {
        try ProgramRun.mpirun(ranks: ranks, builtProgram("sipat"), arguments, timeout: 120)
    }

    static func sipat(_ arguments: String...) throws -> ProgramRun { try sipat(arguments) }

    static func sipat(_ arguments: [String]) throws -> ProgramRun {
        try ProgramRun.of(builtProgram("sipat"), arguments, timeout: 120)
    }

    /// The weights of the newest checkpoint, as one hash over the file.
    static func weights(_ run: String) throws -> String {
        guard let checkpoint = try CheckpointStore(run: run).latestValid().checkpoint else { return "none" }
        return try "\(checkpoint.step) \(SHA256.hex(ofFile: checkpoint.path(of: "weights.safetensors")))"
    }

    /// The tensors of the newest checkpoint.
    static func tensors(_ run: String) throws -> [String: [Float]] {
        guard let checkpoint = try CheckpointStore(run: run).latestValid().checkpoint else { return [:] }
        let file = try SafetensorsFile(checkpoint.path(of: "weights.safetensors"))
        return try Dictionary(uniqueKeysWithValues: file.names.filter { file.dtype(of: $0) == .float32 }.map { ($0, try file.floats(of: $0)) })
    }

    /// The optimizer's state of the newest checkpoint.
    static func momentum(_ run: String) throws -> String {
        guard let checkpoint = try CheckpointStore(run: run).latestValid().checkpoint else { return "none" }
        return try SHA256.hex(ofFile: checkpoint.path(of: "optimizer.safetensors"))
    }

    /// The log.
    static func lines(_ run: String) throws -> [[String: Any]] {
        let text = String(decoding: try ReadableFile.contents(of: run + "/metrics.jsonl"), as: UTF8.self)
        return try text.split(separator: "\n").map {
            try JSONSerialization.jsonObject(with: Data($0.utf8)) as! [String: Any]
        }
    }

    /// The log without what depends on the clock.
    static func metrics(_ run: String) throws -> [String] {
        try lines(run).map {
            var object = $0
            object["imagesPerSecond"] = nil
            object["seconds"] = nil
            object["timing"] = nil
            return String(decoding: try JSONSerialization.data(withJSONObject: object, options: .sortedKeys), as: UTF8.self)
        }
    }
}
