import Foundation
import TestSupport
import Testing

/// How jobs end when something goes wrong.
@Suite(.serialized)
struct FailureTests {
    @Test(arguments: [0, 2])
    func rankThatThrowsEndsTheJob(_ rank: Int) throws {
        let run = try ProgramRun.mpirun(ranks: 3, try builtProgram("mpi-fixture"), ["throw", "\(rank)"], timeout: 10)
        #expect(!run.timedOut && run.status == 65, "\(run)")
        #expect(run.errors.contains("rank \(rank) on "))
        #expect(run.errors.contains("image 17 has label 12\n  → mend the file"))
        #expect(!run.output.contains("ok"))
    }

    @Test func errorsOfOtherTypesAreInternal() throws {
        let run = try ProgramRun.mpirun(ranks: 2, try builtProgram("mpi-fixture"), ["throw-other", "1"], timeout: 10)
        #expect(!run.timedOut && run.status == 70, "\(run)")
        #expect(run.errors.contains("rank 1 on ") && run.errors.contains("PlainError"))
    }

    @Test func agreedFailureIsToldOnce() throws {
        let run = try ProgramRun.mpirun(ranks: 4, try builtProgram("mpi-fixture"), ["agree", "2"], timeout: 10)
        #expect(!run.timedOut && run.status == 74, "\(run)")
        #expect(run.errors.components(separatedBy: "no such file: recipe.yaml").count == 2, "\(run)")
        #expect(run.errors.contains("rank 2 on "))
        #expect(!run.errors.contains("MPI_ABORT"))
    }

    @Test func droppedRequestIsReported() throws {
        let run = try ProgramRun.mpirun(ranks: 2, try builtProgram("mpi-fixture"), ["request-dropped"], timeout: 10)
        #expect(!run.timedOut && run.status == 70, "\(run)")
        #expect(run.errors.contains("MPI requests dropped before they were complete: 1"))
    }

    @Test func abortEndsTheJob() throws {
        let run = try ProgramRun.mpirun(ranks: 3, try builtProgram("mpi-fixture"), ["abort"], timeout: 10)
        #expect(!run.timedOut && run.status == 3, "\(run)")
    }

    @Test func exitCodeIsPassedOn() throws {
        let run = try ProgramRun.mpirun(ranks: 2, try builtProgram("mpi-fixture"), ["exit", "75"], timeout: 10)
        #expect(run.status == 75, "\(run)")
    }

    @Test func memoryThatIsNotThereEndsTheJobWithAMessage() throws {
        let run = try ProgramRun.mpirun(ranks: 3, try builtProgram("mpi-fixture"), ["out-of-memory", "1"], timeout: 10)
        #expect(!run.timedOut && run.status == 74, "\(run)")
        #expect(run.errors.contains("out of memory: \(1 << 52) bytes could not be allocated\n  → make batch"), "\(run)")
    }

    @Test(arguments: [1, 2, 3, 4]) func weightsThatDifferAreNamed(ranks: Int) throws {
        let equal = try ProgramRun.mpirun(ranks: ranks, try builtProgram("mpi-fixture"), ["compare-weights"], timeout: 10)
        #expect(equal.status == 0, "\(equal)")
        guard ranks > 2 else { return }
        let run = try ProgramRun.mpirun(ranks: ranks, try builtProgram("mpi-fixture"), ["compare-weights", "1"], timeout: 10)
        #expect(!run.timedOut && run.status == 70, "\(run)")
        #expect(run.errors.contains("step 12: the weights differ between ranks: rank 1 on ") && !run.errors.contains("rank 2 on"), "\(run)")
    }
}
