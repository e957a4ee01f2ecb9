import ArgumentParser
import Diagnostics
import Foundation
import Review

struct ReviewStatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Say what is decided and left, how far people agree, and what the random share says of the rest.",
        discussion: "May be asked while people are at it.")

    @Argument(help: "The folder of the review.")
    var review: String
    @OptionGroup var options: ReportOptions

    mutating func validate() throws { review = try expandingTilde(review) }

    func run() throws {
        try reportingFailures {
            let language = try options.pageLanguage()
            try requireWritable([("--json", options.json)], inputs: [review])
            let known = try ReviewPeople.read(ReviewFolder(review).people)
            let opened = try Review(review, people: known.people.map(\.name))
            let status = try ReviewStatus(opened, material: ReviewMaterial(opened.plan))
            if let json = options.json { try writeJSON(status, to: json) }
            try Output.result(status.text(language))
        }
    }
}

struct ReviewExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write maps that train and evaluate take, with whose word each is.",
        discussion: """
            Images that nobody decided keep their map and its maker's word. Wrong without a correction: unseen. The folder also holds the
            policy, and review.jsonl: who decided each image, when, from which map, in which line of the log.
            """)

    @Argument(help: "The folder of the review.")
    var review: String
    @Option(help: "The folder to write.")
    var output: String
    @Flag(help: "Replace maps that are there.")
    var force = false

    mutating func validate() throws {
        review = try expandingTilde(review)
        output = try expandingTilde(output)
    }

    func run() throws {
        try reportingFailures {
            try requireReplaceable()
            let opened = try Review(review)
            _ = try opened.verify(head: nil)
            let material = try ReviewMaterial(opened.plan)
            let counts = try ReviewExport(opened, material: material).write(to: output, createdBy: "sipat \(Sipat.configuration.version)")
            let decided = ReviewAction.allCases.compactMap { action in counts.actions[action].map { "\(action.rawValue) \($0)" } }
            try Output.result(
                """
                \(output): \(material.count) images; \(decided.isEmpty ? "nobody decided anything" : decided.joined(separator: ", ")); \(counts.untouched) as they were
                policy \(opened.plan.policyHash)
                log head \(opened.end.head): keep it elsewhere, and sipat review verify --head can tell whether the last line was changed, or anything cut off, later
                """)
        }
    }

    private func requireReplaceable() throws {
        guard !output.isEmpty else { throw Failure.usage("--output is empty", remedy: "name a folder") }
        guard !isSameFile(review, output) else { throw Failure.usage("--output \(output) is the review itself", remedy: "name another folder") }
        guard FileManager.default.fileExists(atPath: output) else { return try requireWritable([("--output", output.hasSuffix("/") ? String(output.dropLast()) : output)], inputs: []) }
        let plan = try ReviewFolder(review).readPlan().plan
        // A data set that is built in has a name, not a path.
        let inputs = plan.maps + [plan.trusted, plan.data.dataDir, plan.data.data].compactMap { $0 }
        for input in inputs.filter({ $0.hasPrefix("/") }) + [review] where isInside(input) {
            throw Failure.usage("--output \(output) holds \(input), which the review is about: it would be lost", remedy: "name another folder")
        }
        guard force else { throw Failure.usage("\(output) exists already", remedy: "name another folder, or give --force") }
        guard FileManager.default.fileExists(atPath: output + "/salience.json") else {
            throw Failure.usage("\(output) is there and holds no salience maps, so it is not replaced", remedy: "name another folder")
        }
    }

    /// Whether `--output` is this file or folder, or holds it, through links too.
    private func isInside(_ input: String) -> Bool {
        var place = URL(fileURLWithPath: input).resolvingSymlinksInPath().standardizedFileURL.path
        while true {
            if isSameFile(place, output) { return true }
            let folder = pathFolder(place)
            guard folder != place, folder != "." else { return false }
            place = folder
        }
    }
}

/// The hash given as `--head`, as logs write it.
///
/// - Throws: `Failure.usage` when it is none.
func checkedHead(_ head: String?) throws -> String? {
    guard let given = head else { return nil }
    let hash = given.trimmingCharacters(in: .whitespaces).lowercased()
    guard hash.utf8.count == 64, hash.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }) else {
        throw Failure.usage("--head is \"\(given)\", expected the 64 hexadecimal digits of a line's hash", remedy: "it stands at the end of what verify prints")
    }
    return hash
}

struct ReviewVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Look for changed or missing lines in a review's log, and for changed files.",
        discussion: """
            Exit code 65 if there are any. Each line is proved by the next: a change of the last one, and lines cut off at the very end, are \
            found only with --head. Keep that hash elsewhere.
            """)

    @Argument(help: "The folder of the review.")
    var review: String
    @Option(help: "The hash of a line that must be there, as status and export print it.")
    var head: String?

    mutating func validate() throws { review = try expandingTilde(review) }

    func run() throws {
        try reportingFailures { try Output.result("\(review): \(try Review(review).verify(head: checkedHead(head)))") }
    }
}
