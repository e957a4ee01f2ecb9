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
}
