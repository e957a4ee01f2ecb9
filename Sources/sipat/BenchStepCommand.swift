import ArgumentParser
import Diagnostics
import Foundation
import Kernels
import MPI
import NeuralNet
import Training

struct BenchStepCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "step", abstract: "Time whole training steps on random images.",
        discussion: "mpirun -n 2 sipat bench step --model resnet18 --width 64 --stem cifar --batch 64 --pgd-steps 10 --json out.json")

    @OptionGroup var network: BenchModelOptions
    @Option(help: "Images per rank.")
    var batch = 64
    @Option(help: "Images that share BatchNorm statistics; 0 for all of a rank's.")
    var microBatch = 0
    @Option(help: "Steps of the attack; 0 for none.")
    var pgdSteps = 10
    @Option(help: "Timed steps, after one that is not.")
    var repeats = 3
    @Option(help: "Threads per rank.")
    var threads = 1
    @Option(help: "What computes convolutions: native, blas or auto; this machine's default if not given.")
    var backend: String?
    @Option(help: "float32 or bfloat16: precision of the attack's products.")
    var attackPrecision: String?
    @Option(help: "Write the result as JSON.")
    var json: String?

    mutating func validate() throws { try expandTilde(&json) }

    func run() throws {
        try Session.withSession { session in
            let world = session.world
            let settings = try world.agreeing {
                if world.rank == 0 { try requireWritable([("--json", json)], inputs: []) }
                return try self.settings(ranks: world.size, local: session.local.size)
            }
            let result = try StepBenchmark.run(settings, communicator: world)
            try world.agreeing {
                guard world.rank == 0 else { return }
                if let json { try writeJSON(result, to: json) }
                try Output.result(table(result))
            }
        }
    }

    private func settings(ranks: Int, local: Int) throws -> StepBenchmark.Settings {
        guard batch >= 1, repeats >= 1, pgdSteps >= 0, threads >= 1, microBatch >= 0 else {
            throw Failure.usage("--batch, --repeats and --threads must be at least 1, --pgd-steps and --micro-batch at least 0")
        }
        let micro = microBatch == 0 ? batch : microBatch
        let model = try network.configuration()
        var settings = StepBenchmark.Settings(
            model: model, input: network.input, classes: network.classes, batch: batch, microBatch: micro, pgdSteps: pgdSteps,
            repeats: repeats, threads: threads)
        settings.backend = try choice(backend, flag: "--backend") ?? .standard
        settings.attackPrecision = try choice(attackPrecision, flag: "--attack-precision") ?? .float32
        var need = TrainingStep.memoryNeed(
            network: try network.network(), batch: batch, microBatch: micro, threads: threads, settings: settings.step)
        // Random images with their maps for all ranks, and their order for every repetition.
        need.add(ranks, batch, network.input.count + 8 * network.input.pixels)
        need.add(ranks, batch, repeats + 1, MemoryLayout<Int>.size)
        try requireMemory(need, processes: local, for: "a step of \(model.name) on \(batch) images of \(network.input)", remedy: "make --batch, --micro-batch, --input-size or --width smaller")
        return settings
    }

    private func table(_ result: StepBenchmark.Result) -> String {
        func row(_ name: String, _ seconds: Double) -> String {
            "| \(name) | \(decimal(seconds * 1000, 1)) ms | \(percent(seconds / result.stepSeconds)) |"
        }
        return """
            \(network.model), \(result.ranks) rank\(result.ranks == 1 ? "" : "s"), batch \(result.batch) per rank, PGD-\(pgdSteps): \
            \(decimal(result.imagesPerSecond, 2)) images/s
            \(decimal(result.gigaflopsPerRank, 1)) GFLOP/s per rank (as direct convolutions), \(byteText(result.residentBytes)) resident
            | part | median | share |
            | :--- | ---: | ---: |
            \(row("waiting for data", result.data))
            \(row("attack", result.attack))
            \(row("forward", result.forward))
            \(row("backward", result.backward))
            \(row("communication, exposed", result.communication))
            \(row("communication, hidden", result.hiddenCommunication))
            \(row("optimizer", result.optimizer))
            slowest rank +\(decimal(100 * result.imbalance, 1)) %, computation varies by \(decimal(100 * result.spread, 1)) %
            """
    }
}
