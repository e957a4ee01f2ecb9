import ArgumentParser
import Diagnostics
import Training

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Compare two runs, bit for bit.",
        discussion: "Exit code 0 if they are equal as far as both go, 65 if not: then the first difference is named.")

    @Argument(help: "A run's folder.")
    var first: String
    @Argument(help: "Another run's folder.")
    var second: String

    mutating func validate() throws { (first, second) = (try expandingTilde(first), try expandingTilde(second)) }

    func run() throws {
        let comparison = try reportingFailures {
            let comparison = try RunComparison(first, second)
            try Output.result(comparison.text)
            return comparison
        }
        if !comparison.isEqual { throw ExitCode(Failure.Kind.badData.rawValue) }
    }
}
