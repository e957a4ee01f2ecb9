import Foundation
import MPI

// π as the integral of 4 / (1 + x²) from 0 to 1, by the midpoint rule, each rank adding its share of the intervals.
//
//     mpirun -n 4 mpi-pi 1000000

do {
    try Session.withSession { session in
        let world = session.world
        // An error on one rank becomes one on all: nobody is left waiting.
        let intervals = try world.agreeing {
            guard CommandLine.arguments.count <= 2, let count = Int(CommandLine.arguments.dropFirst().first ?? "1000000"), count > 0 else {
                throw Mistake(description: "usage: mpi-pi [number of intervals]")
            }
            return count
        }
        var sum = 0.0
        for i in stride(from: world.rank, to: intervals, by: world.size) {
            let x = (Double(i) + 0.5) / Double(intervals)
            sum += 4 / (1 + x * x)
        }
        let total = try world.allreduce(sum, .sum)
        if world.rank == 0 { print("pi is \(total / Double(intervals)), from \(world.size) ranks") }
    }
} catch {
    // Its message has been written.
    exit(error.exitCode)
}

struct Mistake: Error, CustomStringConvertible {
    let description: String
}
