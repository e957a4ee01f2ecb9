import Foundation
import TestSupport
import Testing

private let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path

/// Whether Slurm's daemons are installed and may be started.
private let hasSlurm: Bool = {
    let run = try? ProgramRun.of(root + "/Cluster/slurm-local", ["true"], timeout: 60)
    return run?.status == 0
}()

@Suite("Slurm", .serialized, .enabled(if: hasSlurm, "needs root and slurmctld, slurmd, slurm-client, munge"))
struct SlurmTests {
    /// A real job, through the template that users get.
    @Test(arguments: ["srun", "mpirun"])
    func theTemplateRunsAJob(_ start: String) throws {
        let folder = try TemporaryFolder()
        let alone = folder.path + "/alone"
        #expect(try TinyRun.train(alone).status == 0)
        let recipe = folder.path + "/recipe.yaml"
        let printed = try TinyRun.sipat("train", "--print-recipe", "synthetic")
        try Data(printed.output.utf8).write(to: URL(fileURLWithPath: recipe))
        let settings = TinyRun.settings.flatMap { ["--set", $0] }
        let job = try ProgramRun.of(
            root + "/Cluster/slurm-local",
            ["sbatch", "--wait", "--nodes=1", "--ntasks-per-node=2", "--array=0-0", "--time=5", "--output=\(folder.path)/log", "Cluster/slurm.sbatch"]
                + settings,
            environment: ["RECIPE": recipe, "RUNS": folder.path + "/runs", "START": start, "SIPAT": builtProgram("sipat")],
            directory: URL(fileURLWithPath: root), timeout: 100)
        let log = (try? String(contentsOfFile: folder.path + "/log", encoding: .utf8)) ?? "no log"
        #expect(job.status == 0, "\(job)\n\(log)")
        #expect(log.contains("2 ranks"), "\(log)")
        #expect(try TinyRun.weights(folder.path + "/runs/seed-0") == TinyRun.weights(alone))
    }
}
