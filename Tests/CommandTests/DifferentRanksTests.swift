import Foundation
import TestSupport
import Testing

/// Ranks that find something else than rank 0 under the same path.
@Suite("Ranks that differ", .serialized)
struct DifferentRanksTests {
    /// 40 images of 12×12 pixels in IDX files, of which the first pixel is `first`.
    private func writeImages(_ folder: String, first: UInt8) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        func word(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian, Array.init) }
        for prefix in ["train", "t10k"] {
            var pixels = (0..<40 * 144).map { UInt8(truncatingIfNeeded: $0 &* 37) }
            pixels[0] = first
            let images = word(0x803) + word(40) + word(12) + word(12) + pixels
            let labels = word(0x801) + word(40) + (0..<40).map { UInt8($0 % 10) }
            try Data(images).write(to: URL(fileURLWithPath: "\(folder)/\(prefix)-images-idx3-ubyte"))
            try Data(labels).write(to: URL(fileURLWithPath: "\(folder)/\(prefix)-labels-idx1-ubyte"))
        }
    }

    private func train(_ folder: String, places: [String]) throws -> ProgramRun {
        let settings = [
            "data.name=mnist", "data.directory=data", "mode=at", "salience.estimator=none", "model.name=cnn", "model.width=2", "data.batch=16", "data.microBatch=8", "epochs=1",
            "attack.steps=1", "validation.steps=1", "validation.limit=10",
        ]
        let command = [try builtProgram("sipat"), "train", "--recipe", "synthetic", "--output", folder + "/run"] + settings.flatMap { ["--set", $0] }
        let parts = places.map { ["-n", "1", "--oversubscribe", "-wdir", folder + "/" + $0] + command }
        return try ProgramRun.of("mpirun", Array(parts.joined(separator: [":"])), environment: ProgramRun.launchEnvironment, timeout: 60)
    }

    @Test func otherDataIsNamedWithRankAndHost() throws {
        let folder = try TemporaryFolder()
        for (place, first) in [("a", 1), ("b", 1), ("c", 2)] as [(String, UInt8)] { try writeImages("\(folder.path)/\(place)/data", first: first) }
        let different = try train(folder.path, places: ["a", "b", "c"])
        #expect(different.status == 65 && !different.timedOut, "\(different)")
        #expect((different.errors + different.output).contains("ranks read different data") && (different.errors + different.output).contains("rank 2 on"), "\(different)")
        #expect(!(different.errors + different.output).contains("rank 1 on"), "\(different)")
        let same = try train(folder.path, places: ["a", "b"])
        #expect(same.status == 0, "\(same)")
    }

    #if arch(x86_64)
    /// As on nodes with different CPUs. Kernels for these two run wherever there is AVX2.
    @Test func otherMatrixProductsAreNamedWithTheRemedy() throws {
        let folder = try TemporaryFolder()
        func train(_ name: String, _ kernels: [String]) throws -> ProgramRun {
            let command = [try builtProgram("sipat")] + TinyRun.arguments(folder.path + "/" + name, ["epochs=1"])
            let parts = kernels.map { ["-n", "1", "--oversubscribe", "env", "OPENBLAS_CORETYPE=\($0)"] + command }
            return try ProgramRun.of("mpirun", Array(parts.joined(separator: [":"])), environment: ProgramRun.launchEnvironment, timeout: 60)
        }
        let different = try train("different", ["Haswell", "Sandybridge"])
        let text = different.errors + different.output
        #expect(different.status == 64 && !different.timedOut, "\(different)")
        #expect(text.contains("kernels for Haswell") && text.contains("kernels for Sandybridge") && text.contains("rank 1 on"), "\(different)")
        #expect(text.contains("mpirun -x OPENBLAS_CORETYPE=Haswell"), "\(different)")
        let same = try train("same", ["Sandybridge", "Sandybridge"])
        #expect(same.status == 0, "\(same)")
    }

    /// The run goes on with other kernels, and says so on the terminal, in the log and in the model card.
    @Test func otherMatrixProductsOnResumeAreToldAndRecorded() throws {
        let folder = try TemporaryFolder()
        let run = folder.path + "/run"
        let first = try ProgramRun.of(
            "env", ["OPENBLAS_CORETYPE=Haswell", builtProgram("sipat")] + TinyRun.arguments(run, ["epochs=1", "schedule.name=constant"]), timeout: 120)
        #expect(first.status == 0 && first.output.contains("kernels for Haswell"), "\(first)")
        func resume(_ kernels: String, epochs: Int) throws -> ProgramRun {
            try ProgramRun.of(
                "env", ["OPENBLAS_CORETYPE=\(kernels)", builtProgram("sipat"), "train", "--output", run, "--resume", "--set", "epochs=\(epochs)"],
                timeout: 120)
        }
        let alike = try resume("Haswell", epochs: 2)
        #expect(alike.status == 0 && !alike.output.contains("its core type"), "\(alike)")
        let other = try resume("Sandybridge", epochs: 3)
        #expect(other.status == 0 && other.output.contains("warning: its core type was Haswell, is now Sandybridge"), "\(other)")
        let lines = try TinyRun.lines(run).filter { $0["type"] as? String == "compute" }
        #expect(lines.count == 1 && lines.first?["step"] as? Int == 14, "\(lines)")
        let card = try String(contentsOfFile: run + "/model-card.md", encoding: .utf8)
        #expect(card.contains("| Computed by | native kernels: ") && card.contains("kernels for Sandybridge"), "\(card)")
    }
    #endif
}
