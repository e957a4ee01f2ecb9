import ArgumentParser

struct ScaleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scale", abstract: "Measure how a step scales with ranks, and predict how it would on a cluster.",
        subcommands: [ScaleRunCommand.self, ScalePredictCommand.self])
}
