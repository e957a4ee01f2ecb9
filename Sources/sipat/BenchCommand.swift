import ArgumentParser

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure speed: a whole step, its layers, its other kernels, the network between ranks.",
        subcommands: [BenchStepCommand.self, BenchLayersCommand.self, BenchKernelsCommand.self, BenchAllreduceCommand.self])
}

/// Which network, and which images, a benchmark works on.
struct BenchModelOptions: ParsableArguments {
    @Option(help: "The network.")
    var model = "resnet18"
    @Option(help: "Its width.")
    var width: Int?
    @Option(help: "Its stem: cifar or imagenet.")
    var stem = "cifar"
    @Option(help: "Height and width of the images.")
    var inputSize = 32
    @Option(help: "Classes.")
    var classes = 10
    @Option(help: "Images per rank.")
    var batch = 64
}
