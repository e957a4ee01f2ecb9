import Foundation
import TestSupport
import Testing

/// The commands around training: bench, doctor, salience, verify.
@Suite("Tools", .serialized)
struct ToolTests {
    private func json(_ path: String) throws -> Any {
        try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path)))
    }

    @Test func benchStep() throws {
        let folder = try TemporaryFolder()
        let file = folder.path + "/step.json"
        let run = try TinyRun.sipatOnRanks(
            2, ["bench", "step", "--model", "cnn", "--width", "4", "--batch", "8", "--input-size", "16", "--pgd-steps", "2", "--repeats", "2", "--json", file])
        #expect(run.status == 0 && run.output.contains("| attack |"), "\(run)")
        let result = try #require(try json(file) as? [String: Any])
        #expect(result["ranks"] as? Int == 2 && (result["seconds"] as? [Double])?.count == 2)
        let parts = ["data", "attack", "forward", "backward", "communication", "optimizer"].compactMap { result[$0] as? Double }
        #expect(parts.count == 6 && parts.allSatisfy { $0 >= 0 } && parts[1] > 0)
        #expect(parts[2] > 0 && parts[3] > 0)
        #expect(try TinyRun.sipat("bench", "step", "--stem", "round").status == 64)
        #expect(try TinyRun.sipat("bench", "step", "--model", "resnet19").status == 64)
    }

    @Test func benchLayers() throws {
        let folder = try TemporaryFolder()
        let file = folder.path + "/layers.json"
        let run = try TinyRun.sipat(
            "bench", "layers", "--model", "resnet18", "--width", "16", "--batch", "2", "--seconds", "0.001", "--json", file)
        #expect(run.status == 0 && run.output.contains("| 3×3, stride 1, winograd |"), "\(run)")
        let rows = try #require(try json(file) as? [[String: Any]])
        #expect(rows.count == 11 && rows.allSatisfy { $0["forward"] as? Double ?? 0 > 0 })
    }

    @Test func benchKernels() throws {
        let run = try TinyRun.sipat("bench", "kernels", "--batch", "2", "--size", "8", "--seconds", "0.001")
        #expect(run.status == 0 && run.output.contains("| SGD |") && run.output.contains("| batch statistics |"), "\(run)")
        #expect(try TinyRun.sipat("bench", "kernels", "--size", "1").status == 64)
    }

    @Test func benchAllreduce() throws {
        let run = try TinyRun.sipatOnRanks(3, ["bench", "allreduce", "--sizes", "4096,100000", "--repeats", "2"])
        #expect(run.status == 0 && run.output.contains("| 100000 |"), "\(run)")
        #expect(try TinyRun.sipat("bench", "allreduce", "--sizes", "many").status == 64)
    }

    @Test func doctor() throws {
        let run = try TinyRun.sipatOnRanks(2, ["doctor"])
        #expect(run.output.contains("Open MPI") && run.output.contains("OpenBLAS"), "\(run)")
    }

    @Test func verifyFindsTheFirstDifference() throws {
        let folder = try TemporaryFolder()
        let (a, b, c) = (folder.path + "/a", folder.path + "/b", folder.path + "/c")
        #expect(try TinyRun.train(a, ["epochs=1"]).status == 0)
        #expect(try TinyRun.train(b, ranks: 2, ["epochs=1"]).status == 0)
        #expect(try TinyRun.train(c, ["epochs=1", "attack.epsilon=6/255"]).status == 0)
        let equal = try TinyRun.sipat("verify", a, b)
        #expect(equal.status == 0 && equal.output.contains("equal"), "\(equal)")
        let different = try TinyRun.sipat("verify", a, c)
        #expect(different.status != 0 && different.output.contains("step 1"), "\(different)")
        #expect(try TinyRun.sipat("verify", a, folder.path + "/none").status == 64)
    }

    @Test func scaleRunAndPredict() throws {
        let folder = try TemporaryFolder()
        let output = folder.path + "/scaling"
        let arguments = [
            "scale", "run", "--ranks", "1,2,4", "--model", "cnn", "--width", "4", "--input-size", "16", "--pgd-steps", "1", "--batch", "16",
            "--rank-batch", "8", "--micro-batch", "4", "--repeats", "1", "--steps", "2", "--output", output,
        ]
        let run = try ProgramRun.of(builtProgram("sipat"), arguments, timeout: 100)
        #expect(run.status == 0 && run.output.contains("| strong | 2 | 1 |"), "\(run)")
        for name in ["scale.json", "scale.csv", "scale.md", "scale.svg"] {
            #expect(FileManager.default.fileExists(atPath: "\(output)/\(name)"), "\(name)")
        }
        #expect(!FileManager.default.fileExists(atPath: output + "/.measurement.json"))
        let again = try ProgramRun.of(builtProgram("sipat"), arguments, timeout: 100)
        #expect(again.status == 64 && again.errors.contains("results already"), "\(again)")

        let predicted = try TinyRun.sipat(
            "scale", "predict", "--from", output + "/scale.json", "--networks", "hdr", "--batch", "4096", "--output", output)
        #expect(predicted.status == 0 && predicted.output.contains("PREDICTION") && predicted.output.contains("| 4096 |"), "\(predicted)")
        #expect(FileManager.default.fileExists(atPath: output + "/predict.json"))
        let unknown = try TinyRun.sipat("scale", "predict", "--from", output + "/scale.json", "--networks", "token-ring")
        #expect(unknown.status == 64 && unknown.errors.contains("ethernet-10g"), "\(unknown)")
        #expect(try TinyRun.sipat("scale", "run", "--ranks", "0", "--output", folder.path + "/x").status == 64)
    }

    /// A step asks for no memory once it has run a few times.
    @Test func aStepAllocatesNothing() throws {
        let run = try ProgramRun.mpirun(ranks: 1, builtProgram("mpi-fixture"), ["step-allocations"], timeout: 60)
        #expect(run.status == 0 && run.output.contains("allocations per step"), "\(run)")
    }
}
