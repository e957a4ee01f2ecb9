import Attacks
import Checkpoints
import Datasets
import Diagnostics
import Kernels
import MPI
import NeuralNet
import Salience
import Training

/// Training steps on the inputs of a golden file (Tests/NeuralNetTests/Fixtures/make_golden.py), whose images are one micro-batch.
private struct GoldenSteps {
    let file: SafetensorsFile
    let state: ModelState
    let shape: ImageShape
    let count: Int
    /// What is done wrong: `rate`, `decay`, `momentum`, `label`, `epsilon`, `mask`; empty for nothing.
    let fault: String
    let backend: KernelBackend

    init(_ path: String, fault: String, backend: KernelBackend) throws {
        self.fault = fault
        self.backend = backend
        file = try SafetensorsFile(path)
        guard let sides = file.shape(of: "x"), sides.count == 4 else { throw Failure.badData("\(path): has no images x") }
        count = sides[0]
        shape = ImageShape(height: sides[2], width: sides[3], channels: sides[1])
        let configuration = try ModelConfiguration(
            name: file.metadata["model"] ?? "resnet18", width: file.metadata["width"].flatMap { Int($0) },
            stem: ModelConfiguration.Stem(rawValue: file.metadata["stem"] ?? "") ?? .cifar,
            normalization: file.metadata["normalization"].flatMap(ImageNormalization.Preset.init(rawValue:))?.normalization)
        state = ModelState(network: try configuration.network(input: shape, classes: 10))
        for (index, layout) in state.layouts.enumerated() { state.load(index, try file.floats(of: "param/\(layout.name)")) }
    }

    /// A masked attack from the images themselves.
    static var settings: StepSettings {
        let attack = AttackSettings(
            threat: ThreatModel(norm: .linf, epsilon: 8.0 / 255), stepSize: 2.0 / 255, steps: 4, randomStart: false)
        return StepSettings(attack: .init(attack), mask: .binary(threshold: 0.5), seed: 0)
    }

    /// Takes `steps` steps on the images `name`.
    ///
    /// - Returns: the weights that come of it: their moving average, where one is kept.
    func take(_ steps: Int, images name: String, rate: Float, settings: StepSettings, on world: Communicator) throws -> ModelState {
        var settings = settings
        settings.fullBatch = count
        settings.backend = backend
        if fault == "epsilon" { settings.attack?.settings.threat = ThreatModel(norm: .linf, epsilon: 7.0 / 255) }
        if fault == "mask" { settings.mask = nil }
        let step = TrainingStep(
            state: state, optimizer: OptimizerSettings(momentum: fault == "momentum" ? 0.89 : 0.9, weightDecay: fault == "decay" ? 0 : 5e-4), settings: settings,
            channel: try world.duplicate(), reduction: .reproducible, bucketBytes: 1 << 14, microBatch: count, batch: count)
        let batch = try batch(images: name, on: world)
        for number in 0..<steps {
            batch.place(epoch: number, step: 0)
            _ = try step.run(batch, learningRate: fault == "rate" ? 1.01 * rate : rate)
        }
        try step.reducer.close()
        return step.resultingState
    }

    /// The file's images, labels and mask in the place of a data set's.
    private func batch(images name: String, on world: Communicator) throws -> Batch {
        let dataset = ImageDataset(
            name: "golden", imageShape: shape, classNames: (0..<10).map { "\($0)" },
            pixels: [UInt8](repeating: 0, count: count * shape.count), labels: [Int32](repeating: 0, count: count))
        let plan = EpochPlan(trainingIndices: Array(0..<count), batchSize: count, microBatchSize: count, seed: 0)
        let (rank, size) = (world.rank, world.size)
        let assembler = BatchAssembler(dataset: dataset, plan: plan, augmentation: Augmentation(cropPadding: 0, horizontalFlip: false), seed: 0) {
            ownedMicroBatches(total: $0, rank: rank, size: size)
        }
        let batch = Batch(capacity: count, imageShape: shape)
        try assembler.fill(batch, epoch: 0, step: 0, order: Array(0..<count))
        let (values, labels) = (try file.floats(of: name), try file.integers(of: "y"))
        let mask = try file.floats(of: "mask")
        for image in 0..<batch.count {
            batch.labels[image] = Int32(labels[image])
            batch.annotated[image] = true
            for pixel in image * shape.pixels..<(image + 1) * shape.pixels {
                batch.salience[pixel] = 1 - mask[pixel]
                // From PyTorch's order (NCHW) to ours.
                for channel in 0..<shape.channels {
                    let plane = image * shape.channels + channel
                    batch.images[pixel * shape.channels + channel] = values[plane * shape.pixels + pixel % shape.pixels]
                }
            }
        }
        if fault == "label" { batch.labels[0] = (batch.labels[0] + 1) % 10 }
        return batch
    }

