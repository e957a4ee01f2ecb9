import Foundation
import TestSupport
import Testing

/// Hosts made of network namespaces, and ranks that talk over TCP.
private enum VirtualCluster {
    static let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Cluster/virtual").path
    /// Not the one that a person would use.
    static let environment = ["VIRTUAL_ID": "93"]

    static func call(_ arguments: [String], timeout: Double = 60) throws -> ProgramRun {
        try ProgramRun.of(script, arguments, environment: environment.merging(ProgramRun.launchEnvironment) { $1 }, timeout: timeout)
    }

    /// Whether this machine lets us make namespaces and connect them.
    static let isAllowed: Bool = {
        // What a test that was killed may have left.
        _ = try? call(["down"])
        guard let up = try? call(["up", "2"]) else { return false }
        _ = try? call(["down"])
        return up.status == 0
    }()
}

@Suite("A virtual cluster", .serialized, .enabled(if: VirtualCluster.isAllowed, "needs root and network namespaces"))
struct VirtualClusterTests {
    private func withHosts(_ count: Int, _ options: [String] = [], _ body: () throws -> Void) throws {
        _ = try VirtualCluster.call(["down"])
        let up = try VirtualCluster.call(["up", "\(count)"] + options)
        defer { _ = try? VirtualCluster.call(["down"]) }
        #expect(up.status == 0, "\(up)")
        try body()
    }

    @Test func weightsDoNotDependOnHosts() throws {
        let folder = try TemporaryFolder()
        let (alone, spread) = (folder.path + "/alone", folder.path + "/spread")
        #expect(try TinyRun.train(alone).status == 0)
        try withHosts(3, ["--mbit", "1000"]) {
            let run = try VirtualCluster.call(
                ["run", "-n", "4", "--", builtProgram("sipat")] + TinyRun.arguments(spread), timeout: 120)
            #expect(run.status == 0, "\(run)")
            let doctor = try VirtualCluster.call(["run", "-n", "3", "--", builtProgram("sipat"), "doctor"])
            for host in 1...3 { #expect(doctor.output.contains("| node\(host) |"), "\(doctor)") }
        }
        #expect(try TinyRun.weights(spread) == TinyRun.weights(alone))
        #expect(try TinyRun.metrics(spread) == TinyRun.metrics(alone))
    }

    /// The cable is pulled while the run is under way; then it goes on on one host as if nothing had happened.
    @Test func aHostThatIsCutOffIsNamedAndNothingIsLost() throws {
        let folder = try TemporaryFolder()
        let run = folder.path + "/run"
        let settings = ["epochs=100000", "checkpoint.everySteps=5", "communication.watchdogMinutes=0.05"]
        let arguments = TinyRun.arguments(run, settings).map { "'\($0)'" }.joined(separator: " ")
        try withHosts(2) {
            let program = """
                '\(VirtualCluster.script)' run -n 2 -- '\(try builtProgram("sipat"))' \(arguments) &
                job=$!
                for i in $(seq 600); do
                  [ -f '\(run)/metrics.jsonl' ] && [ "$(wc -l < '\(run)/metrics.jsonl')" -ge 12 ] && break
                  sleep 0.05
                done
                '\(VirtualCluster.script)' cut 2
                wait $job
                """
            let result = try ProgramRun.of(
                "bash", ["-c", program], environment: VirtualCluster.environment.merging(ProgramRun.launchEnvironment) { $1 },
                timeout: 90)
            #expect(result.status != 0 && !result.timedOut, "\(result)")
            let text = result.errors + result.output
            #expect(text.contains("rank 1") && text.contains("node2") && text.contains("step"), "\(result)")
        }
        let steps = try TinyRun.weights(run)
        #expect(steps != "none")
        let resumed = try TinyRun.train(run, ["epochs=100000"], more: ["--resume", "--time-budget", "2s"])
        #expect(resumed.status == 75, "\(resumed)")
    }

    /// The launcher leaves the host out and goes on with the ranks of the other, to the same weights.
    @Test func theLauncherGoesOnWithoutAHostThatIsGone() throws {
        let folder = try TemporaryFolder()
        let (alone, run) = (folder.path + "/alone", folder.path + "/run")
        let settings = ["epochs=40", "checkpoint.everySteps=5", "validation.every=40", "communication.watchdogMinutes=0.05"]
        #expect(try TinyRun.train(alone, settings).status == 0)
        let arguments = TinyRun.arguments(run, settings).map { "'\($0)'" }.joined(separator: " ")
        let launcher = URL(fileURLWithPath: VirtualCluster.script).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Scripts/launch").path
        try withHosts(2) {
            let program = """
                '\(VirtualCluster.script)' exec -- sh -c "'\(launcher)' -n 4 --min-ranks 2 --hostfile \\$VIRTUAL_HOSTFILE -- \(arguments)" &
                job=$!
                for i in $(seq 600); do
                  [ -f '\(run)/metrics.jsonl' ] && [ "$(wc -l < '\(run)/metrics.jsonl')" -ge 12 ] && break
                  sleep 0.05
                done
                '\(VirtualCluster.script)' cut 2
                wait $job
                """
            let environment = VirtualCluster.environment.merging(ProgramRun.launchEnvironment) { $1 }
                .merging(["SIPAT": try builtProgram("sipat")]) { $1 }
            let result = try ProgramRun.of("bash", ["-c", program], environment: environment, timeout: 120)
            #expect(result.status == 0 && !result.timedOut, "\(result)")
            #expect(result.errors.contains("does not answer and is left out"), "\(result)")
            #expect(result.errors.contains("restart 1 of 3 on 2 ranks from step-"), "\(result)")
        }
        #expect(try TinyRun.weights(run) == TinyRun.weights(alone))
        #expect(try TinyRun.metrics(run) == TinyRun.metrics(alone))
    }

    @Test func mistakes() throws {
        for arguments in [["up", "9"], ["up"], ["cut", "5"], ["run", "--"], ["shape", "--mbit", "fast"], ["fly"]] {
            let run = try VirtualCluster.call(arguments)
            #expect(run.status == 64 && run.errors.hasPrefix("virtual: "), "\(arguments) \(run)")
        }
    }
}
