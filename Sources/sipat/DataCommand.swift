import ArgumentParser
import Datasets
import Diagnostics
import Experiments
import Foundation
import Images
import MPI

struct DataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data", abstract: "Look at image files, and pack them for training.", subcommands: [DataCheckCommand.self, DataPackCommand.self])
}

/// Where images are and which is which.
struct CollectionOptionsGroup: ParsableArguments {
    @Option(help: "A regular expression whose first group, in a file's name without extension, is the label, such as '^(.*)_[0-9]+'; without it labels are folders.")
    var labelFrom = ""
    @Option(help: "Share of the images that becomes the test split, where there is none: stratified, groups together.")
    var testShare = 0.2
    @Option(help: "Which images these are.")
    var seed = 0
    @Option(help: "Images of more pixels are refused.")
    var maximumPixels = PixelLimit.standard.maximum

    func validate() throws {
        guard testShare >= 0, testShare < 1 else { throw ValidationError("--test-share is \(testShare), expected 0 or more and less than 1") }
        guard seed >= 0 else { throw ValidationError("--seed is \(seed), expected 0 or more") }
        guard maximumPixels > 0 else { throw ValidationError("--maximum-pixels is \(maximumPixels), expected 1 or more") }
    }

    /// - Parameter anew: whether shards are read whatever an index beside them says, and none is written.
    func collection(at path: String, anew: Bool = false) throws -> ImageCollection {
        try ImageCollection(at: path, options: CollectionOptions(labelFrom: labelFrom, testShare: testShare, seed: UInt64(seed)), anew: anew)
    }

    var limit: PixelLimit { PixelLimit(maximum: maximumPixels, setting: "--maximum-pixels") }
}

struct DataCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Say what images there are and what is wrong with them, file by file. Changes nothing.",
        discussion: """
            The images are class folders (train/<class>/…, test/<class>/…, or <class>/…), a manifest (CSV or JSON Lines with path
            and label, and where there are split, group, salience, boxes), or any folder with --label-from. A packed set is
            compared with its hash. Exit code 65 if a file cannot be used.

            The line "contents" is a hash of every byte of every file, with paths, labels and splits. Started on several hosts,
            mpirun -n 4 --map-by ppr:1:node sipat data check steel/, it compares their copies, and names the host that differs.
            """)

    @Argument(help: "A folder, a manifest, or a packed set.")
    var path: String
    @OptionGroup var options: CollectionOptionsGroup

    func run() throws {
        guard Sipat.ranks > 1 else {
            _ = try reportingFailures { try check { try Output.result($0) } }
            return
        }
        try Session.withSession { session in
            let world = session.world
            let contents = try world.agreeing { try check { if world.rank == 0 { try Output.result($0) } } }
            try RankFingerprint.compare(data: contents, compute: nil, communicator: world)
            try world.agreeing {
                if world.rank == 0 { try Output.result("the same on all \(world.size) ranks") }
            }
        }
    }

    /// - Returns: what is equal for equal data.
    private func check(_ say: (String) throws -> Void) throws -> String {
        if PackedSet.isPackedSet(path) { return try checkPacked(say) }
        let collection = try options.collection(at: path, anew: true)
        try say(CollectionText.contents(of: collection))
        var shown = ImagesDone()
        let report = try CollectionReport(collection, limit: options.limit) { if Sipat.speaks { shown.note($0, of: collection.entries.count) } }
        try say(CollectionText.findings(report, in: collection))
        guard report.problems.isEmpty else {
            throw Failure.badData(
                "\(path): \(report.problems.count) of \(collection.entries.count) files cannot be used, as listed",
                remedy: "mend them, or leave them out: sipat data pack --skip-bad, sipat train --skip-bad")
        }
        return "contents \(report.contents)"
    }

    private func checkPacked(_ say: (String) throws -> Void) throws -> String {
        var fingerprints: [String] = []
        let splits = try PackedSet.splits(of: path)
        for split in DatasetSplit.allCases {
            guard splits.contains(split) else {
                try say("\(split.rawValue): no images")
                continue
            }
            let part = try PackedSet(path, split: split)
            try part.verify()
            fingerprints.append(part.fingerprint)
            try say("\(split.rawValue): \(part.count) images of \(part.imageShape) in \(part.classes) classes, as they were packed")
        }
        return fingerprints.joined(separator: ", ")
    }
}

