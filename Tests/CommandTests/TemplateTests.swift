import Foundation
import TestSupport
import Testing

private let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path

/// What shellcheck is there to check with.
private let hasShellcheck = (try? ProgramRun.of("shellcheck", ["--version"]))?.status == 0

/// The scripts that users start, as far as they can be tried without the schedulers they are for.
@Suite("Templates", .serialized)
struct TemplateTests {
    @Test(.enabled(if: hasShellcheck, "needs shellcheck"))
    func shellcheckHasNothingToSay() throws {
        let scripts = try ["Scripts", "Cluster", ".ci"].flatMap { folder in
            try FileManager.default.contentsOfDirectory(atPath: "\(root)/\(folder)").map { "\(root)/\(folder)/\($0)" }
        }.filter {
            let text = (try? String(contentsOfFile: $0, encoding: .utf8)) ?? ""
            return text.hasPrefix("#!/usr/bin/env bash") || text.contains("shellcheck shell=bash")
        }
        #expect(scripts.count >= 8)
        let run = try ProgramRun.of("shellcheck", ["-x"] + scripts, directory: URL(fileURLWithPath: root))
        #expect(run.status == 0, "\(run)")
    }

    /// With a node file and a qsub of the test's own: the hosts are found, a run that is not finished is queued again with
    /// the same settings, and goes on where it was.
    @Test func pbsQueuesARunAgainUntilItIsFinished() throws {
        let folder = try TemporaryFolder()
        let alone = folder.path + "/alone"
        #expect(try TinyRun.train(alone).status == 0)
        func write(_ name: String, _ text: String, permissions: Int = 0o644) throws -> String {
            let path = "\(folder.path)/\(name)"
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
            try FileManager.default.setAttributes([.posixPermissions: permissions], ofItemAtPath: path)
            return path
        }
        let nodes = try write("nodes", "localhost\nlocalhost\n")
        _ = try write("qsub", "#!/bin/sh\necho \"$@\" >> '\(folder.path)/queued'\n", permissions: 0o755)
        func job(budget: String) throws -> ProgramRun {
            let environment = [
                "PBS_NODEFILE": nodes, "PBS_O_WORKDIR": root, "PBS_JOBID": "7.server", "SIPAT": try builtProgram("sipat"),
                "RECIPE": alone + "/recipe.yaml", "RUN": folder.path + "/run", "BUDGET": budget,
                "PATH": "\(folder.path):\(ProcessInfo.processInfo.environment["PATH"]!)",
            ]
            return try ProgramRun.of(root + "/Cluster/pbs.sh", [], environment: environment, timeout: 60)
        }
        let first = try job(budget: "0.000001s")
        #expect(first.status == 75 && first.output.contains("2 ranks"), "\(first)")
        let queued = try String(contentsOfFile: folder.path + "/queued", encoding: .utf8)
        #expect(queued.contains("RUN=\(folder.path)/run") && queued.contains("BUDGET=0.000001s") && queued.hasSuffix("Cluster/pbs.sh\n"))
        let second = try job(budget: "1h")
        #expect(second.status == 0, "\(second)")
        #expect(try String(contentsOfFile: folder.path + "/queued", encoding: .utf8) == queued)
        #expect(try TinyRun.weights(folder.path + "/run") == TinyRun.weights(alone))
    }
}
