import Foundation
import TestSupport
import Testing

/// Whole training steps against PyTorch in float64, by what they change: the weights themselves would hide it.
@Suite struct GoldenStepTests {
    /// The project's own file, and a larger one where it is at hand.
    private static let files: [String] = {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let shared = ProcessInfo.processInfo.environment["SIPAT_SHARED"] ?? "../shared"
        return ["resnet18-w4", "cnn-w4-imagenet", "densenet121-w4"].map { "\(tests.path)/NeuralNetTests/Fixtures/\($0).safetensors" }
            + ["\(shared)/golden/resnet18-w8.safetensors"]
            .filter { FileManager.default.fileExists(atPath: $0) }
    }()

    /// `step1`: a step on PyTorch's perturbed images; `step0`: a step with its attack; `clean3`: three steps without.
    @Test(arguments: files, [1, 2]) func changeWeightsAsPyTorchDoes(_ file: String, ranks: Int) throws {
        let run = try ProgramRun.mpirun(ranks: ranks, builtProgram("mpi-fixture"), ["golden-steps", file])
        #expect(run.status == 0, "\(run)")
        // Ours differs by 6e-5 at most. In the larger file a ReLU or two fall on the other side in the third step: ours by 3e-3,
        // PyTorch's own float32 by 2e-3 to 4e-3 (and by 0.3 in channels-last).
        // In the DenseNet's third step one falls in the first block: 3e-3 there, 2e-4 elsewhere (PyTorch's float32: 4e-4).
        let tolerance = file.contains("densenet") ? 5e-3 : file.contains("w4") ? 2e-4 : 1e-2
        var tensors: [String: Set<String>] = [:]
        for line in run.output.split(separator: "\n").dropLast() {
            let words = line.split(separator: " ").map(String.init)
            tensors[words[0], default: []].insert(words[1])
            #expect(try #require(Double(words[2])) < tolerance, "\(line)")
        }
        #expect(tensors.keys.sorted() == (file.contains("w4") ? ["clean3", "step0", "step1"] : ["clean3", "step1"]))
        let parts =
            file.contains("densenet")
            ? ["features.conv0.weight", "features.norm0.weight", "features.norm5.running_mean", "features.norm5.running_var", "classifier.bias"]
            : ["conv1.weight", "bn1.weight", "bn1.running_mean", "bn1.running_var", "fc.bias"]
        for (name, found) in tensors {
            #expect(found.isSuperset(of: parts), "\(name)")
        }
    }

    /// Convolutions as products by OpenBLAS, within the same bounds.
    @Test(arguments: files.prefix(2), ["blas", "auto"]) func changeWeightsAsPyTorchDoesByOtherKernels(_ file: String, backend: String) throws {
        let run = try ProgramRun.mpirun(ranks: 1, builtProgram("mpi-fixture"), ["golden-steps", file, "", backend])
        #expect(run.status == 0, "\(run)")
        let lines = run.output.split(separator: "\n").dropLast().map { $0.split(separator: " ") }
        #expect(Set(lines.map { String($0[0]) }) == ["clean3", "step0", "step1"])
        for line in lines { #expect(try #require(Double(line[2])) < 2e-4, "\(line)") }
    }

    /// The bounds are narrow enough to see small faults: a rate wrong by a hundredth, a momentum by as much, one label of all …
    @Test(arguments: [("rate", "step1"), ("rate", "clean3"), ("decay", "step1"), ("momentum", "clean3"), ("label", "step1"), ("epsilon", "step0"), ("mask", "step0")])
    func faultsPassTheBounds(_ fault: String, of name: String) throws {
        let run = try ProgramRun.mpirun(ranks: 1, builtProgram("mpi-fixture"), ["golden-steps", Self.files[0], fault])
        #expect(run.status == 0, "\(run)")
        let distances = run.output.split(separator: "\n").map { $0.split(separator: " ") }.filter { $0[0] == name }.map { Double($0[2])! }
        let greatest = try #require(distances.max())
        #expect(greatest > 2e-4, "\(fault) in \(name): \(greatest)")
    }

    /// A step of each training method, against PyTorch code that does what the methods' authors do (Fixtures/make_methods.py).
    @Test(arguments: [1, 2]) func everyMethodChangesWeightsAsItsAuthorsCodeDoes(ranks: Int) throws {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let file = "\(tests.path)/NeuralNetTests/Fixtures/methods-cnn-w4.safetensors"
        let run = try ProgramRun.mpirun(ranks: ranks, builtProgram("mpi-fixture"), ["golden-steps", file])
        #expect(run.status == 0, "\(run)")
        var tensors: [String: Set<String>] = [:]
        for line in run.output.split(separator: "\n").dropLast() {
            let words = line.split(separator: " ").map(String.init)
            tensors[words[0], default: []].insert(words[1])
            #expect(try #require(Double(words[2])) < 2e-4, "\(line)")
        }
        #expect(tensors.keys.sorted() == ["average", "awp", "free", "mart", "trades", "trades-awp"])
        for (name, found) in tensors {
            #expect(found.isSuperset(of: ["conv1.weight", "bn1.weight", "bn1.running_mean", "bn1.running_var", "fc.bias"]), "\(name)")
        }
    }
}