struct DataPackCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pack", abstract: "Decode images once and write them at one size, to train from.",
        discussion: "sipat data pack steel/ --size 64 --channels 1 --label-from '^(.*)_[0-9]+' --test-share 0.2 --output steel.pack")

    @Argument(help: "A folder or a manifest.")
    var path: String
    @OptionGroup var options: CollectionOptionsGroup
    @Option(help: "Height and width of the packed images.")
    var size = ImagesConfiguration.standardSize
    @Option(help: "1 (grey) or 3 (colour).")
    var channels = 3
    @Option(help: "resize (the whole image) or crop (its middle).")
    var fit = "resize"
    @Flag(help: "Leave out files that cannot be used, and record them.")
    var skipBad = false
    @Option(help: "The folder to write.")
    var output: String
    @Flag(help: "Replace the folder if it is there.")
    var force = false

    func run() throws {
        try reportingFailures {
            guard (1...4096).contains(size) else { throw Failure.usage("--size is \(size), expected 1 to 4096", remedy: "32 to 224 is common") }
            guard let channels = Channels(rawValue: channels) else {
                throw Failure.usage("--channels is \(channels), expected 1 or 3", remedy: "1 for grey, 3 for colour")
            }
            guard let rule = FitSettings.Rule(rawValue: fit) else {
                throw Failure.usage("--fit is \"\(fit)\", expected resize or crop", remedy: "resize keeps the whole image, crop its proportions")
            }
            try requireRoom()
            let collection = try options.collection(at: path)
            try collection.requireWholeGroups()
            let settings = FitSettings(size: PixelSize(width: size, height: size), channels: channels, rule: rule, limit: options.limit)
            var shown = ImagesDone()
            let writer = PackWriter(collection: collection, settings: settings, skipsBadFiles: skipBad, source: URL(fileURLWithPath: path).path)
            let outcome = try writer.write(to: output) { shown.note($0, of: collection.entries.count) }
            try Output.result("\(output): \(outcome.train) training and \(outcome.test) test images of \(settings.shape) in \(collection.classNames.count) classes")
            for problem in outcome.skipped { try Output.result("left out: \(problem.failure.message.onOneLine)") }
        }
    }

    /// What is replaced, once the new set is complete, must be a packed set, and not what is read.
    private func requireRoom() throws {
        guard !output.isEmpty else { throw Failure.usage("--output is empty", remedy: "name a folder") }
        guard FileManager.default.fileExists(atPath: output) else { return }
        guard !isSameFile(path, output), !DataPackCommand.lies(path, in: output) else {
            throw Failure.usage("--output \(output) would overwrite what is read from \(path)", remedy: "name another folder")
        }
        guard force else { throw Failure.usage("\(output) exists already", remedy: "name another folder, or give --force") }
        guard PackedSet.isPackedSet(output) else {
            throw Failure.usage("\(output) is there and is no packed set, so it is not replaced", remedy: "name another folder")
        }
    }

    private static func lies(_ path: String, in folder: String) -> Bool {
        func real(_ path: String) -> String { URL(fileURLWithPath: path).resolvingSymlinksInPath().path }
        return real(path).hasPrefix(real(folder) + "/")
    }
}

/// Says every few seconds how far the images are.
private struct ImagesDone {
    private var line = ProgressLine()
    private var last = monotonicSeconds()

    mutating func note(_ done: Int, of total: Int) {
        guard monotonicSeconds() - last > 2 else { return }
        last = monotonicSeconds()
        line.note("\(done)/\(total) images")
    }
}
