import Foundation
import TestSupport
import Testing

/// Whole training steps against PyTorch in float64, by what they change: the weights themselves would hide it.
@Suite struct GoldenStepTests {
    /// The project's own file, and a larger one where it is at hand.
    private static let files: [String] = {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let shared = ProcessInfo.processInfo.environment["SIPAT_SHARED"] ?? "../shared"
        return [tests.path + "/NeuralNetTests/Fixtures/resnet18-w4.safetensors", shared + "/golden/resnet18-w8.safetensors"]
            .filter { FileManager.default.fileExists(atPath: $0) }
    }()

    /// `step1`: a step on PyTorch's perturbed images; `step0`: a step with its attack; `clean3`: three steps without.
    @Test(arguments: files, [1, 2]) func changeWeightsAsPyTorchDoes(_ file: String, ranks: Int) throws {
        let run = try ProgramRun.mpirun(ranks: ranks, builtProgram("mpi-fixture"), ["golden-steps", file])
        #expect(run.status == 0, "\(run)")
        // Ours differs by 6e-5 at most. In the larger file a ReLU or two fall on the other side in the third step: ours by 3e-3,
        // PyTorch's own float32 by 2e-3 to 4e-3 (and by 0.3 in channels-last).
        let tolerance = file.hasSuffix("w4.safetensors") ? 2e-4 : 1e-2
        var tensors: [String: Set<String>] = [:]
        for line in run.output.split(separator: "\n").dropLast() {
            let words = line.split(separator: " ").map(String.init)
            tensors[words[0], default: []].insert(words[1])
            #expect(try #require(Double(words[2])) < tolerance, "\(line)")
        }
        #expect(tensors.keys.sorted() == (file.hasSuffix("w4.safetensors") ? ["clean3", "step0", "step1"] : ["clean3", "step1"]))
        for (name, found) in tensors {
            #expect(found.isSuperset(of: ["conv1.weight", "bn1.weight", "bn1.running_mean", "bn1.running_var", "fc.bias"]), "\(name)")
        }
    }
}
