import ArgumentParser
import Datasets
import Diagnostics
import Foundation
import Images
import MPI
import NeuralNet
import Training

struct BenchDataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data", abstract: "Time reading images, and compare it with a training step.",
        discussion: """
            sipat bench data steel/ --size 224 --label-from '^(.*)_[0-9]+' --model resnet50 --stem imagenet

            Reads batches as training does (decoded, fitted, shifted and mirrored), as fast as it can, and times a step of the
            network on images of that size. Without --pgd-steps the step is that of natural training, which waits soonest.
            """)

    @Argument(help: "A packed set, a folder, a manifest or tar shards.")
    var path: String
    @OptionGroup var options: CollectionOptionsGroup
    @Option(help: "Height and width; 0: the packed set's own, 64 for files.")
    var size = 0
    @Option(help: "resize or crop.")
    var fit = "resize"
    @Flag(help: "Random resized crops, as for ImageNet, instead of shifts.")
    var randomResizedCrop = false
    @Option(help: "The network.")
    var model = "resnet50"
    @Option(help: "Its width.")
    var width: Int?
    @Option(help: "Its stem: cifar or imagenet.")
    var stem = "imagenet"
    @Option(help: "Images per step.")
    var batch = 32
    @Option(help: "Steps of the attack; 0 for none.")
    var pgdSteps = 0
    @Option(help: "Seconds of reading.")
    var seconds = 5.0

    func run() throws {
        try Session.withSession { session in
            let world = session.world
            let (source, configuration) = try world.agreeing { try prepare() }
            let (images, took) = try world.agreeing { try read(source) }
            let settings = StepBenchmark.Settings(
                model: configuration, input: source.imageShape, classes: source.classes, batch: batch, microBatch: batch, pgdSteps: pgdSteps,
                repeats: 2, threads: 1)
            let step = try StepBenchmark.run(settings, communicator: world)
            try world.agreeing {
                guard world.rank == 0 else { return }
                let rate = Double(images) / took
                try Output.result("\(path): \(source.count) images as \(source.imageShape), \(images) read in \(decimal(took, 1)) s: \(decimal(rate, 0)) images/s per rank")
                try Output.result("\(model), batch \(batch) per rank, PGD-\(pgdSteps): \(decimal(step.stepSeconds, 2)) s per step")
                try Output.result("reading a batch takes \(percent(Double(batch) / rate / step.stepSeconds)) of a step, beside which it is done")
            }
        }
    }

    private func prepare() throws -> (any ImageSource, ModelConfiguration) {
        guard let stem = ModelConfiguration.Stem(rawValue: stem) else {
            throw Failure.usage("--stem is \"\(self.stem)\", expected cifar or imagenet", remedy: "imagenet suits images of 224²")
        }
        guard let rule = FitSettings.Rule(rawValue: fit) else {
            throw Failure.usage("--fit is \"\(fit)\", expected resize or crop", remedy: "resize keeps the whole image, crop its proportions")
        }
        guard batch >= 2, pgdSteps >= 0, seconds > 0, seconds < 1e6, (0...4096).contains(size) else {
            throw Failure.usage("--batch must be at least 2, --pgd-steps and --size at least 0, --seconds more than 0", remedy: "leave them out")
        }
        var images = ImagesConfiguration()
        images.size = size
        images.fit = rule
        images.collection = CollectionOptions(labelFrom: options.labelFrom, testShare: options.testShare, seed: UInt64(options.seed))
        images.maximumPixels = options.maximumPixels
        return (try images.source(at: path, split: .train), try ModelConfiguration(name: model, width: width, stem: stem))
    }

    /// Whole batches, until the time is up.
    private func read(_ source: any ImageSource) throws -> (images: Int, seconds: Double) {
        let plan = EpochPlan(trainingIndices: Array(0..<source.count), batchSize: batch, microBatchSize: batch, seed: 0)
        let augmentation = Augmentation(cropPadding: 4, horizontalFlip: true, randomResizedCrop: randomResizedCrop ? .imageNet : nil)
        let assembler = BatchAssembler(dataset: source, plan: plan, augmentation: augmentation, seed: 0) { 0..<$0 }
        let memory = assembler.makeBatch()
        let start = monotonicSeconds()
        var (images, epoch) = (0, 0)
        while true {
            let order = plan.order(epoch: epoch)
            for step in 0..<plan.stepsPerEpoch {
                try assembler.fill(memory, epoch: epoch, step: step, order: order)
                images += memory.count
                if monotonicSeconds() - start > seconds { return (images, monotonicSeconds() - start) }
            }
            epoch += 1
        }
    }
}