    /// How far each stored tensor's change since `param/` is from the one in the file: ‖Δ − Δ′‖ / ‖Δ′‖, in float64.
    func distances(_ name: String, of state: ModelState) throws -> [(tensor: String, distance: Double)] {
        try state.layouts.enumerated().compactMap { index, layout in
            guard file.shape(of: "\(name)/\(layout.name)") != nil else { return nil }
            let before = try file.floats(of: "param/\(layout.name)")
            let (found, expected) = (state.exported(index), try file.floats(of: "\(name)/\(layout.name)"))
            var (difference, norm) = (0.0, 0.0)
            for i in before.indices {
                difference += (Double(found[i]) - Double(expected[i])) * (Double(found[i]) - Double(expected[i]))
                norm += (Double(expected[i]) - Double(before[i])) * (Double(expected[i]) - Double(before[i]))
            }
            return (layout.name, (difference / norm).squareRoot())
        }
    }
}

let goldenScenarios: [String: Scenario] = [
    // Arguments: a golden file, a fault (or ""), a backend. Prints for each run and tensor how far its change is from PyTorch's.
    "golden-steps": Scenario { session, arguments in
        // step1's attack begins at noise of PyTorch's: its perturbed images are taken as they are.
        let (clean, attacked) = (StepSettings(attack: nil, mask: nil, seed: 0), GoldenSteps.settings)
        func changed(_ settings: StepSettings, _ change: (inout StepSettings) -> Void) -> StepSettings {
            var settings = settings
            change(&settings)
            return settings
        }
        let runs: [(name: String, steps: Int, images: String, rate: Float, settings: StepSettings)] = [
            ("step1", 1, "pgd/adv", 0.1, clean), ("step0", 1, "x", 0.1, attacked), ("clean3", 3, "x", 0.01, clean),
            ("trades", 1, "x", 0.1, changed(attacked) { $0.objective = .trades(beta: 6) }),
            ("mart", 1, "x", 0.1, changed(attacked) { $0.objective = .mart(beta: 5) }),
            ("awp", 1, "x", 0.1, changed(attacked) { $0.weightPerturbation = .init(gamma: 0.01) }),
            (
                "trades-awp", 1, "x", 0.1,
                changed(attacked) {
                    $0.objective = .trades(beta: 6)
                    $0.weightPerturbation = .init(gamma: 0.005)
                }
            ),
            (
                "free", 1, "x", 0.05,
                changed(attacked) {
                    $0.attack?.settings.stepSize = 8.0 / 255
                    $0.attack?.replays = 3
                }
            ),
            ("average", 3, "x", 0.01, changed(clean) { $0.averageDecay = 0.9 }),
        ]
        let backend = arguments.count > 2 ? KernelBackend(rawValue: arguments[2])! : .standard
        for run in runs {
            let golden = try GoldenSteps(arguments[0], fault: arguments.count > 1 ? arguments[1] : "", backend: backend)
            guard golden.file.shape(of: "\(run.name)/\(golden.state.layouts[0].name)") != nil else { continue }
            let result = try golden.take(run.steps, images: run.images, rate: run.rate, settings: run.settings, on: session.world)
            guard session.world.rank == 0 else { continue }
            for (tensor, distance) in try golden.distances(run.name, of: result) { print(run.name, tensor, distance) }
        }
        return 0
    }
]
