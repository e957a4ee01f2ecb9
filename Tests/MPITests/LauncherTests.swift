import Foundation
import MPI
import TestSupport
import Testing

/// Starting without mpirun, or by the launcher of another MPI.
@Suite(.serialized)
struct LauncherTests {
    @Test func launcherIsReadFromTheEnvironment() {
        #expect(Launcher(environment: [:]) == .none)
        #expect(Launcher(environment: ["PMI_SIZE": "1"]) == .none)
        #expect(Launcher(environment: ["PMI_RANK": "0", "PMI_SIZE": "4"]) == .pmi(ranks: 4))
        #expect(Launcher(environment: ["MPI_LOCALNRANKS": "2"]) == .pmi(ranks: 2))
        #expect(Launcher(environment: ["SLURM_STEP_NUM_TASKS": "8", "SLURM_PROCID": "0"]) == .slurmStep(tasks: 8))
        #expect(Launcher(environment: ["SLURM_STEP_NUM_TASKS": "1", "SLURM_PROCID": "0"]) == .none)
        // srun with PMIx, and mpirun inside a Slurm step.
        #expect(Launcher(environment: ["PMIX_RANK": "0", "SLURM_STEP_NUM_TASKS": "8", "SLURM_PROCID": "0"]) == .pmix)
        #expect(Launcher(environment: ["OMPI_COMM_WORLD_SIZE": "2", "PMIX_RANK": "0", "PMI_SIZE": "4"]) == .mpirun)
    }

    @Test func withoutLauncherTheWorldIsOne() throws {
        let run = try ProgramRun.of(try builtProgram("mpi-fixture"), ["describe"], timeout: 20)
        #expect(run.status == 0, "\(run)")
        #expect(run.output.hasPrefix("size 1\nlocal 0 of 1\n"))
        #expect(run.output.contains("launcher no launcher"))
        #expect(run.errors == "")
    }

    @Test func errorInAWorldOfOneIsPlain() throws {
        let run = try ProgramRun.of(try builtProgram("mpi-fixture"), ["throw", "0"], timeout: 20)
        #expect(run.status == 65, "\(run)")
        #expect(run.errors == "error: image 17 has label 12\n  → mend the file\n")
    }

    @Test func launcherOfAnotherMPIIsNamed() throws {
        let run = try ProgramRun.of(
            try builtProgram("mpi-fixture"), ["describe"], environment: ["PMI_RANK": "1", "PMI_SIZE": "4"], timeout: 20)
        #expect(run.status == 64, "\(run)")
        #expect(run.errors.contains("one of 4 started by the launcher of another MPI"))
        #expect(run.errors.contains("mpirun.openmpi -n 4"))
    }

    @Test func slurmStepWithoutPMIxIsNamed() throws {
        let run = try ProgramRun.of(
            try builtProgram("mpi-fixture"), ["describe"],
            environment: ["SLURM_STEP_NUM_TASKS": "2", "SLURM_PROCID": "0", "SLURM_STEP_ID": "0"], timeout: 20)
        #expect(run.status == 64, "\(run)")
        #expect(run.errors.contains("srun --mpi=pmix"))
    }
}
