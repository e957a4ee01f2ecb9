import Checkpoints
import Foundation
import TestSupport
import Testing

/// Weights as other programs, other people and accidents leave them.
@Suite("Awkward weights", .serialized)
struct AwkwardWeightsTests {
    private let folder: TemporaryFolder
    private let run: String
    private let weights: String

    init() throws {
        folder = try TemporaryFolder()
        run = folder.path + "/run"
        let result = try TinyRun.train(run, ["epochs=1", "model.name=resnet18", "model.width=2"])
        try #require(result.status == 0, "\(result)")
        let checkpoint = try #require(try CheckpointStore(run: run).latestValid().checkpoint)
        weights = try checkpoint.path(of: "weights.safetensors")
    }

    private let model = ["--model", "resnet18", "--width", "2", "--data", "synthetic", "--epsilons", "0", "--limit", "40"]

    private func evaluate(_ weights: String, _ flags: [String]? = nil) throws -> ProgramRun {
        try ProgramRun.of(builtProgram("sipat"), ["evaluate", "--weights", weights] + (flags ?? model), timeout: 60)
    }

    /// The run's tensors, renamed and changed, with others beside them, as a file.
    private func file(
        _ name: String = "w", rename: (String) -> [String] = { [$0] }, change: (String, inout [Float]) -> Void = { _, _ in }, more: [SafetensorsTensor] = []
    ) throws -> String {
        let file = try SafetensorsFile(weights)
        var tensors = more
        for own in file.names where file.dtype(of: own) == .float32 {
            var values = try file.floats(of: own)
            change(own, &values)
            let final = values
            for other in rename(own) { tensors.append(SafetensorsTensor(name: other, shape: file.shape(of: own)!, floats: { final })) }
        }
        let path = "\(folder.path)/\(name).safetensors"
        try SafetensorsWriter(tensors).write(to: path)
        return path
    }

    private func tensor(_ name: String, _ values: [Float]) -> SafetensorsTensor { SafetensorsTensor(name: name, shape: [values.count], floats: { values }) }

    private func accuracy(_ run: ProgramRun) -> String? {
        run.output.split(separator: "\n").first { $0.hasPrefix("| 0 |") }.map(String.init)
    }

    @Test func namesOfOtherPrograms() throws {
        let expected = try accuracy(evaluate(file("plain")))
        try #require(expected != nil)
        func renamed(_ name: String) -> String { name.replacing("downsample", with: "shortcut").replacing("fc.", with: "linear.") }
        for prefix in ["module.", "_orig_mod.", "model.", "module.model.", "module.attacker.model.", "net.0.", "module._orig_mod.model."] {
            let result = try evaluate(file { [prefix + $0] })
            #expect(result.status == 0 && accuracy(result) == expected && result.errors.contains(prefix), "\(prefix): \(result)")
        }
        let short = try evaluate(file { [renamed($0)] })
        #expect(short.status == 0 && accuracy(short) == expected, "\(short)")
        let both = try evaluate(file { ["module." + renamed($0)] })
        #expect(both.status == 0 && accuracy(both) == expected, "\(both)")
        // The robustness library saves the model twice.
        let twice = try evaluate(
            file(rename: { ["module.model." + $0, "module.attacker.model." + $0] }, more: [tensor("module.normalizer.new_mean", [0, 0, 0])]))
        #expect(twice.status == 0 && accuracy(twice) == expected && !twice.errors.contains("warning"), "\(twice)")
        let unused = try evaluate(file(more: [tensor("sub_block1.layer.0.conv1.weight", [1]), tensor("conv1.num_batches_tracked", [1])]))
        #expect(unused.status == 0 && accuracy(unused) == expected && unused.errors.contains("sub_block1"), "\(unused)")
    }

    @Test func normalisationIsToldOf() throws {
        for names in [["mu", "sigma"], ["mean", "std"], ["normalizer.mean", "normalizer.std"], ["module.normalizer.new_mean", "module.normalizer.new_std"]] {
            let result = try evaluate(file(more: [tensor(names[0], [0.49, 0.48, 0.45]), tensor(names[1], [0.25, 0.24, 0.26])]))
            #expect(result.status == 0 && result.errors.contains("warning") && result.errors.contains("normalised"), "\(names): \(result)")
            let constants = ["--mean", "0.49,0.48,0.45", "--std", "0.25,0.24,0.26"]
            #expect(result.errors.contains("give \(constants.joined(separator: " "))"), "\(result)")
            let given = try evaluate(file(more: [tensor(names[0], [0.49, 0.48, 0.45]), tensor(names[1], [0.25, 0.24, 0.26])]), model + constants)
            #expect(given.status == 0 && !given.errors.contains("warning") && accuracy(given) != nil, "\(names): \(given)")
        }
        #expect(try !evaluate(file()).errors.contains("normalised"))
    }

