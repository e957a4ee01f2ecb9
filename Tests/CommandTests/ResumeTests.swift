import Foundation
import Testing

@Suite("Interrupted runs", .serialized)
struct ResumeTests {
    /// Interrupts a run after some steps by a time budget of nothing, then goes on.
    @Test(arguments: [(1, 1), (2, 2), (2, 1), (1, 3)])
    func resumeEqualsAnUninterruptedRun(_ ranks: (before: Int, after: Int)) throws {
        let folder = try TemporaryFolder()
        let (whole, parts) = (folder.path + "/whole", folder.path + "/parts")
        #expect(try TinyRun.train(whole).status == 0)
        let first = try TinyRun.train(parts, ranks: ranks.before, more: ["--time-budget", "0.000001s"])
        #expect(first.status == 75, "\(first)")
        #expect(try TinyRun.weights(parts).hasPrefix("1 "))
        let second = try TinyRun.sipatOnRanks(ranks.after, ["train", "--output", parts, "--resume"])
        #expect(second.status == 0, "\(second)")
        #expect(try TinyRun.weights(parts) == TinyRun.weights(whole))
        #expect(try TinyRun.momentum(parts) == TinyRun.momentum(whole))
        #expect(try TinyRun.metrics(parts) == TinyRun.metrics(whole))
    }

    @Test func aRunIsNeverOverwritten() throws {
        let folder = try TemporaryFolder()
        let run = folder.path + "/run"
        #expect(try TinyRun.train(run, ["epochs=1"]).status == 0)
        let before = try TinyRun.weights(run)
        let again = try TinyRun.train(run, ["epochs=1"])
        #expect(again.status == 64, "\(again)")
        #expect(again.errors.contains("already holds a run") && again.errors.contains("--resume"), "\(again)")
        #expect(try TinyRun.weights(run) == before)
    }

    @Test func resumeRefusesAnotherRecipe() throws {
        let folder = try TemporaryFolder()
        let run = folder.path + "/run"
        #expect(try TinyRun.train(run, more: ["--time-budget", "0.000001s"]).status == 75)
        let changed = try TinyRun.sipat("train", "--output", run, "--resume", "--set", "optimizer.lr=0.5")
        #expect(changed.status == 64, "\(changed)")
        #expect(changed.errors.contains("optimizer.lr was 0.1, is now 0.5"), "\(changed)")
    }

    @Test func aDamagedCheckpointIsPassedOver() throws {
        let folder = try TemporaryFolder()
        let run = folder.path + "/run"
        #expect(try TinyRun.train(run).status == 0)
        let whole = try TinyRun.weights(run)
        // Flip a byte of the newest checkpoint's weights: the run goes on from the one before.
        let names = try FileManager.default.contentsOfDirectory(atPath: run + "/checkpoints").filter { $0.hasPrefix("step-") }.sorted()
        #expect(names.count == 2)
        let file = run + "/checkpoints/\(names.last!)/weights.safetensors"
        var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        bytes[bytes.count - 5] ^= 1
        try bytes.write(to: URL(fileURLWithPath: file))
        let resumed = try TinyRun.sipat("train", "--output", run, "--resume")
        #expect(resumed.status == 0 && resumed.output.contains("is damaged and passed over"), "\(resumed)")
        #expect(try TinyRun.weights(run) == whole)
    }
}
