import ArgumentParser
import Datasets
import Diagnostics
import Experiments
import MPI
import Salience

struct SalienceCompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare", abstract: "Score maps against others that count as the truth.",
        discussion: """
            sipat salience compare --data steel.pack steel-boxes steel-auto

            Prints, per class and over all images, the mean of each score with a 95 % interval, beside three controls: a random blob \
            of the truth's area, another image's truth, and the centre prior. A map that does no better than these says nothing.

            cc           Pearson's correlation of map and truth
            sim          similarity: the common part of both as distributions
            kl           Kullback-Leibler divergence of the truth from the map (0 is best)
            nss          normalised scanpath salience: mean of the standardised map over the truth's pixels
            auc          AUC-Judd: chance that a pixel of the truth has more salience than another, ties counting a half
            shuffled-auc the same against the truths of all other images, which cancels a bias to the centre
            iou          overlap of what both protect at the threshold
            iou-equal-area  overlap of the truth and as many most salient pixels
            iou-coverage overlap of the truth and the share --coverage of most salient pixels
            pointing     whether the greatest value lies in the truth
            energy       share of the map's sum that lies in the truth
            """)

    @OptionGroup var data: SalienceDataOptions
    @Option(help: "train or test.")
    var split = "train"
    @Option(help: "A pixel is salient if 1 − salience is less than this.")
    var threshold = 0.5
    @Option(help: "Also the overlap of this share of the image, the map's most salient pixels.")
    var coverage: Double?
    @Option(help: "The ε of kl; where a map is zero inside the truth, it decides.")
    var epsilon = 0x1p-52
    @Option(help: "Of the controls and the intervals.")
    var seed = 0
    @Option(help: "The scores to print, comma-separated; the JSON has all.")
    var scores: String?
    @Option(help: "Write all of it as JSON.")
    var json: String?
    @Argument(help: ArgumentHelp("Maps: the truth, then those to be scored; each may have a name before it, as in boxes=steel-boxes.", valueName: "maps"))
    var maps: [String]

    mutating func validate() throws {
        try expandTilde(&json)
    }

    func run() throws {
        try Session.withSession { session in try compare(session.world) }
    }

    private func compare(_ world: Communicator) throws {
        let (comparison, shown) = try world.agreeing { try (prepare(), shownScores()) }
        let start = monotonicSeconds()
        var lastShown = start
        let report = try comparison.run(communicator: world) { done, total in
            guard world.rank == 0, monotonicSeconds() - lastShown > 5 else { return }
            lastShown = monotonicSeconds()
            // The tables are what goes to standard output.
            Output.complain("\(done * world.size)/\(total * world.size) images, \(duration((lastShown - start) / Double(done) * Double(total - done))) left")
        }
        try world.agreeing {
            guard let report else { return }
            if let json { try writeJSON(report, to: json) }
            try Output.result(report.tables(shown))
        }
    }

    private func prepare() throws -> SalienceComparison {
        guard threshold > 0, threshold <= 1 else { throw Failure.usage("--threshold is \(threshold), expected a number above 0 and at most 1") }
        if let coverage, !(coverage > 0 && coverage <= 1) {
            throw Failure.usage("--coverage is \(coverage), expected a number above 0 and at most 1")
        }
        guard epsilon > 0, epsilon.isFinite else { throw Failure.usage("--epsilon is \(epsilon), expected more than 0") }
        guard seed >= 0 else { throw Failure.usage("--seed is \(seed), expected 0 or more") }
        let named = try maps.map(Self.named)
        guard named.count >= 2 else {
            throw Failure.usage("\(named.count) maps are given, expected the truth and one or more others", remedy: "for example: boxes auto")
        }
        if let twice = named.indices.first(where: { here in named[..<here].contains { $0.name == named[here].name } }) {
            throw Failure.usage("two maps are called \(named[twice].name)", remedy: "give them names: one=\(named[twice].path)")
        }
        if let control = SalienceControl.allCases.first(where: { control in named.contains { $0.name == control.rawValue } }) {
            throw Failure.usage("maps are called \(control.rawValue), which is the name of a control", remedy: "give them another: mine-\(control.rawValue)=PATH")
        }
        try requireWritable([("--json", json)], inputs: named.map(\.path) + data.inputs)
        let part: DatasetSplit = try choice(split, flag: "--split") ?? .train
        return try SalienceComparison(
            dataset: data.source(part, without: data.leftOut()), split: part, truth: named[0], others: Array(named[1...]),
            settings: ScoreSettings(threshold: Float(threshold), coverage: coverage, epsilon: epsilon), seed: UInt64(seed))
    }

    private func shownScores() throws -> [Score] {
        let known = ScoreSettings(coverage: coverage).scores
        guard let scores else { return known }
        return try scores.split(separator: ",").map { name in
            let score: Score = try choice(String(name), flag: "--scores")!
            guard known.contains(score) else { throw Failure.usage("--scores names \(score.rawValue), which needs --coverage") }
            return score
        }
    }

    /// `name=path`, or a path, which is its own name.
    private static func named(_ argument: String) throws -> (name: String, path: String) {
        let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2, !parts[0].contains("/") else { return (pathName(argument), try expandingTilde(argument)) }
        return (parts[0], try expandingTilde(parts[1]))
    }
}
