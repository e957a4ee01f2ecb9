import ArgumentParser
import Diagnostics
import Review

/// In which forms and language something is told.
struct ReportOptions: ParsableArguments {
    @Option(help: "Write everything as JSON, too.")
    var json: String?
    @Option(help: "en or ja.")
    var language = "en"

    mutating func validate() throws { try expandTilde(&json) }

    /// - Throws: `Failure.usage` for a language that pages do not speak.
    func pageLanguage() throws -> PageLanguage { try choice(language, flag: "--language")! }
}