    @Test func whatDoesNotFitIsSaidBriefly() throws {
        for (flags, cause) in [
            (["--model", "resnet34", "--width", "2"], "missing"), (["--model", "cnn", "--width", "2"], "missing"), (["--model", "resnet18", "--width", "4"], "--width"),
            (["--model", "resnet18", "--width", "2", "--stem", "imagenet"], "--stem cifar"),
        ] {
            let result = try evaluate(weights, flags + ["--data", "synthetic"])
            #expect(result.status == 65 && result.errors.contains(cause) && result.errors.utf8.count < 1500, "\(flags): \(result)")
        }
    }

    @Test func valuesThatNoModelCanHave() throws {
        for (part, value, word) in [
            ("conv1.weight", Float.nan, "nan"), ("layer1.0.bn1.running_mean", .infinity, "inf"), ("fc.bias", -.infinity, "inf"), ("bn1.running_var", -1, "variance"),
        ] {
            let result = try evaluate(file(change: { name, values in if name == part { values[values.count - 1] = value } }))
            #expect(result.status == 65 && result.errors.contains("\"\(part)\"") && result.errors.contains(word), "\(part): \(result)")
        }
        // Finite, but not what comes out.
        let overflow = try evaluate(file(change: { name, values in if name.hasSuffix("weight") { for i in values.indices { values[i] = 1e30 } } }))
        #expect(overflow.status == 65, "\(overflow)")
        // More than float32 holds.
        let source = try SafetensorsFile(weights)
        let tensors = try source.names.filter { source.dtype(of: $0) == .float32 }.map { name in
            let values = try source.floats(of: name).map { name == "fc.bias" ? 1e300 : Double($0) }
            return SafetensorsTensor(name: name, type: .float64, shape: source.shape(of: name)!) { sink in try values.withUnsafeBytes { try sink($0) } }
        }
        try SafetensorsWriter(tensors).write(to: folder.path + "/double.safetensors")
        let double = try evaluate(folder.path + "/double.safetensors")
        #expect(double.status == 65 && double.errors.contains("fc.bias"), "\(double)")
    }

