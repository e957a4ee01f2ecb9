import ArgumentParser
import Diagnostics
import Evaluation

struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare", abstract: "Put several evaluations side by side.",
        discussion: """
            sipat compare natural=eval/natural at=eval/at sip-at=eval/sip-at

            Folders of sipat evaluate --output are compared image by image, too: intervals, and McNemar's exact test for each pair and radius. \
            Results that were made under other conditions are refused.
            """)

    @Argument(help: ArgumentHelp("Folders of sipat evaluate --output, or files of --json, each with a name before it.", valueName: "name=result"))
    var evaluations: [String]

    func run() throws {
        try reportingFailures { try Output.result(table()) }
    }

    private func table() throws -> String {
        guard !evaluations.isEmpty else { throw Failure.usage("no evaluation is given", remedy: "for example at=at.json sip-at=sip-at.json") }
        return try EvaluationTable.comparison(
            try evaluations.map { argument in
                let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
                guard parts.count == 2 else {
                    throw Failure.usage("\"\(argument)\": expected name=result", remedy: "for example at=eval/at")
                }
                return (parts[0], try ComparisonColumn(contentsOf: expandingTilde(parts[1])))
            })
    }
}
