import Foundation
import TestSupport
import Testing

/// What a user gets wrong, what the program says, and the code it leaves with.
@Suite("Mistakes", .serialized)
struct MistakeTests {
    private func expect(
        _ run: ProgramRun, _ status: Int32, _ words: [String], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(run.status == status, "\(run)", sourceLocation: sourceLocation)
        for word in words { #expect(run.errors.contains(word), "\(word) is missing in: \(run.errors)", sourceLocation: sourceLocation) }
        for word in ["Fatal error", "Stack dump", "Crash", "SIGILL", "SIGTRAP"] {
            #expect(!run.errors.contains(word), "\(run)", sourceLocation: sourceLocation)
        }
    }

    @Test func recipeMistakes() throws {
        let folder = try TemporaryFolder()
        let file = folder.path + "/recipe.yaml"
        func train(_ yaml: String) throws -> ProgramRun {
            try Data(yaml.utf8).write(to: URL(fileURLWithPath: file))
            return try TinyRun.sipat("train", file, "--output", folder.path + "/run")
        }
        expect(try train("base: synthetic\noptimizer:\n  lr: 0.1\n  momentun: 0.9\n"), 64, ["recipe.yaml:4", "momentun", "optimizer.momentum"])
        expect(try train("base: synthetic\nattack:\n  epsilon: 8\n"), 64, ["attack.epsilon", "8/255"])
        expect(try train("base: synthetic\nepochs: many\n"), 64, ["recipe.yaml:2", "epochs", "many"])
        expect(try train("mode: [\n"), 64, ["recipe.yaml"])
        expect(try train("base: cifar10\n"), 64, ["data.directory"])
        expect(try TinyRun.sipat("train", folder.path + "/none.yaml", "--output", folder.path + "/run"), 74, ["none.yaml"])
        expect(try TinyRun.sipat("train", "--recipe", "cifar11", "--output", folder.path + "/run"), 64, ["cifar10"])
        // No mistake leaves a folder behind that would stop the next try.
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/run"))
    }

    @Test func aMistakeIsToldOnceByManyRanks() throws {
        let folder = try TemporaryFolder()
        let run = try TinyRun.train(folder.path + "/run", ranks: 3, ["data.directory=/nowhere", "data.name=cifar10", "salience.estimator=centre-prior"])
        expect(run, 74, ["/nowhere"])
        #expect(run.errors.components(separatedBy: "/nowhere").count <= 4, "\(run)")
    }

    @Test func evaluationMistakes() throws {
        let folder = try TemporaryFolder()
        let run = folder.path + "/run"
        #expect(try TinyRun.train(run, ["epochs=1"]).status == 0)
        expect(try TinyRun.sipat("evaluate", "--weights", run, "--epsilons", "8"), 64, ["8/255"])
        expect(try TinyRun.sipat("evaluate", "--weights", folder.path + "/none"), 74, ["none"])
        expect(try TinyRun.sipat("evaluate", "--weights", run, "--attack", "pdg"), 64, ["did you mean pgd"])
        expect(try TinyRun.sipat("evaluate", "--weights", run, "--model", "cnn", "--width", "8"), 65, ["conv1.weight", "[4, 3, 3, 3]", "[8, 3, 3, 3]"])
        expect(try TinyRun.sipat("evaluate", "--weights", run, "--model", "resnet18", "--width", "4"), 65, ["missing", "surplus"])

        let weights = folder.path + "/cut.safetensors"
        let step = try FileManager.default.contentsOfDirectory(atPath: run + "/checkpoints").first { $0.hasPrefix("step-") }!
        let whole = try Data(contentsOf: URL(fileURLWithPath: "\(run)/checkpoints/\(step)/weights.safetensors"))
        try whole.dropLast(100).write(to: URL(fileURLWithPath: weights))
        expect(
            try TinyRun.sipat("evaluate", "--weights", weights, "--model", "cnn", "--width", "4", "--data", "synthetic"), 65, ["cut.safetensors"])
        var huge = withUnsafeBytes(of: UInt64(1) << 60) { Data($0) }
        huge.append(Data("{}".utf8))
        try huge.write(to: URL(fileURLWithPath: weights))
        expect(
            try TinyRun.sipat("evaluate", "--weights", weights, "--model", "cnn", "--width", "4", "--data", "synthetic"), 65, ["cut.safetensors"])
    }

    @Test func salienceMistakes() throws {
        let folder = try TemporaryFolder()
        let maps = folder.path + "/maps.npy"
        let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (3, 16, 16), }"
        let padded = header + String(repeating: " ", count: 117 - header.utf8.count) + "\n"
        var bytes = Data([0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0])
        bytes.append(Data(padded.utf8))
        bytes.append(Data(repeating: 200, count: 3 * 256))
        try bytes.write(to: URL(fileURLWithPath: maps))
        // Without its provenance beside it, then with one, but of another length than the data.
        expect(try TinyRun.train(folder.path + "/a", ["salience.maps=\(maps)"]), 65, ["maps.json"])
        let provenance = """
            {"source": "mask", "dataset": {"name": "synthetic", "split": "train", "count": 3}, "createdBy": "test"}
            """
        try Data(provenance.utf8).write(to: URL(fileURLWithPath: folder.path + "/maps.json"))
        expect(try TinyRun.train(folder.path + "/b", ["salience.maps=\(maps)"]), 65, ["3", "220"])
    }
}
