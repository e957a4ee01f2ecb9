import Foundation
import Testing

@Suite("Interrupted runs", .serialized)
struct ResumeTests {
    /// Interrupts a run after its first step, then goes on.
    @Test(arguments: [(1, 1), (2, 2), (2, 1), (1, 3)])
    func resumeEqualsAnUninterruptedRun(_ ranks: (before: Int, after: Int)) throws {
        let folder = try TemporaryFolder()
        let (whole, parts) = (folder.path + "/whole", folder.path + "/parts")
        #expect(try TinyRun.train(whole).status == 0)
        let first = try TinyRun.stopped(parts, ranks: ranks.before, afterSteps: 1)
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

    /// A job that is requeued needs a recipe only where there is no run yet.
    @Test func aRunThatIsPresentHasItsOwnRecipe() throws {
        let folder = try TemporaryFolder()
        let (whole, run) = (folder.path + "/whole", folder.path + "/run")
        let nothing = try TinyRun.sipat("train", "--output", run, "--resume-if-present")
        #expect(nothing.status == 64 && nothing.errors.contains("no recipe is given") && !FileManager.default.fileExists(atPath: run), "\(nothing)")
        #expect(try TinyRun.train(whole).status == 0)
        #expect(try TinyRun.stopped(run, afterSteps: 1).status == 75)
        let resumed = try TinyRun.sipat("train", "--output", run, "--resume-if-present")
        #expect(try resumed.status == 0 && TinyRun.weights(run) == TinyRun.weights(whole), "\(resumed)")
    }

    @Test func resumeRefusesAnotherRecipe() throws {
        let folder = try TemporaryFolder()
        let run = folder.path + "/run"
        #expect(try TinyRun.stopped(run, afterSteps: 1).status == 75)
        let changed = try TinyRun.sipat("train", "--output", run, "--resume", "--set", "optimizer.lr=0.5")
        #expect(changed.status == 64, "\(changed)")
        #expect(changed.errors.contains("optimizer.lr was 0.1, is now 0.5"), "\(changed)")
        // The same by another way: somebody edits the folder's recipe.
        let path = run + "/recipe.yaml"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        try text.replacingOccurrences(of: "lr: 0.1", with: "lr: 0.5").write(toFile: path, atomically: true, encoding: .utf8)
        let edited = try TinyRun.sipat("train", "--output", run, "--resume")
        #expect(edited.status == 64 && edited.errors.contains("optimizer.lr was 0.1, is now 0.5"), "\(edited)")
    }

    @Test func whatMayChangeIsToldAndRecorded() throws {
        let folder = try TemporaryFolder()
        let run = folder.path + "/run"
        #expect(try TinyRun.stopped(run, afterSteps: 3).status == 75)
        let changed = try TinyRun.sipat("train", "--output", run, "--resume", "--set", "checkpoint.keep=5")
        #expect(changed.status == 0 && changed.output.contains("checkpoint.keep was 2, is now 5"), "\(changed)")
        let lines = try TinyRun.lines(run).filter { $0["type"] as? String == "recipe" }
        #expect(lines.count == 1 && lines.first?["step"] as? Int == 3, "\(lines)")
    }

    /// Where gradients are not summed in the tree, how they are cut decides the order.
    @Test func bucketsMayChangeOnlyWhereTheSumsAreReproducible() throws {
        let folder = try TemporaryFolder()
        for (name, reduction, status) in [("tree", "reproducible", Int32(0)), ("mpi", "mpi", 64)] {
            let run = folder.path + "/" + name
            #expect(try TinyRun.stopped(run, ["communication.reduction=\(reduction)"], afterSteps: 1).status == 75)
            let changed = try TinyRun.sipat("train", "--output", run, "--resume", "--set", "communication.bucketMegabytes=1")
            #expect(changed.status == status, "\(changed)")
        }
    }

    @Test func aFinishedRunMayGoOn() throws {
        let folder = try TemporaryFolder()
        let (whole, parts) = (folder.path + "/whole", folder.path + "/parts")
        #expect(try TinyRun.train(whole, ["schedule.name=constant", "epochs=3"]).status == 0)
        #expect(try TinyRun.train(parts, ["schedule.name=constant", "epochs=1"]).status == 0)
        let more = try TinyRun.sipat("train", "--output", parts, "--resume", "--set", "epochs=3")
        #expect(more.status == 0 && more.output.contains("epochs was 1, is now 3"), "\(more)")
        #expect(try TinyRun.weights(parts) == TinyRun.weights(whole))
        #expect(try TinyRun.sipat("verify", whole, parts).status == 0)
        let fewer = try TinyRun.sipat("train", "--output", parts, "--resume", "--set", "epochs=2")
        #expect(fewer.status == 64 && fewer.errors.contains("3 are begun or done"), "\(fewer)")
        // A schedule that spans the run is another one then.
        #expect(try TinyRun.train(folder.path + "/cycle", ["epochs=1"]).status == 0)
        let cycle = try TinyRun.sipat("train", "--output", folder.path + "/cycle", "--resume", "--set", "epochs=2")
        #expect(cycle.status == 0 && cycle.output.contains("schedule.name one-cycle spans all epochs"), "\(cycle)")
    }

    /// The weights are numbers still, but not what they make of an image: found in the validation, after the epoch's checkpoint, which
    /// goes; on two ranks as on one.
    @Test(arguments: [1, 2]) func aRunThatDivergedFailsEachTimeAndSaysHowToBeginAnew(ranks: Int) throws {
        let folder = try TemporaryFolder()
        let run = folder.path + "/run"
        let settings = ["synthetic.train=150", "synthetic.test=60", "augmentation.flip=false", "validation.steps=5", "optimizer.lr=1000"]
        for more in [[], ["--resume"]] {
            let trained = try TinyRun.train(run, ranks: ranks, settings, more: more)
            #expect(trained.status == 65 && trained.errors.contains("epoch 1, step 5: training diverged: the model's answers"), "\(trained)")
            #expect(trained.errors.contains("another run") && trained.errors.contains("--set model.weights=\(run)") && !trained.errors.contains("then --resume"), "\(trained)")
            #expect(try TinyRun.weights(run) == "none")
        }
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
