import ArgumentParser
import Diagnostics
import Foundation
import Review

struct StudyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "study", abstract: "Ask people what they notice: clean and perturbed images side by side, in a browser.",
        discussion: """
            sipat study plan --data cifar10 --data-dir cifar-10-batches-bin --weights at=runs/at,sip-at=runs/sip \\
              --epsilons 2/255,4/255,8/255 --trials 100 --catch 0.1 --output study
            sipat study serve study --people alice,bob
            sipat study results study --html study.html
            """,
        subcommands: [StudyPlanCommand.self, StudyServeCommand.self, StudyResultsCommand.self, StudyVerifyCommand.self])
}

struct StudyServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Serve a study to browsers, until it is interrupted. Every answer is on the disk before the next pair shows.",
        discussion: """
            Prints a link for each person: whoever has the link answers in that name. Links stay the same when it is started again, and \
            everybody goes on where they stopped.

            It listens on this machine only. From another one: ssh -L 8080:127.0.0.1:8080 this-machine, and open the link there.
            """)

    @Argument(help: "The folder that sipat study plan made.")
    var study: String
    @OptionGroup var options: ServeOptions

    mutating func validate() throws { study = try expandingTilde(study) }

    func run() throws {
        try reportingFailures {
            let folder = StudyFolder(study)
            _ = try folder.read()
            let known = try options.known(folder.people, otherwise: "observer")
            let opened = try Study(study, people: known.people.map(\.name))
            options.note(removed: opened.end, from: folder.log)
            try options.serve(ReviewServer(opened, people: known), people: known.people)
        }
    }
}

struct StudyResultsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "results", abstract: "Per-cent correct and d′ with 95 % intervals, per radius and method, pooled and per person; who failed the catch trials.",
        discussion: "May be asked while people are at it.")

    @Argument(help: "The folder of the study.")
    var study: String
    @OptionGroup var options: ReportOptions
    @Option(help: "Write a page to look at, too: one file.")
    var html: String?

    mutating func validate() throws {
        study = try expandingTilde(study)
        try expandTilde(&html)
    }

    func run() throws {
        try reportingFailures {
            let language = try options.pageLanguage()
            try requireWritable([("--json", options.json), ("--html", html)], inputs: [study])
            let results = try StudyResults(Study(study))
            if let json = options.json { try writeJSON(results, to: json) }
            if let html { try writeAtomically(Array(results.page(language).utf8), to: html) }
            try Output.result(results.text(language))
        }
    }
}

struct StudyVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Look for changed or missing lines in a study's log, and for changed pictures.",
        discussion: """
            Exit code 65 if there are any. Each line is proved by the next: a change of the last one, and lines cut off at the very end, are \
            found only with --head. Keep that hash elsewhere.
            """)

    @Argument(help: "The folder of the study.")
    var study: String
    @Option(help: "The hash of a line that must be there, as results prints it.")
    var head: String?

    mutating func validate() throws { study = try expandingTilde(study) }

    func run() throws {
        try reportingFailures { try Output.result("\(study): \(try Study(study).verify(head: checkedHead(head)))") }
    }
}
