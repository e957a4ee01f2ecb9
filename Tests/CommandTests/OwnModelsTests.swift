import Checkpoints
import Foundation
import TestSupport
import Testing

/// Models that people bring: weights to begin from, normalised images.
@Suite("Models of one's own", .serialized)
struct OwnModelsTests {
    private let folder: TemporaryFolder
    private let run: String
    private let weights: String

    init() throws {
        folder = try TemporaryFolder()
        run = folder.path + "/first"
        let result = try TinyRun.train(run, ["epochs=1"])
        try #require(result.status == 0, "\(result)")
        weights = try #require(try CheckpointStore(run: run).latestValid().checkpoint).path(of: "weights.safetensors")
    }

    /// The run's tensors as another program would save them.
    private func file(
        _ name: String, prefix: String = "", without dropped: (String) -> Bool = { _ in false }, half: Bool = false,
        reshape: (String, [Int], [Float]) -> ([Int], [Float]) = { ($1, $2) }
    ) throws -> String {
        let source = try SafetensorsFile(weights)
        let tensors = try source.names.filter { source.dtype(of: $0) == .float32 && !dropped($0) }.map { name in
            let (shape, values) = reshape(name, source.shape(of: name)!, try source.floats(of: name))
            guard half else { return SafetensorsTensor(name: prefix + name, shape: shape, floats: { values }) }
            let halves = values.map { Float16($0).bitPattern }
            return SafetensorsTensor(name: prefix + name, type: .float16, shape: shape) { sink in try halves.withUnsafeBytes { try sink($0) } }
        }
        let path = "\(folder.path)/\(name).safetensors"
        try SafetensorsWriter(tensors).write(to: path)
        return path
    }

    @Test func aRunBeginsFromWeights() throws {
        // With a learning rate of nothing, what comes out is what went in.
        let still = ["epochs=1", "optimizer.lr=0"]
        for (name, source) in [
            ("run", run), ("checkpoints", run + "/checkpoints"), ("file", weights), ("prefix", try file("p", prefix: "module._orig_mod.")),
            ("half", try file("h", half: true)),
        ] {
            let output = "\(folder.path)/\(name)"
            let result = try TinyRun.train(output, still + ["model.weights=\(source)"])
            #expect(result.status == 0 && result.output.contains("begins from"), "\(name): \(result)")
            let (found, expected) = (try TinyRun.tensors(output), try TinyRun.tensors(run))
            for (tensor, values) in expected where !tensor.contains("running") {
                let tolerance: Float = name == "half" ? 1e-3 : 0
                #expect(zip(values, found[tensor]!).allSatisfy { abs($0 - $1) <= tolerance * (abs($0) + 0.1) }, "\(name): \(tensor)")
            }
        }
    }

    @Test func otherClassesGetANewLastLayer() throws {
        let settings = ["epochs=1", "synthetic.classes=4", "model.weights=\(run)"]
        for ranks in [1, 2] {
            let result = try TinyRun.train("\(folder.path)/ranks\(ranks)", ranks: ranks, settings)
            #expect(result.status == 0 && result.output.contains("fc, is new: the file tells 10 classes apart, the data 4"), "\(result)")
        }
        #expect(try TinyRun.weights(folder.path + "/ranks1") == TinyRun.weights(folder.path + "/ranks2"))
        #expect(try TinyRun.weights(folder.path + "/ranks1") != TinyRun.weights(run))
        let still = try TinyRun.train(folder.path + "/still", ["epochs=1", "optimizer.lr=0", "synthetic.classes=4", "model.weights=\(run)"])
        #expect(still.status == 0, "\(still)")
        let (found, expected) = (try TinyRun.tensors(folder.path + "/still"), try TinyRun.tensors(run))
        #expect(found["conv4.weight"] == expected["conv4.weight"] && found["fc.weight"]?.count == 4 * 16)
        #expect(found["fc.weight"]?.contains { $0 != 0 } == true)
        let headless = try TinyRun.train(folder.path + "/headless", ["epochs=1", "model.weights=\(try file("none", without: { $0.hasPrefix("fc.") }))"])
        #expect(headless.status == 0 && headless.output.contains("the file has none"), "\(headless)")
    }

