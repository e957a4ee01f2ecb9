import Foundation
import TestSupport
import Testing

/// Scripts/launch: restarts, and when it gives up.
@Suite("The launcher", .serialized)
struct LaunchTests {
    private let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    private func launch(_ arguments: [String], sipat: String, timeout: Double = 60) throws -> ProgramRun {
        try ProgramRun.of(
            root + "/Scripts/launch", arguments, environment: ProgramRun.launchEnvironment.merging(["SIPAT": sipat]) { $1 },
            timeout: timeout)
    }

    @Test func aKilledRunIsStartedAgainAndEndsAsIfNothingHadHappened() throws {
        let folder = try TemporaryFolder()
        let (whole, broken) = (folder.path + "/whole", folder.path + "/broken")
        let settings = ["epochs=30", "checkpoint.everySteps=3", "validation.every=30"]
        #expect(try TinyRun.train(whole, settings).status == 0)
        let arguments = TinyRun.arguments(broken, settings).map { "'\($0)'" }.joined(separator: " ")
        let program = """
            run='\(broken)'
            '\(root)/Scripts/launch' -n 3 --min-ranks 2 -- \(arguments) &
            job=$!
            for i in $(seq 600); do
              [ -f "$run/metrics.jsonl" ] && [ "$(wc -l < "$run/metrics.jsonl")" -ge 12 ] && break
              sleep 0.05
            done
            pkill -KILL -n -f "$run"
            wait $job
            """
        let run = try ProgramRun.of(
            "bash", ["-c", program],
            environment: ProgramRun.launchEnvironment.merging(["SIPAT": try builtProgram("sipat")]) { $1 }, timeout: 100)
        #expect(run.status == 0 && !run.timedOut, "\(run)")
        #expect(run.errors.contains("restart 1 of 3 on 2 ranks from step-"), "\(run)")
        for rank in 0..<3 { #expect(run.errors.contains("launch: rank \(rank) was last seen on "), "\(run)") }
        #expect(try TinyRun.weights(broken) == TinyRun.weights(whole))
        #expect(try TinyRun.metrics(broken) == TinyRun.metrics(whole))
    }

    /// To all of the launcher's process group, as a terminal does it. mpirun would kill the ranks: the launcher has them
    /// checkpoint instead.
    @Test(arguments: ["TERM", "INT", "USR1"])
    func aSignalEndsTheRunWithACheckpoint(_ signal: String) throws {
        let folder = try TemporaryFolder()
        let broken = folder.path + "/run"
        let arguments = TinyRun.arguments(broken, ["epochs=100000", "validation.every=1000"]).map { "'\($0)'" }.joined(separator: " ")
        let program = """
            set -m
            '\(root)/Scripts/launch' -n 2 -- \(arguments) &
            job=$!
            for i in $(seq 600); do
              [ -f '\(broken)/metrics.jsonl' ] && [ "$(wc -l < '\(broken)/metrics.jsonl')" -ge 12 ] && break
              sleep 0.05
            done
            kill -s \(signal) -- -$job
            wait $job
            """
        let run = try ProgramRun.of(
            "bash", ["-c", program],
            environment: ProgramRun.launchEnvironment.merging(["SIPAT": try builtProgram("sipat")]) { $1 }, timeout: 60)
        #expect(run.status == 75 && !run.timedOut && run.output.contains("after a checkpoint"), "\(run)")
        #expect(try TinyRun.weights(broken) != "none")
    }

    /// A folder with a space, given as --output=DIR; what ranks left there is told whole.
    @Test func theOutputIsFoundHoweverItIsGiven() throws {
        let folder = try TemporaryFolder()
        let (broken, output) = (folder.path + "/sipat", folder.path + "/a run")
        try Data("#!/bin/sh\nexit 70\n".utf8).write(to: URL(fileURLWithPath: broken))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: broken)
        try FileManager.default.createDirectory(atPath: output + "/.heartbeat", withIntermediateDirectories: true)
        try Data("on some host, step 7".utf8).write(to: URL(fileURLWithPath: output + "/.heartbeat/rank-0"))
        let run = try launch(["-n", "1", "--max-restarts", "1", "--", "train", "--output=\(output)"], sipat: broken)
        #expect(run.status == 70 && run.errors.contains("restart 1 of 1"), "\(run)")
        #expect(run.errors.contains("launch: rank 0 was last seen on some host, step 7"), "\(run)")
    }

