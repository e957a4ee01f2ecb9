import ArgumentParser
import Datasets
import Diagnostics
import Foundation
import Review

struct ReviewPlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Put the images in order and plant honeypots; say how long the review would take.",
        discussion: """
            Every image comes once: the most doubtful first, a random share (--audit) among them. Only that share speaks for images that
            nobody looks at; sipat review status says when it is good enough to stop.

            Doubtful: maps that differ from other --maps, that lie near the threshold, that mark much more or less than others of their
            class, images that a model gets wrong or that fall under attack (--results, of sipat evaluate), images without a map.

            Each map is read once, thousands a second for small images, and the folder is written at the end: a plan that was stopped is
            simply made again.
            """)

    @OptionGroup var source: SalienceDataOptions
    @Option(help: "train, test, or both as train,test.")
    var split = "train"
    @Option(help: "The maps to be reviewed; given again, others to be compared with them.")
    var maps: [String]
    @Option(help: "Maps known to be right, for honeypots.")
    var trusted: String?
    @Option(
        help: """
            What sipat evaluate found on these images, its folder (--output) or its lines (--per-sample): images that a model gets wrong, or that \
            fall under attack, come early. Given again: of the next split.
            """)
    var results: [String] = []
    @Option(help: "A text that says what counts as salient and who may decide; shown in the page, named by its hash in every record.")
    var policy: String?
    @Option(help: "From which value on a pixel is shown as salient.")
    var threshold = ReviewSettings().threshold
    @Option(help: "Share of the queue that is drawn at random from all images.")
    var audit = ReviewSettings().audit
    @Option(help: "Images shown with a map of known quality, as a share of all; at least 20 right and 20 wrong ones where there is room.")
    var honeypots = ReviewSettings().honeypots
    @Option(help: "Share shown to a second person.")
    var double = ReviewSettings().double
    @Option(help: "Share shown again to the same person.")
    var again = ReviewSettings().again
    @Option(help: "Share shown without the map first.")
    var blind = ReviewSettings().blind
    @Flag(help: "One class after the other.")
    var byClass = false
    @Option(help: "The rest is good enough when, with 95 % confidence, no more than this share of it is wrong.")
    var goodEnough = ReviewSettings().goodEnough
    @Option(help: "Which images are drawn.")
    var seed: UInt64 = 0
    @Option(help: "The folder to make.")
    var output: String

    mutating func validate() throws {
        output = try expandingTilde(output)
        maps = try maps.map { try expandingTilde($0) }
        try expandTilde(&trusted)
        try expandTilde(&policy)
        results = try results.map { try expandingTilde($0) }
    }

    func run() throws {
        try reportingFailures { try plan() }
    }

    private func plan() throws {
        let folder = ReviewFolder(output)
        // What a plan that was stopped may have left.
        let unfinished = [folder.queue, folder.honeypots, folder.policy].map { pathName($0) }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        if names.contains(where: { !unfinished.contains($0) && !$0.hasPrefix(incompletePrefix) }) {
            throw Failure.usage("\(output) is there and is not empty", remedy: "name another folder: decisions are never overwritten")
        }
        var settings = ReviewSettings()
        (settings.seed, settings.threshold, settings.audit, settings.honeypots) = (seed, threshold, audit, honeypots)
        (settings.double, settings.again, settings.blind, settings.byClass, settings.goodEnough) = (double, again, blind, byClass, goodEnough)
        try settings.check()
        let isPath = DatasetLoader.Name(rawValue: self.source.data) == nil
        var source = ReviewPlan.Data(
            data: isPath ? absolutePath(self.source.data) : self.source.data, dataDir: self.source.dataDir.map(absolutePath))
        (source.labelFrom, source.testShare, source.splitSeed) = (self.source.labelFrom, self.source.testShare, self.source.splitSeed)
        (source.size, source.fit) = (self.source.size, self.source.fit)
        let leftOut = try self.source.leftOut()
        source.leftOut = leftOut.isEmpty ? nil : leftOut.sorted()
        source.splits = split.split(separator: ",").map(String.init)
        guard Set(source.splits).count == source.splits.count, !source.splits.isEmpty else { throw Failure.usage("--split is \"\(split)\", expected train, test, or train,test") }
        let material = try ReviewMaterial(source, maps: maps.map(absolutePath), trusted: trusted.map(absolutePath))
        let text = try policy.map { try ReadableFile.contents(of: $0, limit: 1 << 20) } ?? Array(ReviewPlanCommand.standardPolicy.utf8)
        guard String(validating: text, as: UTF8.self) != nil else { throw Failure.badData("\(policy ?? ""): is not UTF-8 text", remedy: "save it as plain text") }
        var planner = try ReviewPlanner(material, settings: settings)
        guard results.count <= material.parts.count else {
            throw Failure.usage("--results is given \(results.count) times, --split names \(material.parts.count)", remedy: "give one for each split, in their order")
        }
        for (number, path) in results.enumerated() {
            let (mistaken, attacked) = try HardImages.read(path, part: material.parts[number])
            planner.mistaken.formUnion(mistaken.map { material.number(of: $0, part: number) })
            planner.attacked.formUnion(attacked.map { material.number(of: $0, part: number) })
        }
        var progress = ProgressLine()
        var last = monotonicSeconds()
        let summary = try planner.write(
            to: folder, data: source, maps: maps.map(absolutePath), trusted: trusted.map(absolutePath), policy: text,
            createdBy: "sipat \(Sipat.configuration.version)"
        ) { done, all in
            guard monotonicSeconds() - last > 2 else { return }
            last = monotonicSeconds()
            progress.note("\(done)/\(all) images")
        }
        try Output.result(describe(summary, count: material.count))
    }

    private func describe(_ summary: ReviewPlanner.Summary, count: Int) -> String {
        func number(_ kind: ReviewItem.Kind) -> Int { summary.items.count { $0.kind == kind } }
        var lines = [
            "\(output): \(count) images, shown \(summary.items.count) times: \(number(.doubtful)) in order of doubt, \(number(.audit) - summary.honeypots.count) at random, "
                + "\(summary.honeypots.count) honeypots (\(summary.honeypots.count { $0.isRight }) right, \(summary.honeypots.count { !$0.isRight }) wrong), "
                + "\(number(.second)) to a second person, \(number(.again)) once more to the same; \(summary.items.count { $0.blind }) with the map hidden first"
        ]
        let reasons = Dictionary(grouping: summary.items.filter { $0.kind == .doubtful && $0.score >= 0.9 }, by: \.reason).mapValues(\.count)
        if !reasons.isEmpty {
            lines.append("most doubtful tenth: " + reasons.sorted { $0.value > $1.value }.map { "\($0.key.rawValue) \($0.value)" }.joined(separator: ", "))
        }
        let forecast = ReviewForecast(summary.items, honeypots: summary.honeypots, images: count, goodEnough: summary.plan.settings.goodEnough)
        lines.append(forecast.text(goodEnough: summary.plan.settings.goodEnough))
        lines += summary.plan.notes.map { "note: \($0)" }
        lines.append("Next: sipat review serve \(output)")
        return lines.joined(separator: "\n")
    }

    private static let standardPolicy = """
        No policy was given when this review was planned (--policy).

        Salient is what a careful person would look at to tell the class of the image. Mark all of it, and nothing else.
        Unsure: better say so than guess.

        """
}
