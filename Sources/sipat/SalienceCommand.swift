import ArgumentParser
import Diagnostics
import Salience

struct SalienceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "salience", abstract: "Estimate salience maps, or look at them.",
        subcommands: [SalienceEstimateCommand.self, SalienceShowCommand.self])
}

struct SalienceShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Say where maps come from and how much they protect.")

    @Argument(help: "The maps (.npy), with their JSON beside them.")
    var maps: String
    @Option(help: "The binary mask's threshold.")
    var threshold = 0.5

    mutating func validate() throws { maps = try expandingTilde(maps) }

    func run() throws {
        try reportingFailures {
            guard threshold > 0, threshold <= 1 else { throw Failure.usage("--threshold is \(threshold), expected a number above 0 and at most 1") }
            let loaded = try SalienceMaps(contentsOf: maps)
            try Output.result(
                """
                \(maps): \(loaded.provenance.summary), made by \(loaded.provenance.createdBy)
                \(try SalienceStatistics(loaded, threshold: Float(threshold)).table)
                """)
        }
    }
}
