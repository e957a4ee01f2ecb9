import ArgumentParser
import Diagnostics
import Kernels
import NeuralNet

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure speed: a whole step, its layers, its other kernels, the network between ranks, reading images.",
        subcommands: [
            BenchStepCommand.self, BenchLayersCommand.self, BenchKernelsCommand.self, BenchAllreduceCommand.self,
            BenchAttacksCommand.self, BenchDataCommand.self,
        ])
}

/// Which network, on images of which size, a benchmark works on.
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

    /// The network itself.
    ///
    /// - Throws: `Failure.usage` if an option names none.
    func configuration() throws -> ModelConfiguration {
        guard let stem = ModelConfiguration.Stem(rawValue: stem) else {
            throw Failure.usage("--stem is \"\(self.stem)\", expected cifar or imagenet")
        }
        return try ModelConfiguration(name: model, width: width, stem: stem)
    }

    /// Its layers.
    ///
    /// - Throws: `Failure.usage` if an option is out of range.
    func network() throws -> Network {
        guard (8...16_384).contains(inputSize), (2...1_000_000).contains(classes) else {
            throw Failure.usage("--input-size must be from 8 to 16384, --classes from 2 to 1000000")
        }
        return try configuration().network(input: input, classes: classes)
    }

    var input: ImageShape { ImageShape(height: inputSize, width: inputSize, channels: 3) }
}
