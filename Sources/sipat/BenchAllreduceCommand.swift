import ArgumentParser
import Diagnostics
import Foundation
import MPI
import Training

struct BenchAllreduceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "allreduce", abstract: "Time the reproducible gradient reduction against MPI_Allreduce.",
        discussion: "mpirun -n 2 sipat bench allreduce")

    @Option(help: "Sizes in bytes, comma-separated.")
    var sizes = "4096,65536,1048576,4194304,16777216,67108864,268435456"
    @Option(help: "Repetitions per size; the median counts.")
    var repeats = 10
    @Option(help: "Bytes per bucket.")
    var bucketBytes = GradientReducer.defaultBucketBytes
    @Option(help: "Write the result as JSON.")
    var json: String?

    func run() throws {
        try Session.withSession { session in
            let world = session.world
            let sizes = try world.agreeing {
                try self.sizes.split(separator: ",").map {
                    guard let size = Int($0), size >= 4 else { throw Failure.usage("--sizes: \"\($0)\" is no number of bytes of at least 4") }
                    return size
                }
            }
            let rows = try ReductionBenchmark.run(
                communicator: world, sizes: sizes, bucketBytes: bucketBytes, repetitions: repeats)
            try world.agreeing {
                guard world.rank == 0 else { return }
                var table = "\(world.size) ranks, median of \(repeats)\n| bytes | reproducible | MPI_Allreduce | ratio |\n| ---: | ---: | ---: | ---: |"
                for row in rows {
                    table += "\n| \(row.bytes) | \(decimal(row.reproducible * 1e6, 0)) µs | \(decimal(row.allreduce * 1e6, 0)) µs | \(decimal(row.ratio, 2)) |"
                }
                if let json { try writeJSON(rows, to: json) }
                try Output.result(table)
            }
        }
    }
}
