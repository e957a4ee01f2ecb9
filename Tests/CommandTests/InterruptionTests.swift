import Foundation
import TestSupport
import Testing

/// Whether this process may mount a file system.
let mayMount: Bool = {
    guard let folder = try? TemporaryFolder(),
        let run = try? ProgramRun.of("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder.path]), run.status == 0
    else { return false }
    return (try? ProgramRun.of("umount", [folder.path]))?.status == 0
}()

/// Runs that are signalled, killed and stopped for real while they train.
@Suite("Signals, kills and hangs", .serialized)
struct InterruptionTests {
    /// Starts a tiny run of many epochs on `ranks` ranks, waits until it has taken a few steps, and runs `script`, in
    /// which $job is mpirun's process and $run the run's folder.
    private func interrupt(
        _ run: String, ranks: Int, _ overrides: [String], script: String, options: String = ""
    ) throws -> ProgramRun {
        let sipat = try builtProgram("sipat")
        let arguments = TinyRun.arguments(run, overrides).map { "'\($0)'" }.joined(separator: " ")
        let program = """
            run='\(run)'
            mpirun -n \(ranks) --oversubscribe \(options) '\(sipat)' \(arguments) &
            job=$!
            for i in $(seq 600); do
              [ -f "$run/metrics.jsonl" ] && [ "$(wc -l < "$run/metrics.jsonl")" -ge 5 ] && break
              sleep 0.05
            done
            \(script)
            wait $job
            """
        return try ProgramRun.of("bash", ["-c", program], environment: ProgramRun.launchEnvironment, timeout: 100)
    }

    @Test(arguments: ["kill -USR1 $job", "kill -USR2 $job", "pkill -HUP -n -P $job", "kill -TERM $job", "touch $run/stop"])
    func aStoppedRunGoesOnAsIfNothingHadHappened(_ script: String) throws {
        let folder = try TemporaryFolder()
        let (whole, parts) = (folder.path + "/whole", folder.path + "/parts")
        // The only checkpoint before the end is the one that stopping writes. mpirun keeps SIGTERM for a second: the run must last.
        let settings = ["epochs=\(script.contains("TERM") ? 600 : 200)", "checkpoint.everyEpochs=1000", "validation.every=1000"]
        #expect(try TinyRun.train(whole, settings).status == 0)
        let stopped = try interrupt(parts, ranks: 2, settings, script: script)
        // mpirun itself passes SIGTERM on a second later, has a code of its own then, and may drop the ranks' last words.
        let isTold = !script.contains("TERM")
        #expect(stopped.status == (isTold ? 75 : 1), "\(stopped)")
        #expect(!isTold || stopped.output.contains("after a checkpoint"), "\(stopped)")
        #expect(try !["none", TinyRun.weights(whole)].contains(TinyRun.weights(parts)), "\(stopped)")
        #expect(try TinyRun.sipatOnRanks(4, ["train", "--output", parts, "--resume"]).status == 0)
        #expect(try TinyRun.weights(parts) == TinyRun.weights(whole))
        #expect(try TinyRun.metrics(parts) == TinyRun.metrics(whole))
    }

    /// Nothing is lost by it: the checkpoint comes before the validation.
    @Test(arguments: ["kill -USR1 $job", "touch $run/stop"])
    func aValidationIsGivenUp(_ script: String) throws {
        let folder = try TemporaryFolder()
        let (whole, parts) = (folder.path + "/whole", folder.path + "/parts")
        #expect(try TinyRun.train(whole).status == 0)
        let stopped = try interrupt(
            parts, ranks: 2, ["validation.steps=100000"], script: "while kill -0 $job && [ ! -d $run/checkpoints/step-00000007 ]; do sleep 0.1; done; sleep 1; \(script)")
        #expect(stopped.status == 75 && !stopped.timedOut, "\(stopped)")
        #expect((stopped.errors + stopped.output).contains("in a validation, which is done again"), "\(stopped)")
        let resumed = try TinyRun.sipatOnRanks(2, ["train", "--output", parts, "--resume", "--set", "validation.steps=2"])
        #expect(resumed.status == 0, "\(resumed)")
        #expect(try TinyRun.sipat("verify", whole, parts).status == 0)
    }

    /// Instead of waiting for each other.
    @Test func ranksWithDifferentCommandsAreTold() throws {
        let folder = try TemporaryFolder()
        let sipat = try builtProgram("sipat")
        let run = try ProgramRun.of(
            "mpirun",
            ["-n", "1", "--oversubscribe", sipat] + TinyRun.arguments(folder.path + "/run") + [":", "-n", "1", "--oversubscribe", sipat]
                + TinyRun.arguments(folder.path + "/run", ["epochs=3"]),
            environment: ProgramRun.launchEnvironment, timeout: 30)
        #expect(run.status == 64 && !run.timedOut, "\(run)")
        #expect((run.errors + run.output).contains("different commands") && (run.errors + run.output).contains("rank 1 on"), "\(run)")
        let mixed = try ProgramRun.of(
            "mpirun",
            ["-n", "1", "--oversubscribe", sipat] + TinyRun.arguments(folder.path + "/run") + [":", "-n", "1", "--oversubscribe", sipat, "evaluate", "--weights", "x"],
            environment: ProgramRun.launchEnvironment, timeout: 30)
        #expect(mixed.status == 64 && !mixed.timedOut, "\(mixed)")
    }

    @Test func aKilledRankEndsTheJobAndLosesNothing() throws {
        let folder = try TemporaryFolder()
        let (whole, parts) = (folder.path + "/whole", folder.path + "/parts")
        #expect(try TinyRun.train(whole, ["epochs=8", "checkpoint.everySteps=3"]).status == 0)
        let killed = try interrupt(
            parts, ranks: 3, ["epochs=8", "checkpoint.everySteps=3"], script: "pkill -KILL -n -P $job")
        #expect(killed.status != 0 && !killed.timedOut && killed.seconds < 60, "\(killed)")
        #expect((killed.errors + killed.output).contains("signal 9"), "\(killed)")
        #expect(try TinyRun.sipatOnRanks(2, ["train", "--output", parts, "--resume"]).status == 0)
        #expect(try TinyRun.weights(parts) == TinyRun.weights(whole))
    }

    @Test func aHangingRankIsNamed() throws {
        let folder = try TemporaryFolder()
        let run = try interrupt(
            folder.path + "/run", ranks: 3, ["epochs=100000", "communication.watchdogMinutes=0.05"],
            script: "stopped=$(pgrep -n -P $job); kill -STOP $stopped; (sleep 20; kill -KILL $stopped) 2>/dev/null &")
        #expect(run.status == 70 && !run.timedOut, "\(run)")
        let text = run.errors + run.output
        #expect(text.contains("no progress for") && text.contains("says nothing; last heard of on"), "\(run)")
    }

    /// Rank 0's disk fills up; once there is room again, the run goes on from its last good checkpoint.
    @Test(.enabled(if: mayMount, "needs the right to mount a tmpfs"))
    func aFullDiskEndsTheJobAndLosesNothing() throws {
        let folder = try TemporaryFolder()
        let (whole, disk) = (folder.path + "/whole", folder.path + "/disk")
        #expect(try TinyRun.train(whole, ["epochs=12"]).status == 0)
        try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: false)
        #expect(try ProgramRun.of("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", disk]).status == 0)
        defer { _ = try? ProgramRun.of("umount", [disk]) }
        let full = try interrupt(
            disk + "/run", ranks: 3, ["epochs=12"], script: "dd if=/dev/zero of=$run/../filler bs=4096 2>/dev/null")
        #expect(full.status == 74 && !full.timedOut, "\(full)")
        let text = full.errors + full.output
        #expect(text.contains("No space left on device") && text.contains(disk + "/run/"), "\(full)")
        #expect(text.contains("rank 0"), "\(full)")
        try FileManager.default.removeItem(atPath: disk + "/filler")
        #expect(try TinyRun.sipatOnRanks(2, ["train", "--output", disk + "/run", "--resume"]).status == 0)
        #expect(try TinyRun.weights(disk + "/run") == TinyRun.weights(whole))
        #expect(try TinyRun.metrics(disk + "/run") == TinyRun.metrics(whole))
    }

    /// The weights are finite, but too large for the frozen model's logits.
    @Test func divergenceOfTheAttackIsToldByAllRanksTogether() throws {
        let folder = try TemporaryFolder()
        let run = try TinyRun.train(
            folder.path + "/run", ranks: 2,
            ["mode=at", "optimizer.lr=1000", "optimizer.weightDecay=10", "schedule.name=constant", "epochs=60"])
        #expect(run.status == 65, "\(run)")
        let text = run.errors + run.output
        #expect(text.contains("training diverged") && text.contains("micro-batch") && text.contains("samples"), "\(run)")
        #expect(text.contains("rank 0 on") && text.contains("rank 1 on"), "\(run)")
    }

    @Test func divergenceIsToldWithItsPlace() throws {
        let folder = try TemporaryFolder()
        let run = try TinyRun.train(
            folder.path + "/run", ranks: 2,
            ["mode=natural", "optimizer.lr=1000", "optimizer.weightDecay=9", "schedule.name=constant", "epochs=60"])
        #expect(run.status == 65, "\(run)")
        let text = run.errors + run.output
        #expect(text.contains("training diverged") && text.contains("micro-batch") && text.contains("step"), "\(run)")
    }
}
