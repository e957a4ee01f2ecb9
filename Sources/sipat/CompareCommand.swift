import ArgumentParser
import Diagnostics
import Foundation
import Training

struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare", abstract: "Put several evaluations side by side.",
        discussion: "sipat compare natural=natural.json at=at.json sip-at=sip-at.json")

    @Argument(help: ArgumentHelp("Results of sipat evaluate --json, each with a name before it.", valueName: "name=file"))
    var evaluations: [String]

    func run() throws {
        print(try reportingFailures { try table() })
    }

    private func table() throws -> String {
        let columns = try evaluations.map { argument -> (name: String, file: EvaluationFile) in
            let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else {
                throw Failure.usage("\"\(argument)\": expected name=file", remedy: "for example at=at.json")
            }
            do {
                return (parts[0], try JSONDecoder().decode(EvaluationFile.self, from: Data(ReadableFile.contents(of: parts[1]))))
            } catch let error as DecodingError {
                throw Failure.badData("\(parts[1]): no result of sipat evaluate --json (\(error))")
            }
        }
        let epsilons = columns[0].file.results.map(\.epsilon)
        for column in columns where column.file.results.map(\.epsilon) != epsilons {
            throw Failure.usage(
                "\(column.name) was evaluated at other radii than \(columns[0].name)", remedy: "evaluate all with the same --epsilons")
        }
        var text = "| training | " + epsilons.map { $0 == 0 ? "clean" : "ε = \(EvaluationOutput.text($0))" }.joined(separator: " | ") + " |\n"
        text += "| :--- |" + epsilons.map { _ in " ---: |" }.joined()
        for column in columns {
            text += "\n| \(column.name) | " + column.file.results.map { percent($0.accuracy) }.joined(separator: " | ") + " |"
        }
        return text
    }
}
