import ArgumentParser
import Diagnostics
import Foundation
import Kernels
import MPI

@main
struct Sipat: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sipat",
        abstract: "Salient Information Preserving Adversarial Training on CPU clusters.",
        discussion: """
            Start it with mpirun to use several ranks: mpirun -n 2 sipat train recipe.yaml --output runs/first
            Exit codes: 0 done, 64 usage, 65 bad data, 70 internal error, 74 input/output, 75 checkpointed: run me again.
            """,
        version: "0.1.0",
        subcommands: [
            TrainCommand.self, EvaluateCommand.self, CompareCommand.self, ExportCommand.self, DataCommand.self, SalienceCommand.self, ReviewCommand.self,
            StudyCommand.self, PilotCommand.self,
            VerifyCommand.self, BenchCommand.self, ScaleCommand.self, DoctorCommand.self,
        ])

    /// Whether this rank speaks for all where nothing has been agreed on: every rank reads the same command line.
    static var speaks: Bool { ProcessInfo.processInfo.environment["OMPI_COMM_WORLD_RANK"] ?? "0" == "0" }

    /// As many as mpirun started; 1 without it.
    static var ranks: Int { ProcessInfo.processInfo.environment["OMPI_COMM_WORLD_SIZE"].flatMap { Int($0) } ?? 1 }

    static func main() {
        Output.prepare()
        if let complaint = CPU.complaint {
            Output.complain("error: \(complaint)")
            Foundation.exit(70)
        }
        // Ranks and their own threads use the cores; a BLAS with threads of its own would oversubscribe them.
        GEMM.useOneThread()
        do {
            var command = try parsed()
            try command.run()
            joinOthers()
        } catch let failure as ReportedFailure {
            Foundation.exit(failure.exitCode)
        } catch {
            Foundation.exit(leave(with: error))
        }
    }

    /// The command that was given. Leaves the program where there is none.
    private static func parsed() throws -> any ParsableCommand {
        do { return try parseAsRoot() } catch {
            // A `Failure` that a command's `validate()` throws comes wrapped in what cannot be looked into, and ends with 1 like any
            // error that the parser does not know: it is about the command line.
            guard exitCode(for: error) == .failure else { throw error }
            Foundation.exit(leave(with: error, code: ExitCode(Failure.Kind.usage.rawValue)))
        }
    }

    /// Says what is wrong with the command line, or the help that was asked for, and returns the exit code.
    ///
    /// - Parameter code: nil for the parser's own.
    private static func leave(with error: any Error, code given: ExitCode? = nil) -> Int32 {
        let code = given ?? exitCode(for: error)
        let text = fullMessage(for: error)
        guard speaks else {
            // Where every rank has the same command line, one message is enough: rank 0's ends the job, unless its own
            // command line was right.
            guard code != .success else {
                joinOthers()
                return code.rawValue
            }
            Thread.sleep(forTimeInterval: 1)
            let rank = ProcessInfo.processInfo.environment["OMPI_COMM_WORLD_RANK"] ?? "?"
            Output.complain("rank \(rank) on \(Host.name), command \(CommandLine.arguments.dropFirst().joined(separator: " ")):\n\(text)")
            return code.rawValue
        }
        guard !text.isEmpty else { return code.rawValue }
        guard code == .success else {
            Output.complain(text)
            return code.rawValue
        }
        do {
            try Output.result(text)
            joinOthers()
            return code.rawValue
        } catch {
            Output.complain("error: \(error)")
            return Failure.Kind.inputOutput.rawValue
        }
    }

    /// What needs no ranks, started as one of several: others may have been given a command that does, and would wait for
    /// this one. Then the first thing that ranks do together, comparing their commands, tells.
    private static func joinOthers() {
        guard ranks > 1, !Session.wasOpened else { return }
        do { try Session.withSession { _ in } } catch { Foundation.exit(error.exitCode) }
    }
}