    /// As sipat takes it, so that the run's progress is seen.
    @Test(arguments: [["--output=~/a run"], ["--output", "~/a run"]]) func aTildeIsTheHomeFolder(output: [String]) throws {
        let folder = try TemporaryFolder()
        let broken = folder.path + "/sipat"
        try Data("#!/bin/sh\nexit 70\n".utf8).write(to: URL(fileURLWithPath: broken))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: broken)
        try FileManager.default.createDirectory(atPath: folder.path + "/a run/checkpoints/step-00000007", withIntermediateDirectories: true)
        let run = try ProgramRun.of(
            root + "/Scripts/launch", ["-n", "1", "--max-restarts", "1", "--", "train"] + output,
            environment: ProgramRun.launchEnvironment.merging(["SIPAT": broken, "HOME": folder.path]) { $1 })
        #expect(run.status == 70 && run.errors.contains("restart 1 of 1 on 1 ranks from step-00000007"), "\(run)")
    }

    /// Without -n there are as many ranks as the host file has slots.
    @Test func theHostFileSaysHowManyRanks() throws {
        let folder = try TemporaryFolder()
        let (broken, hosts) = (folder.path + "/sipat", folder.path + "/hosts")
        try Data("#!/bin/sh\nexit 70\n".utf8).write(to: URL(fileURLWithPath: broken))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: broken)
        try Data("# comment\nlocalhost max_slots=64 slots=08\n\nother\nlast slots=3".utf8).write(to: URL(fileURLWithPath: hosts))
        // More than a rank could be: told before anything is started.
        let many = try launch(["--hostfile", hosts, "--min-ranks", "13", "--", "train"], sipat: broken, timeout: 10)
        #expect(many.status == 64 && many.errors.contains("--min-ranks 13 is more than -n 12"), "\(many)")
        try Data("# nothing\n".utf8).write(to: URL(fileURLWithPath: hosts))
        let none = try launch(["--hostfile", hosts, "--", "train"], sipat: broken, timeout: 10)
        #expect(none.status == 64 && none.errors.contains("names no host"), "\(none)")
    }

    @Test func itGivesUpWithoutProgress() throws {
        let folder = try TemporaryFolder()
        let broken = folder.path + "/sipat"
        try Data("#!/bin/sh\nexit 70\n".utf8).write(to: URL(fileURLWithPath: broken))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: broken)
        let run = try launch(["-n", "2", "--max-restarts", "9", "--", "train", "--output", folder.path + "/run"], sipat: broken)
        #expect(run.status == 70 && run.errors.contains("without progress"), "\(run)")
        // Mistakes are not tried again.
        let mistake = try launch(["-n", "1", "--", "train", "--recipe", "none", "--output", folder.path + "/run"], sipat: builtProgram("sipat"))
        #expect(mistake.status == 64 && !mistake.errors.contains("restart"), "\(mistake)")
    }

    @Test func mistakes() throws {
        let sipat = try builtProgram("sipat")
        let mistakes = [
            ["-n", "two", "--", "train"], ["--fast", "--", "train"], ["-n", "2"], ["-n"], ["--threads"], ["--hostfile"], ["-n", "--", "train"],
            ["--threads=", "--", "train"], ["-n", "0", "--", "train"], ["-n", "2", "--min-ranks", "3", "--", "train"],
            ["--hostfile", "/nowhere/hosts", "--", "train"], ["--"], ["-n", "2", "train"],
        ]
        for arguments in mistakes {
            let run = try launch(arguments, sipat: sipat, timeout: 10)
            #expect(run.status == 64 && !run.timedOut && run.errors.hasPrefix("launch: "), "\(run)")
        }
        #expect(try launch(["--", "doctor"], sipat: "/nowhere/sipat").status == 64)
    }
}
