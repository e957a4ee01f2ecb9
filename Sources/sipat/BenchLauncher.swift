import Diagnostics
import Foundation
import Training

/// Starts sipat's benchmarks under mpirun and reads what they measured.
struct BenchLauncher {
    /// The launcher and its options, as a user writes them.
    let mpirun: String
    /// Cores that ranks and threads may use before they are oversubscribed.
    let cores: Int
    /// Where a benchmark leaves its JSON.
    let scratch: String

    func step(ranks: Int, _ arguments: [String]) throws -> StepBenchmark.Result {
        try launch(ranks: ranks, ["bench", "step"] + arguments)
    }

    func allreduce(ranks: Int) throws -> [ReductionBenchmark.Row] {
        try launch(
            ranks: ranks, ["bench", "allreduce", "--sizes", "4096,65536,1048576,4194304,16777216", "--repeats", "10"])
    }

    func cleanUp() { try? FileManager.default.removeItem(atPath: scratch) }

    private func launch<Result: Decodable>(ranks: Int, _ arguments: [String]) throws -> Result {
        var words = mpirun.split(separator: " ").map(String.init)
        guard !words.isEmpty else { throw Failure.usage("--mpirun is empty", remedy: "leave it out, or name the launcher") }
        words += ["-n", "\(ranks)"]
        let threads = arguments.firstIndex(of: "--threads").flatMap { Int(arguments[$0 + 1]) } ?? 1
        if ranks * threads > cores {
            words += ["--oversubscribe", "--bind-to", "none"]
        } else if threads > 1 {
            words += ["--map-by", "slot:PE=\(threads)", "--bind-to", "core"]
        }
        let sipat = Bundle.main.executablePath ?? CommandLine.arguments[0]
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = words + [sipat] + arguments + ["--json", scratch]
        process.standardOutput = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        var environment = ProcessInfo.processInfo.environment
        if getuid() == 0 {
            // mpirun refuses to start as root unless told twice.
            environment["OMPI_ALLOW_RUN_AS_ROOT"] = "1"
            environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
        }
        process.environment = environment
        cleanUp()
        do { try process.run() } catch { throw Failure.internalError("\(words[0]): cannot be started: \(error)") }
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(
                .internalError, "\(words.joined(separator: " ")) sipat \(arguments.joined(separator: " ")): exit code \(process.terminationStatus)",
                remedy: "its own message stands above")
        }
        return try decodedJSON(Result.self, from: ReadableFile.contents(of: scratch))
    }
}