    @Test func otherFilesAreCalledWhatTheyAre() throws {
        let header = #"{"a":{"dtype":"F8_E8M0","shape":[1],"data_offsets":[0,1]}}"#
        let unknown = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian, Array.init) + Array(header.utf8) + [0]
        let cases: [(String, [UInt8], String)] = [
            ("lfs", Array("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n".utf8), "git lfs pull"),
            ("zip.pth", Array("PK\u{3}\u{4}archive/data.pkl".utf8) + [UInt8](repeating: 0, count: 99), "torch.load"),
            ("old.pt", [0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20] + [UInt8](repeating: 1, count: 99), "torch.load"),
            ("page", Array("\n<!DOCTYPE html><html>Not found</html>".utf8), "web page"), ("gz", [0x1F, 0x8B, 8] + [UInt8](repeating: 1, count: 99), "gzip"),
            ("json", Array(#"{"message": "not found"}"#.utf8), "JSON"), ("h5", [0x89] + Array("HDF\r\n".utf8) + [UInt8](repeating: 1, count: 99), "HDF5"),
            ("dtype", unknown, "F8_E8M0"), ("empty", [], "0 bytes"),
        ]
        for (name, bytes, expected) in cases {
            let path = "\(folder.path)/\(name)"
            try Data(bytes).write(to: URL(filePath: path))
            let result = try evaluate(path)
            #expect(result.status == 65 && result.errors.contains(expected), "\(name): \(result)")
        }
    }

    @Test func aBareFileTakesNoRecipeFromItsSurroundings() throws {
        // Two folders below a recipe that has nothing to do with it, or is none at all.
        let deep = folder.path + "/other/a/b"
        try FileManager.default.createDirectory(atPath: deep, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: weights, toPath: deep + "/weights.safetensors")
        for recipe in ["base: cifar10\ndata:\n  directory: /nowhere\n", "this: [is no recipe"] {
            try Data(recipe.utf8).write(to: URL(filePath: folder.path + "/other/recipe.yaml"))
            let given = try evaluate(deep + "/weights.safetensors")
            #expect(given.status == 0, "\(given)")
            let bare = try evaluate(deep + "/weights.safetensors", ["--epsilons", "0"])
            #expect(bare.status == 64 && bare.errors.contains("--data"), "\(bare)")
        }
        // The file of a real checkpoint takes that checkpoint's, and says so.
        let own = try evaluate(weights, ["--epsilons", "0"])
        #expect(own.status == 0 && own.errors.contains("state.json"), "\(own)")
        // A run's recipe that cannot be read matters to nobody who has given every flag.
        try Data("mode: [".utf8).write(to: URL(filePath: run + "/recipe.yaml"))
        #expect(try evaluate(run).status == 0)
    }

    @Test func theFoldersOfARun() throws {
        for place in [run, run + "/", run + "/checkpoints", run + "/checkpoints/", run + "/checkpoints/" + URL(filePath: weights).deletingLastPathComponent().lastPathComponent] {
            for flags in [[], ["--model", "resnet18"], ["--model", "resnet18", "--width", "2"]] {
                let result = try evaluate(place, ["--epsilons", "0", "--limit", "40"] + flags)
                #expect(result.status == 0 && result.errors.contains("weights.safetensors"), "\(place) \(flags): \(result)")
            }
        }
        let none = try evaluate(folder.path)
        #expect(none.status == 65 && none.errors.contains("neither"), "\(none)")
    }

    @Test func dataInOtherForms() throws {
        let data = folder.path + "/data"
        func refused(_ directory: String, _ name: String, _ part: String) throws {
            let result = try evaluate(weights, ["--data", name, "--data-dir", directory])
            #expect(result.status == 74 && result.errors.contains(part), "\(directory): \(result)")
        }
        func make(_ path: String) throws {
            try FileManager.default.createDirectory(atPath: URL(filePath: path).deletingLastPathComponent().path, withIntermediateDirectories: true)
            try Data([1]).write(to: URL(filePath: path))
        }
        for name in ["data_batch_1", "test_batch", "batches.meta"] { try make("\(data)/cifar-10-batches-py/\(name)") }
        try refused(data + "/cifar-10-batches-py", "cifar10", "pickle")
        try refused(data, "cifar10", "Python version")
        for name in ["train", "test", "meta"] { try make("\(data)/cifar-100-python/\(name)") }
        try refused(data + "/cifar-100-python", "cifar100", "fine_labels")
        try make(folder.path + "/archives/cifar-10-binary.tar.gz")
        try refused(folder.path + "/archives", "cifar10", "tar xf")
        try refused(folder.path + "/archives/cifar-10-binary.tar.gz", "cifar10", "archive")
    }

    /// f trained on images as they are, and g(z) = f(σz + μ), which is what training on normalised images would have made.
    @Test func weightsTrainedOnNormalisedImagesAreNoticed() throws {
        let run = folder.path + "/natural"
        let trained = try TinyRun.train(
            run, ["mode=natural", "synthetic.size=32", "synthetic.train=2000", "epochs=6", "model.width=8", "validation.steps=1", "validation.limit=1"])
        try #require(trained.status == 0, "\(trained)")
        let checkpoint = try #require(try CheckpointStore(run: run).latestValid().checkpoint)
        let source = try SafetensorsFile(checkpoint.path(of: "weights.safetensors"))
        let (mean, deviation): ([Float], [Float]) = ([0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616])
        let filter = try source.floats(of: "conv1.weight")
        let taps = 9
        func write(_ name: String, normalised: Bool) throws -> String {
            let tensors = try source.names.filter { source.dtype(of: $0) == .float32 }.map { name in
                var values = try source.floats(of: name)
                for i in values.indices where normalised {
                    if name == "conv1.weight" { values[i] *= deviation[i / taps % 3] }
                    if name == "bn1.running_mean" {
                        values[i] -= (0..<3 * taps).reduce(0) { $0 + filter[i * 3 * taps + $1] * mean[$1 / taps] }
                    }
                }
                let final = values
                return SafetensorsTensor(name: name, shape: source.shape(of: name)!, floats: { final })
            }
            let path = "\(folder.path)/\(name).safetensors"
            try SafetensorsWriter(tensors).write(to: path)
            return path
        }
        let flags = ["--model", "cnn", "--width", "8", "--data", "synthetic", "--epsilons", "0", "--limit", "300"]
        let wrong = try evaluate(write("normalised", normalised: true), flags)
        #expect(wrong.status == 0 && wrong.errors.contains("look as if they were trained on normalised images"), "\(wrong)")
        #expect(wrong.errors.contains("→ give --mean 0.4"), "\(wrong)")
        let mended = try evaluate(folder.path + "/normalised.safetensors", flags + ["--mean", "cifar10", "--std", "cifar10"])
        #expect(mended.status == 0 && !mended.errors.contains("warning"), "\(mended)")
        let right = try evaluate(write("plain", normalised: false), flags)
        #expect(right.status == 0 && !right.errors.contains("normalised"), "\(right)")
    }
}
