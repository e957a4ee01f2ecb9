import ArgumentParser
import Diagnostics
import Foundation
import MPI
import Scaling
import Training

struct ScaleRunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Measure strong and weak scaling; start it without mpirun.",
        discussion: """
            Starts sipat bench step under mpirun for each number of ranks and threads, in turn, again and again, and writes \
            scale.json, scale.csv, scale.md and scale.svg.

            sipat scale run --ranks 1,2 --model resnet18 --width 16 --batch 64 --rank-batch 32 --micro-batch 16 --output scaling
            sipat scale run --ranks 16,32,64 --mpirun "mpirun --hostfile hosts --map-by core" --output scaling
            """)

    @OptionGroup var network: BenchModelOptions
    @Option(help: "Steps of the attack; 0 for none.")
    var pgdSteps = 10
    @Option(help: "Images that share BatchNorm statistics.")
    var microBatch = 16
    @Option(help: "Images per step over all ranks, in strong scaling.")
    var batch = 64
    @Option(help: "Images per step and rank, in weak scaling.")
    var rankBatch = 32
    @Option(help: "Numbers of ranks, comma-separated.")
    var ranks = "1,2"
    @Option(help: "Numbers of threads per rank, comma-separated.")
    var threads = "1"
    @Option(help: "How often each point is measured.")
    var repeats = 3
    @Option(help: "Timed steps per measurement.")
    var steps = 3
    @Option(help: "The launcher with its options.")
    var mpirun = "mpirun"
    @Option(help: "The folder for the results; it may not hold any yet.")
    var output: String

    private struct Point {
        let scaling: ScalePoint.Scaling
        let ranks: Int
        let threads: Int
        let rankBatch: Int
    }

    mutating func validate() throws { output = try expandingTilde(output) }

    func run() throws {
        try reportingFailures { try measure() }
    }

    private func measure() throws {
        let points = try self.points()
        let cores = ProcessInfo.processInfo.activeProcessorCount
        let isLocal = !mpirun.contains("host")
        let file = output + "/scale.json"
        guard !FileManager.default.fileExists(atPath: file) else {
            throw Failure.usage("\(file): there are results already", remedy: "name another folder (--output)")
        }
        try makeFolders(output)
        try requireWritable(["json", "csv", "md", "svg"].map { ("--output", "\(output)/scale.\($0)") }, inputs: [])
        let launcher = BenchLauncher(mpirun: mpirun, cores: isLocal ? cores : .max, scratch: output + "/.measurement.json")
        defer { launcher.cleanUp() }

        var results = [[StepBenchmark.Result]](repeating: [], count: points.count)
        let start = monotonicSeconds()
        let total = repeats * points.count
        for round in 0..<repeats {
            for (index, point) in points.enumerated() {
                results[index].append(try launcher.step(ranks: point.ranks, arguments(point)))
                let done = round * points.count + index + 1
                let left = (monotonicSeconds() - start) / Double(done) * Double(total - done)
                let speed = results[index].last!.imagesPerSecond
                Output.progress(
                    "\(done)/\(total) \(point.scaling.rawValue), \(point.ranks) rank(s), \(point.threads) thread(s): \(decimal(speed, 1)) images/s, \(duration(left)) left\n")
            }
        }
        var reductions: [AllreducePoint] = []
        for count in Set(points.map(\.ranks)).sorted() where count > 1 {
            reductions += try launcher.allreduce(ranks: count).map {
                AllreducePoint(ranks: count, bytes: $0.bytes, reproducible: $0.reproducible, mpi: $0.allreduce)
            }
        }
        let run = ScaleRun(
            host: Host.name, cpu: CPU.here?.model ?? "unknown", cores: cores,
            work: .init(
                model: network.model, width: network.width, stem: network.stem, inputSize: network.inputSize,
                classes: network.classes, pgdSteps: pgdSteps,
                microBatch: microBatch, globalBatch: batch, rankBatch: rankBatch),
            gradientBytes: results[0][0].gradientBytes,
            points: zip(points, results).map { Self.summary($0, $1, isOversubscribed: isLocal && $0.ranks * $0.threads > cores) },
            allreduce: reductions)
        try writeJSON(run, to: file)
        try writeAtomically(Array(run.csv.utf8), to: output + "/scale.csv")
        try writeAtomically(Array((run.table + "\n").utf8), to: output + "/scale.md")
        try writeAtomically(Array(run.picture.utf8), to: output + "/scale.svg")
        try Output.result("\n\(run.table)")
    }

    private func points() throws -> [Point] {
        func counts(_ text: String, _ option: String) throws -> [Int] {
            try text.split(separator: ",").map {
                guard let count = Int($0), count >= 1 else { throw Failure.usage("\(option): \"\($0)\" is no positive number") }
                return count
            }
        }
        let (ranks, threads) = (try counts(ranks, "--ranks"), try counts(threads, "--threads"))
        guard repeats >= 1, steps >= 1, microBatch >= 1, batch >= 1, rankBatch >= 1, !ranks.isEmpty, !threads.isEmpty else {
            throw Failure.usage("--repeats, --steps, --micro-batch, --batch and --rank-batch must be at least 1")
        }
        // A mistake in the network shows here, not in the middle of the measurement.
        _ = try network.network()
        for workers in ranks where batch % workers != 0 {
            throw Failure.usage("--batch \(batch) does not divide by \(workers) ranks", remedy: "choose a batch that all of --ranks divide")
        }
        return ranks.flatMap { rank in
            threads.flatMap { thread in
                [
                    Point(scaling: .strong, ranks: rank, threads: thread, rankBatch: batch / rank),
                    Point(scaling: .weak, ranks: rank, threads: thread, rankBatch: rankBatch),
                ]
            }
        }
    }

    private func arguments(_ point: Point) -> [String] {
        var arguments = [
            "--model", network.model, "--stem", network.stem, "--input-size", "\(network.inputSize)",
            "--classes", "\(network.classes)", "--pgd-steps", "\(pgdSteps)",
            "--batch", "\(point.rankBatch)", "--micro-batch", "\(min(microBatch, point.rankBatch))", "--threads", "\(point.threads)",
            "--repeats", "\(steps)",
        ]
        if let width = network.width { arguments += ["--width", "\(width)"] }
        return arguments
    }

    private static func summary(_ point: Point, _ results: [StepBenchmark.Result], isOversubscribed: Bool) -> ScalePoint {
        func median(_ value: (StepBenchmark.Result) -> Double) -> Double { results.map(value).median() }
        return ScalePoint(
            scaling: point.scaling, ranks: point.ranks, threads: point.threads, rankBatch: point.rankBatch,
            isOversubscribed: isOversubscribed, steps: results.flatMap(\.seconds), compute: median(\.compute),
            backward: median(\.backward), optimizer: median(\.optimizer), exposedCommunication: median(\.communication),
            hiddenCommunication: median(\.hiddenCommunication), imbalance: median(\.imbalance),
            // One rank's one step does not vary; then the repetitions tell.
            spread: results[0].ranks * results[0].seconds.count > 1
                ? median(\.spread) : Statistics.relativeDeviation(results.map(\.compute)))
    }
}
