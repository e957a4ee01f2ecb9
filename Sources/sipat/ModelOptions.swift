import ArgumentParser
import Experiments
import NeuralNet
import Recipes

/// Which network weights are for, on the command line; what is not given is the run's own, or the network's.
struct ModelOptions: ParsableArguments {
    @Option(help: "The network; a run's own if --weights is one.")
    var model: String?
    @Option(help: "Its width.")
    var width: Int?
    @Option(help: "Its stem: cifar or imagenet.")
    var stem: String?
    @Option(help: "Layers of a wide-resnet.")
    var depth: Int?
    @Option(help: "Widening factor of a wide-resnet.")
    var widen: Int?
    @Option(help: "What the network subtracts from its images, in [0, 1]: imagenet, cifar10, none, or a number per channel; the weights' own if not given.")
    var mean: String?
    @Option(help: "What it then divides them by.")
    var std: String?

    /// - Throws: `Failure.usage` naming the flag that is wrong.
    func request() throws -> EvaluationRequest.Model {
        .init(name: model, width: width, stem: try choice(stem, flag: "--stem"), depth: depth, widen: widen, normalization: try normalization())
    }

    /// Nil where the weights are to say it.
    private func normalization() throws -> ImageNormalization?? {
        guard mean != nil || std != nil else { return nil }
        func constants(_ text: String?, _ key: String, _ flag: String) throws -> ChannelConstants {
            try text.map { try ChannelConstants.parse($0, key: key, flag: flag) } ?? .none
        }
        let given = try ChannelConstants.normalization(
            mean: constants(mean, "model.mean", "--mean"), std: constants(std, "model.std", "--std"), names: ("--mean", "--std"))
        return .some(given)
    }
}
