import Foundation
import TestSupport
import Testing

/// Runs that die at every point where it could matter: started again, they end as if nothing had happened.
@Suite("A run that dies anywhere", .serialized)
struct FaultTests {
    /// Two epochs of three steps, a checkpoint at the end of each and one inside the second.
    private static let settings = [
        "synthetic.size=8", "synthetic.train=72", "synthetic.test=10", "model.name=cnn", "model.width=2", "data.batch=32",
        "data.microBatch=16", "epochs=2", "attack.steps=1", "validation.steps=1", "checkpoint.everySteps=4", "checkpoint.keep=1", "watch.action=off",
    ]

    private func run(_ fault: String, _ point: String, _ output: String, ranks: Int = 1) throws -> ProgramRun {
        let arguments = [fault, point, output] + Self.settings
        guard ranks == 1 else { return try ProgramRun.mpirun(ranks: ranks, builtProgram("run-fixture"), arguments) }
        return try ProgramRun.of(
            builtProgram("run-fixture"), arguments,
            // Processes that start and end at the same time remove Open MPI's common folder under each other.
            environment: ["OMPI_MCA_orte_tmpdir_base": (output as NSString).deletingLastPathComponent], timeout: 60)
    }

    private func expectEqual(_ run: String, _ whole: String, _ comment: Comment) throws {
        #expect(try TinyRun.weights(run) == TinyRun.weights(whole), comment)
        #expect(try TinyRun.momentum(run) == TinyRun.momentum(whole), comment)
        #expect(try TinyRun.metrics(run) == TinyRun.metrics(whole), comment)
        #expect(try FileManager.default.contentsOfDirectory(atPath: run).sorted() == ["checkpoints", "metrics.jsonl", "model-card.md", "recipe.yaml", "run.lock"], comment)
    }

    @Test func atEveryOperationOnFiles() async throws {
        let folder = try TemporaryFolder()
        let whole = folder.path + "/whole"
        let counted = try run("count", "-", whole)
        let operations = try #require(counted.output.split(separator: "\n").last { $0.hasPrefix("operations ") }.flatMap { Int($0.dropFirst(11)) }, "\(counted)")
        #expect(operations > 100)
        // Two at a time, each in a folder of its own.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for lane in 0..<2 {
                let broken = "\(folder.path)/lane-\(lane)/broken"
                try FileManager.default.createDirectory(atPath: (broken as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
                group.addTask {
                    for operation in stride(from: lane, to: operations, by: 2) { try dies(atOperation: operation, broken, whole: whole) }
                }
            }
            try await group.waitForAll()
        }
    }

    private func dies(atOperation operation: Int, _ broken: String, whole: String) throws {
        let killed = try run("die-at-operation", "\(operation)", broken)
        #expect(killed.status == 128 + SIGKILL, "operation \(operation): \(killed)")
        let resumed = try run("count", "-", broken)
        #expect(resumed.status == 0, "operation \(operation): \(resumed)")
        try expectEqual(broken, whole, "operation \(operation)")
        try FileManager.default.removeItem(atPath: broken)
    }

    /// Rank 0 dies as it enters the phase, and with it the job.
    @Test(
        arguments: ["loading", "meeting", "communication", "data", "attack", "update", "optimizer", "validation", "checkpoint"], [1, 2])
    func inEveryPhase(_ phase: String, ranks: Int) throws {
        let folder = try TemporaryFolder()
        let (whole, broken) = (folder.path + "/whole", folder.path + "/broken")
        #expect(try run("count", "-", whole).status == 0)
        let killed = try run("die-in", phase, broken, ranks: ranks)
        #expect(ranks == 1 ? killed.status == 128 + SIGKILL : killed.status != 0 && !killed.timedOut, "\(killed)")
        // Killed in the first validation, the run has the epoch's checkpoint.
        if phase == "validation" { #expect(try TinyRun.weights(broken).hasPrefix("3 "), "\(killed)") }
        let resumed = try run("count", "-", broken, ranks: ranks)
        #expect(resumed.status == 0, "\(resumed)")
        try expectEqual(broken, whole, "\(phase)")
    }

    /// The log is on the disk before the checkpoint that promises it.
    @Test func theLogIsSynchronisedBeforeACheckpoint() throws {
        let folder = try TemporaryFolder()
        let traced = try run("trace", "-", folder.path + "/run")
        var isSynchronized = true
        var checkpoints = 0
        for line in traced.output.split(separator: "\n") {
            if line.hasPrefix("write "), line.hasSuffix("/metrics.jsonl") { isSynchronized = false }
            if line.hasPrefix("synchronize "), line.hasSuffix("/metrics.jsonl") { isSynchronized = true }
            if line.hasPrefix("rename checkpoints/step-"), !line.hasSuffix("-previous") {
                checkpoints += 1
                #expect(isSynchronized, "\(traced)")
            }
        }
        #expect(checkpoints > 3, "\(traced)")
    }
}
