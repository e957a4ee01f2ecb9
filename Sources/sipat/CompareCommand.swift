import ArgumentParser
import Diagnostics
import Evaluation

struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare", abstract: "Put several evaluations side by side.",
        discussion: "sipat compare natural=natural.json at=at.json sip-at=sip-at.json")

    @Argument(help: ArgumentHelp("Results of sipat evaluate --json, each with a name before it.", valueName: "name=file"))
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
                    throw Failure.usage("\"\(argument)\": expected name=file", remedy: "for example at=at.json")
                }
                return (parts[0], try EvaluationFile(contentsOf: expandingTilde(parts[1])))
            })
    }
}
