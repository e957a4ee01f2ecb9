import ArgumentParser
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
            TrainCommand.self, EvaluateCommand.self, CompareCommand.self, DataCommand.self, SalienceCommand.self,
            VerifyCommand.self, BenchCommand.self, ScaleCommand.self, DoctorCommand.self,
        ])

    static func main() {
        if let complaint = CPU.complaint {
            FileHandle.standardError.write(Data("error: \(complaint)\n".utf8))
            Foundation.exit(70)
        }
        // Ranks and their own threads use the cores; a BLAS with threads of its own would oversubscribe them.
        GEMM.useOneThread()
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch let failure as ReportedFailure {
            Foundation.exit(failure.exitCode)
        } catch {
            // Every rank reads the same command line: one message is enough.
            let rank = ProcessInfo.processInfo.environment["OMPI_COMM_WORLD_RANK"]
            if let rank, rank != "0", exitCode(for: error) != .success {
                Thread.sleep(forTimeInterval: 0.5)
                Foundation.exit(exitCode(for: error).rawValue)
            }
            exit(withError: error)
        }
    }
}
