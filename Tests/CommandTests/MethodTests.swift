import Checkpoints
import Foundation
import Testing

@Suite("Training methods", .serialized)
struct MethodTests {
    /// Each method at least once, with the mask (the recipe's mode is sip-at) and without.
    static let methods: [(name: String, settings: [String])] = [
        ("trades-awp-ema", ["objective.name=trades", "awp.gamma=0.005", "awp.warmupEpochs=1", "ema.decay=0.9"]),
        ("mart-n-fgsm", ["mode=at", "objective.name=mart", "attack.name=n-fgsm", "attack.warmupEpochs=1.5"]),
        ("free", ["attack.name=free", "attack.replays=3", "optimizer.lr=0.02"]),
        ("fgsm-rs", ["attack.name=fgsm-rs", "model.initialisation=pytorch", "ema.decay=0.99"]),
    ]

    /// The average of the weights in the newest checkpoint.
    private func average(_ run: String) throws -> [String: [Float]]? {
        guard let checkpoint = try CheckpointStore(run: run).latestValid().checkpoint, checkpoint.files.contains("average.safetensors")
        else { return nil }
        let file = try SafetensorsFile(checkpoint.path(of: "average.safetensors"))
        return try Dictionary(uniqueKeysWithValues: file.names.filter { file.dtype(of: $0) == .float32 }.map { ($0, try file.floats(of: $0)) })
    }

    /// On 1, 2, 3 and 4 ranks; and stopped after three steps of an epoch on two ranks, and resumed on three.
    @Test(arguments: methods.indices) func ranksAndInterruptionsChangeNothing(_ index: Int) throws {
        let settings = Self.methods[index].settings
        let folder = try TemporaryFolder()
        let whole = folder.path + "/1"
        let first = try TinyRun.train(whole, settings)
        #expect(first.status == 0, "\(first)")
        let plain = try TinyRun.lines(whole).compactMap { $0["loss"] as? Double }
        #expect(plain.count == 2 * 7 + 2 && plain.allSatisfy(\.isFinite))
        func compare(_ run: String, _ what: String) throws {
            #expect(try TinyRun.weights(run) == TinyRun.weights(whole), "\(what)")
            #expect(try TinyRun.momentum(run) == TinyRun.momentum(whole), "\(what)")
            #expect(try TinyRun.metrics(run) == TinyRun.metrics(whole), "\(what)")
            #expect(try average(run) == average(whole), "\(what)")
        }
        for ranks in [2, 3, 4] {
            let run = folder.path + "/\(ranks)"
            let result = try TinyRun.train(run, ranks: ranks, settings, more: ranks == 2 ? ["--threads", "2"] : [])
            #expect(result.status == 0, "\(result)")
            try compare(run, "\(ranks) ranks")
        }
        let parts = folder.path + "/parts"
        let stopped = try TinyRun.stopped(parts, ranks: 2, settings, afterSteps: 3)
        #expect(stopped.status == 75, "\(stopped)")
        #expect(try TinyRun.weights(parts).hasPrefix("3 "))
        let resumed = try TinyRun.sipatOnRanks(3, ["train", "--output", parts, "--resume"])
        #expect(resumed.status == 0, "\(resumed)")
        try compare(parts, "stopped and resumed")
    }

    /// Every setting of a method changes something: none is read and then forgotten.
    @Test func everySettingCounts() throws {
        let folder = try TemporaryFolder()
        let settings: [[String]] = [
            [], ["objective.name=trades"], ["objective.name=trades", "objective.beta=1"], ["objective.name=mart"],
            ["awp.gamma=0.01"], ["attack.name=fgsm-rs"], ["attack.name=fgsm-rs", "attack.stepRatio=1"], ["attack.name=n-fgsm"],
            ["attack.name=n-fgsm", "attack.noiseRatio=1"], ["attack.name=free", "attack.replays=2"], ["attack.warmupEpochs=0.9"],
            ["attack.start=normal"], ["model.initialisation=pytorch"], ["attack.name=free", "attack.replays=2", "mode=at"],
        ]
        var seen: [String: [String]] = [:]
        for (index, changes) in settings.enumerated() {
            let run = folder.path + "/\(index)"
            let result = try TinyRun.train(run, ["epochs=1", "data.limit=64", "data.validation=0"] + changes)
            #expect(result.status == 0, "\(result)")
            let weights = try TinyRun.weights(run)
            if let other = seen[weights] { Issue.record("\(changes) is like \(other)") }
            seen[weights] = changes
        }
    }

    /// The averaged weights are what `evaluate` takes, and says so; the last step's lie beside them.
    @Test func theAverageIsEvaluated() throws {
        let folder = try TemporaryFolder()
        let run = folder.path + "/run"
        let result = try TinyRun.train(run, ["ema.decay=0.95"])
        #expect(result.status == 0 && result.output.contains("averaged weights"), "\(result)")
        let averaged = try #require(try average(run))
        let last = try TinyRun.tensors(run)
        #expect(averaged.keys.sorted() == last.keys.sorted() && averaged["conv1.weight"] != last["conv1.weight"])
        #expect(averaged["bn1.running_mean"] == last["bn1.running_mean"])
        let evaluated = try TinyRun.sipat("evaluate", "--weights", run, "--epsilons", "0", "--steps", "2")
        #expect(evaluated.status == 0 && (evaluated.output + evaluated.errors).contains("average.safetensors (the moving average"), "\(evaluated)")
        let checkpoint = try #require(try CheckpointStore(run: run).latestValid().checkpoint)
        let raw = try TinyRun.sipat("evaluate", "--weights", checkpoint.path + "/weights.safetensors", "--epsilons", "0", "--steps", "2")
        #expect(raw.status == 0 && !(raw.output + raw.errors).contains("moving average"), "\(raw)")
    }
}
