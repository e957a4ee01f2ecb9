import ArgumentParser
import Diagnostics
import Foundation
import Pilot

struct PilotReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Write what a finished pilot found: report.html and report.json.",
        discussion: "One file without scripts, and without anything from elsewhere; it can be printed. Both languages show the same numbers.")

    @Argument(help: "The pilot's folder.")
    var pilot: String
    @Option(help: "\(PilotLanguage.allCases.map(\.rawValue).joined(separator: " or ")).")
    var language = PilotLanguage.english.rawValue
    @Option(help: "The page's file (report.html in the pilot's folder); none of the pilot's own files.")
    var output: String?

    mutating func validate() throws {
        pilot = try expandingTilde(pilot)
        try expandTilde(&output)
    }

    func run() throws {
        try reportingFailures {
            guard let language = PilotLanguage(rawValue: language) else {
                throw Failure.usage("--language is \"\(language)\", expected \(PilotLanguage.allCases.map(\.rawValue).joined(separator: " or "))")
            }
            let page = output ?? pilot + "/" + PilotFolder.page
            let builder = try PilotReportBuilder(pilot)
            try requireWritable([("--output", output), (PilotFolder.report, pilot + "/" + PilotFolder.report)], inputs: builder.inputs)
            for warning in builder.warnings { Output.progress(warning + "\n") }
            let (report, cost, pictures) = (try builder.report(), try builder.cost(), try builder.pictures())
            let document = PilotPage(report: report, cost: cost, material: pictures.material, pictures: pictures.models, language: language).document
            try writeJSON(report, to: pilot + "/" + PilotFolder.report)
            try writeAtomically(Array(document.utf8), to: page)
            try Output.result("\(PilotWords(language).summary(report))\n\(page)")
        }
    }
}

struct PilotExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write a pilot's results for others to compare with.",
        discussion: "Without images, and without names of people, files, classes and places. Look at the file before you give it away.")

    @Argument(help: "The pilot's folder.")
    var pilot: String
    @Flag(help: "Leave out images and names. There is no other way to export.")
    var share = false
    @Option(help: "The file to write.")
    var output: String

    mutating func validate() throws {
        pilot = try expandingTilde(pilot)
        output = try expandingTilde(output)
    }

    func run() throws {
        try reportingFailures {
            guard share else { throw Failure.usage("--share is missing", remedy: "sipat pilot export \(shellQuoted(pilot)) --share --output \(shellQuoted(output)); all numbers are in \(pilot)/\(PilotFolder.report)") }
            let shared = try SharedPilot(try PilotReportBuilder(pilot).report())
            try requireWritable([("--output", output)], inputs: [pilot])
            try writeJSON(shared, to: output)
            try Output.result("\(output): \(shared.methods.count) methods, no images, no names")
        }
    }
}

struct PilotCompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare", abstract: "Put several pilots side by side.",
        discussion: "sipat pilot compare here.json there.json\nTakes files of sipat pilot export --share, and report.json of one's own.")

    @Argument(help: "Files, as many as you like.")
    var files: [String]

    mutating func validate() throws { files = try files.map { try expandingTilde($0) } }

    func run() throws {
        try reportingFailures {
            guard files.count >= 2 else { throw Failure.usage("one file only", remedy: "give two or more: sipat pilot compare a.json b.json") }
            let columns = try zip(PilotTable.heads(files), files).map { (name: $0, pilot: try SharedPilot(contentsOf: $1)) }
            try Output.result(PilotTable(columns).text)
        }
    }
}