    @Test func whatDoesNotFitIsRefused() throws {
        let archive = Array("PK\u{3}\u{4}archive/data.pkl".utf8) + [UInt8](repeating: 0, count: 99)
        try Data(archive).write(to: URL(filePath: folder.path + "/model.pth"))
        let narrow = try file(
            "narrow",
            reshape: { (name: String, shape: [Int], values: [Float]) -> ([Int], [Float]) in
                guard name == "fc.weight" else { return (shape, values) }
                let inputs = shape[1] - 1
                return ([shape[0], inputs], Array(values.prefix(shape[0] * inputs)))
            })
        for (settings, status, words) in [
            (["model.weights=\(folder.path)/model.pth"], Int32(65), ["torch.load", "save_file"]),
            (["model.weights=\(folder.path)/nothing"], 74, ["nothing"]),
            (["model.weights=\(weights)", "synthetic.channels=1"], 65, ["3 channels", "has 1"]),
            (["model.weights=\(try file("w"))", "model.width=8"], 65, ["model.width"]),
            (["model.weights=\(run)", "model.width=8"], 64, ["model.width=4"]),
            (["model.weights=\(run)", "model.name=resnet18"], 64, ["model.name=cnn"]),
            (["model.weights=\(narrow)"], 65, ["fc.weight"]),
            (["model.weights=\(try file("q", without: { $0 == "bn2.weight" }))"], 65, ["bn2.weight"]),
        ] as [([String], Int32, [String])] {
            let result = try TinyRun.train(folder.path + "/refused", settings)
            #expect(result.status == status && words.allSatisfy { result.errors.contains($0) }, "\(settings): \(result)")
        }
    }

    @Test func aResumedRunReadsItsOwnCheckpoint() throws {
        let (whole, parts, source) = (folder.path + "/whole", folder.path + "/parts", folder.path + "/source.safetensors")
        try FileManager.default.copyItem(atPath: weights, toPath: source)
        #expect(try TinyRun.train(whole, ["model.weights=\(source)"]).status == 0)
        #expect(try TinyRun.stopped(parts, ["model.weights=\(source)"], afterSteps: 2).status == 75)
        try FileManager.default.removeItem(atPath: source)
        let other = try TinyRun.sipat("train", "--output", parts, "--resume", "--set", "model.weights=\(run)")
        #expect(other.status == 64 && other.errors.contains("model.weights was"), "\(other)")
        let result = try TinyRun.sipatOnRanks(2, ["train", "--output", parts, "--resume"])
        #expect(result.status == 0 && !result.output.contains("begins from"), "\(result)")
        #expect(try TinyRun.weights(parts) == TinyRun.weights(whole))
    }

    @Test func normalisationGoesWithTheWeights() throws {
        let normalised = folder.path + "/normalised"
        let constants = ["model.mean=cifar10", "model.std=cifar10"]
        let trained = try TinyRun.train(normalised, ["epochs=1"] + constants)
        #expect(trained.status == 0, "\(trained)")
        #expect(try TinyRun.weights(normalised) != TinyRun.weights(run))
        let own = try #require(try CheckpointStore(run: normalised).latestValid().checkpoint).path(of: "weights.safetensors")
        #expect(try SafetensorsFile(own).metadata["normalization.mean"] == "0.4914 0.4822 0.4465")
        #expect(try SafetensorsFile(weights).metadata == ["format": "pt"])
        func accuracy(_ weights: String, _ flags: [String] = []) throws -> (line: String?, errors: String) {
            let model = ["--model", "cnn", "--width", "4", "--data", "synthetic"]
            let result = try ProgramRun.of(
                builtProgram("sipat"), ["evaluate", "--weights", weights, "--epsilons", "0,2/255", "--limit", "200"] + (weights == normalised ? [] : model) + flags, timeout: 60)
            #expect(result.status == 0, "\(result)")
            return (result.output.split(separator: "\n").first { $0.hasPrefix("| 2/255 |") }.map(String.init), result.errors)
        }
        let bare = folder.path + "/bare.safetensors"
        try FileManager.default.copyItem(atPath: own, toPath: bare)
        // The synthetic data of the run are others than the standard ones: only bare files are compared.
        #expect(try accuracy(normalised).line != nil)
        let expected = try accuracy(bare)
        #expect(expected.line != nil && !expected.errors.contains("warning"), "\(expected)")
        #expect(try accuracy(bare, ["--mean", "0.4914,0.4822,0.4465", "--std", "cifar10"]).line == expected.line)
        let without = try accuracy(bare, ["--mean", "none", "--std", "none"])
        #expect(without.line != expected.line && without.errors.contains("--mean 0.4914,0.4822,0.4465"), "\(without)")
        #expect(try accuracy(bare, ["--mean", "imagenet", "--std", "imagenet"]).errors.contains("other constants"))
        // Training from it on images as they are is told of, too.
        let warned = try TinyRun.train(folder.path + "/plain", ["epochs=1", "model.weights=\(bare)"])
        #expect(warned.status == 0 && warned.output.contains("model.mean=0.4914,0.4822,0.4465"), "\(warned)")
        let silent = try TinyRun.train(folder.path + "/same", ["epochs=1", "model.weights=\(bare)"] + constants)
        #expect(silent.status == 0 && !silent.output.contains("warning"), "\(silent)")
        let wrong = try TinyRun.train(folder.path + "/grey", ["epochs=1", "synthetic.channels=1"] + constants)
        #expect(wrong.status == 64 && wrong.errors.contains("3 channels"), "\(wrong)")
    }
}
