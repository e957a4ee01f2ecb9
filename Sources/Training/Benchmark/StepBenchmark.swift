import Attacks
import Datasets
import Diagnostics
import Kernels
import MPI
import NeuralNet
import Recipes
import Salience

/// Times whole SIP-AT steps on random images: the same work as a PyTorch DDP script with the same settings would do.
package struct StepBenchmark {
    package struct Settings: Sendable {
        package var model: ModelConfiguration
        package var input: ImageShape
        package var classes: Int
        /// Images per rank.
        package var batch: Int
        package var microBatch: Int
        /// Steps of the attack; 0 trains on clean images.
        package var pgdSteps: Int
        package var repeats: Int
        package var threads: Int
        /// What computes convolutions.
        package var backend = KernelBackend.standard
        /// Of the operands of the attack's products.
        package var attackPrecision = ProductPrecision.float32

        package init(
            model: ModelConfiguration, input: ImageShape, classes: Int, batch: Int, microBatch: Int, pgdSteps: Int,
            repeats: Int, threads: Int
        ) {
            self.model = model
            self.input = input
            self.classes = classes
            self.batch = batch
            self.microBatch = microBatch
            self.pgdSteps = pgdSteps
            self.repeats = repeats
            self.threads = threads
        }

        /// What a step does.
        package var step: StepSettings {
            let attack = AttackSettings(
                threat: ThreatModel(norm: .linf, epsilon: 8.0 / 255), stepSize: 2.0 / 255, steps: max(1, pgdSteps))
            var settings = StepSettings(attack: pgdSteps > 0 ? .init(attack) : nil, mask: pgdSteps > 0 ? .binary(threshold: 0.5) : nil, seed: 0)
            settings.backend = backend
            settings.attack?.precision = attackPrecision
            return settings
        }
    }

    /// Medians over the repeats, of the slowest rank.
    package struct Result: Sendable, Codable {
        package var ranks: Int
        package var batch: Int
        package var stepSeconds: Double
        package var imagesPerSecond: Double
        /// Waiting for batches, which are assembled, cropped and flipped in the background.
        package var data: Double
        package var attack: Double
        package var forward: Double
        package var backward: Double
        package var communication: Double
        package var hiddenCommunication: Double
        package var optimizer: Double
        /// The median rank's time without waiting for others.
        package var compute: Double
        /// How much longer the slowest rank computes than the median one: 0.1 is a tenth.
        package var imbalance: Double
        /// Standard deviation of computation over ranks and steps, as a share of its mean.
        package var spread: Double
        /// Bytes that the ranks sum in a step.
        package var gradientBytes: Int
        /// Floating-point operations per second that direct convolutions would need, per rank.
        package var gigaflopsPerRank: Double
        /// Peak resident memory of the largest rank, in bytes.
        package var residentBytes: Int
        package var seconds: [Double]
    }

    /// What is timed: a step, and batches for `settings.repeats` of them and one before. Collective.
    package static func prepare(
        _ settings: Settings, communicator: Communicator
    ) throws -> (step: TrainingStep, loader: TrainingLoader) {
        let network = try settings.model.network(input: settings.input, classes: settings.classes)
        let step = TrainingStep(
            state: ModelState(network: network, seed: 0), optimizer: OptimizerSettings(momentum: 0.9, weightDecay: 5e-4),
            settings: settings.step,
            channel: try communicator.duplicate(), reduction: .reproducible, bucketBytes: GradientReducer.defaultBucketBytes,
            microBatch: settings.microBatch, batch: settings.batch, threads: settings.threads)
        let loader = loader(settings, rank: communicator.rank, size: communicator.size)
        loader.start(epoch: 0)
        return (step, loader)
    }

    /// Runs the benchmark. Collective; every rank gets the result.
    package static func run(_ settings: Settings, communicator: Communicator) throws -> Result {
        let (step, loader) = try prepare(settings, communicator: communicator)
        let size = communicator.size
        let network = step.state.network
        _ = try step.run(loader.next()!, learningRate: 0.1)
        _ = step.reducer.takeStatistics()
        var timings: [StepTimings] = []
        var seconds: [Double] = []
        for _ in 0..<settings.repeats {
            try communicator.barrier()
            let start = monotonicSeconds()
            let batch = try loader.next()!
            let waited = monotonicSeconds() - start
            timings.append(try step.run(batch, learningRate: 0.1).timings)
            timings[timings.count - 1].data = waited
            try communicator.barrier()
            seconds.append(monotonicSeconds() - start)
        }
        let statistics = step.reducer.takeStatistics()
        func slowest(_ value: Double) throws -> Double { try communicator.allreduce(value, .max) }
        let time = try slowest(seconds.median())
        let passes = 2 * settings.pgdSteps + 3
        let computation = timings.map { $0.total - $0.communication }
        let all = try communicator.allgather(computation)
        let perRank = (0..<size).map { all[$0 * computation.count..<($0 + 1) * computation.count].median() }
        let mean = all.reduce(0, +) / Double(all.count)
        let variance = all.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(1, all.count - 1))
        return Result(
            ranks: size, batch: settings.batch, stepSeconds: time, imagesPerSecond: Double(size * settings.batch) / time,
            data: try slowest(timings.map(\.data).median()),
            attack: try slowest(timings.map(\.attack).median()), forward: try slowest(timings.map(\.forward).median()),
            backward: try slowest(timings.map(\.backward).median()),
            communication: try slowest(timings.map(\.communication).median()),
            hiddenCommunication: try slowest(statistics.hidden / .seconds(1) / Double(max(1, statistics.steps))),
            optimizer: try slowest(timings.map(\.optimizer).median()), compute: perRank.median(),
            imbalance: perRank.max()! / perRank.median() - 1, spread: variance.squareRoot() / mean,
            gradientBytes: 4 * step.reducer.ranges.map(\.upperBound).max()!,
            gigaflopsPerRank: Double(passes * network.flops * settings.batch) / time / 1e9,
            residentBytes: try communicator.allreduce(ProcessMemory.peakResidentBytes, .max), seconds: seconds)
    }

    /// Batches of random images, cropped and flipped, one for each step and one to warm up.
    private static func loader(_ settings: Settings, rank: Int, size: Int) -> TrainingLoader {
        let count = settings.batch * size
        let random = Philox(seed: 0, purpose: .test, sample: rank)
        var pixels = [UInt8](repeating: 0, count: count * settings.input.count)
        for i in 0..<pixels.count / 16 {
            let block = random.block(UInt32(truncatingIfNeeded: i))
            for word in 0..<4 { for byte in 0..<4 { pixels[16 * i + 4 * word + byte] = UInt8(truncatingIfNeeded: block[word] >> UInt32(8 * byte)) } }
        }
        let salience = FloatBuffer(count: count * settings.input.pixels)
        Philox(seed: 1, purpose: .test, sample: rank).fillUniform(salience.pointer, count: salience.count, low: 0, high: 1)
        let dataset = ImageDataset(
            name: "random", imageShape: settings.input, classNames: (0..<settings.classes).map { "\($0)" }, pixels: pixels,
            labels: (0..<count).map { Int32(random.uniform($0, below: settings.classes)) }, salience: salience.array,
            annotated: nil)
        let plan = EpochPlan(
            trainingIndices: (0...settings.repeats).flatMap { _ in 0..<count }, batchSize: count,
            microBatchSize: settings.microBatch, seed: 0)
        return TrainingLoader(
            dataset: dataset, plan: plan, augmentation: Augmentation(cropPadding: 4, horizontalFlip: true), seed: 0
        ) { ownedMicroBatches(total: $0, rank: rank, size: size) }
    }
}
