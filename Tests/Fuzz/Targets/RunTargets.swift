import Checkpoints
import Diagnostics
import Digests
import Foundation
import Scaling
import Training

private let folder = ScratchFolder("run")

extension FuzzTarget {
    /// `state.json`; what is accepted can be written and read again.
    static let runState = FuzzTarget("run-state") { input in
        let state = try decoding { try JSONDecoder().decode(RunState.self, from: Data(input.bytes)) }
        guard try JSONDecoder().decode(RunState.self, from: JSONEncoder().encode(state)) == state else { fatalError("written, it is another") }
        _ = state.recipe.yaml(commented: true)
    }

    /// `manifest.json` of a checkpoint whose marker fits, beside two files it may name, and `best.json` (a part).
    static let manifest = FuzzTarget("manifest") { input in
        var input = input
        let store = CheckpointStore(run: folder.path)
        let checkpoint = store.folder + "/step-00000001"
        try FileManager.default.createDirectory(atPath: checkpoint, withIntermediateDirectories: true)
        folder.write(input.part(), to: "checkpoints/best.json")
        folder.write(input.bytes, to: "checkpoints/step-00000001/manifest.json")
        folder.write(Array((SHA256.hex(of: input.bytes) + "\n").utf8), to: "checkpoints/step-00000001/COMPLETE")
        folder.write(Array("abc".utf8), to: "checkpoints/step-00000001/weights.safetensors")
        folder.write(Array("{}".utf8), to: "checkpoints/step-00000001/state.json")
        let latest = try store.latestValid()
        if let found = latest.checkpoint {
            for file in found.files { _ = try found.contents(of: file) }
        }
        for (_, reason) in latest.skipped where reason.kind != .badData { throw reason }
        _ = try store.best()
    }

    /// `metrics.jsonl` of a run that is resumed.
    static let metrics = FuzzTarget("metrics") { input in
        folder.write(input.bytes, to: "metrics.jsonl")
        let log = try MetricsLog(folder: folder.path, after: 10, epoch: 2)
        try log.append(["step": 11])
    }

    /// `scale.json`.
    static let scaleRun = FuzzTarget("scale-run") { input in
        _ = try ScaleRun(contentsOf: folder.write(input.bytes, to: "scale.json"))
    }
}

/// A `DecodingError` as the run's reader reports it.
private func decoding<Value>(_ body: () throws -> Value) throws -> Value {
    do { return try body() } catch let error as DecodingError { throw Failure.badData("not understood: \(error)") }
}
