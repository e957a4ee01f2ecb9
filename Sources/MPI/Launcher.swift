import Diagnostics
import Foundation

/// Who started this process, read from the environment.
public enum Launcher: Sendable, Equatable, CustomStringConvertible {
    /// Open MPI's mpirun.
    case mpirun
    /// A resource manager that speaks PMIx (`srun --mpi=pmix`).
    case pmix
    /// A launcher that announced `ranks` ranks over the older PMI: MPICH's, Intel's, or `srun --mpi=pmi2`.
    case pmi(ranks: Int)
    /// A step of `tasks` tasks of Slurm without any wire-up that Open MPI could use.
    case slurmStep(tasks: Int)
    /// Nobody: a world of one.
    case none

    public init(environment: [String: String]) {
        func number(_ name: String) -> Int? { environment[name].flatMap { Int($0) } }
        if environment["OMPI_COMM_WORLD_SIZE"] != nil {
            self = .mpirun
        } else if environment["PMIX_RANK"] != nil {
            self = .pmix
        } else if let ranks = number("PMI_SIZE") ?? number("MPI_LOCALNRANKS"), ranks > 1 {
            self = .pmi(ranks: ranks)
        } else if let tasks = number("SLURM_STEP_NUM_TASKS"), tasks > 1, environment["SLURM_PROCID"] != nil {
            self = .slurmStep(tasks: tasks)
        } else {
            self = .none
        }
    }

    /// Throws when MPI, if initialised, would find a world of one where the launcher started several ranks.
    ///
    /// An Open MPI built with Slurm's PMI-2 library does find its world, so `.pmi` is judged by what MPI found:
    /// call once before initialisation with `worldSize` nil and once after it.
    func validate(worldSize: Int?) throws {
        switch self {
        case .mpirun, .pmix, .none:
            break
        case .pmi(let ranks):
            guard worldSize == 1 else { break }
            throw Failure.usage(
                "this process is one of \(ranks) started by the launcher of another MPI (MPICH, Intel MPI or srun's PMI-2), "
                    + "but it is built with Open MPI, which does not understand that launcher and found a world of one rank",
                remedy: "start it with Open MPI's launcher: `mpirun.openmpi -n \(ranks) …` (`mpirun --version` says whose it is), "
                    + "or under Slurm with `srun --mpi=pmix …`")
        case .slurmStep(let tasks):
            throw Failure.usage(
                "this process is one of \(tasks) tasks of a Slurm step that was started without PMIx, so the tasks cannot find each other",
                remedy: "start the step with `srun --mpi=pmix …` (`srun --mpi=list` says whether Slurm has it), "
                    + "or use `mpirun -n \(tasks) …` inside the allocation")
        }
    }

    public var description: String {
        switch self {
        case .mpirun: "mpirun"
        case .pmix: "a PMIx launcher"
        case .pmi(let ranks): "a PMI launcher of \(ranks) ranks"
        case .slurmStep(let tasks): "a Slurm step of \(tasks) tasks"
        case .none: "no launcher"
        }
    }
}
