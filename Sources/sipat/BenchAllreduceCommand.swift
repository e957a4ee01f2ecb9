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

    mutating func validate() throws { try expandTilde(&json) }

    func run() throws {
        try Session.withSession { session in
            let world = session.world
            let sizes = try world.agreeing {
                guard repeats >= 1, bucketBytes >= 4 else { throw Failure.usage("--repeats must be at least 1, --bucket-bytes at least 4") }
                if world.rank == 0 { try requireWritable([("--json", json)], inputs: []) }
                let sizes = try self.sizes.split(separator: ",").map { text -> Int in
                    guard let size = Int(text), size >= 4 else { throw Failure.usage("--sizes: \"\(text)\" is no number of bytes of at least 4") }
                    return size
                }
                var need = MemoryNeed()
                need.add(2, sizes.max() ?? 0)
                try requireMemory(need, processes: session.local.size, for: "a reduction of \(sizes.max() ?? 0) bytes", remedy: "leave the largest of --sizes out")
                return sizes
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
