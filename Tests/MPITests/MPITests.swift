import Foundation
import MPI
import TestSupport
import Testing

/// Starts the scenarios of `mpi-fixture`, which check their own results, with 1 to 4 ranks: 3 because odd counts expose
/// mistakes in sharding.
@Suite(.serialized)
struct MPITests {
    @Test(arguments: 1...4)
    func scenarios(ranks: Int) throws {
        let names = [
            "broadcast", "allreduce", "reduce", "reduce-scatter", "gather", "gather-variable", "counts", "communicators",
            "send-receive", "nonblocking", "request-owner", "message-length", "probe", "threads", "agree-caught",
        ]
        let run = try ProgramRun.mpirun(ranks: ranks, try builtProgram("mpi-fixture"), ["checks"] + names, timeout: 60)
        #expect(run.status == 0 && run.output == "ok\n", "\(run)")
    }

    @Test func describesItself() throws {
        let run = try ProgramRun.mpirun(ranks: 3, try builtProgram("mpi-fixture"), ["describe"], timeout: 30)
        #expect(run.status == 0, "\(run)")
        let lines = run.output.split(separator: "\n").map(String.init)
        #expect(lines.starts(with: ["size 3", "local 0 of 3", "threads MPI_THREAD_MULTIPLE", "launcher mpirun"]))
        #expect(lines.contains { $0.hasPrefix("library Open MPI v") })
        #expect(lines.contains { $0.hasPrefix("host ") && $0.count > 5 })
    }

    /// The example of the library's documentation, which sees only what another package would.
    @Test func example() throws {
        for ranks in [1, 3] {
            let run = try ProgramRun.mpirun(ranks: ranks, try builtProgram("mpi-pi"), ["1000"], timeout: 30)
            #expect(run.status == 0 && run.output.hasPrefix("pi is 3.14159") && run.output.contains("from \(ranks) ranks"), "\(run)")
            let wrong = try ProgramRun.mpirun(ranks: ranks, try builtProgram("mpi-pi"), ["many"], timeout: 30)
            #expect(wrong.status == 70 && wrong.errors.components(separatedBy: "usage: mpi-pi").count == 2, "\(wrong)")
        }
    }
}
