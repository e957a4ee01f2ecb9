import ArgumentParser
import Datasets
import Diagnostics
import Experiments
import Foundation
import Images

struct SalienceSheetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sheet", abstract: "Draw a contact sheet: images, their maps, and what the maps protect.",
        discussion: """
            sipat salience sheet --data steel.pack steel-boxes --output sheet.png

            Rows are classes; of each image there are three tiles: the image, its map, and the protected pixels, the rest faded.
            A grey frame: nobody looked at it. A blue frame: somebody looked and found nothing.
            """)

    @OptionGroup var data: SalienceDataOptions
    @Argument(help: "A folder of maps, or an array (.npy).")
    var maps: String
    @Option(help: "train or test.")
    var split = "train"
    @Option(help: "How many images, evenly over the classes.")
    var images = 24
    @Option(help: "Which images these are.")
    var seed = 0
    @Option(help: "The binary mask's threshold.")
    var threshold = 0.5
    @Option(help: "The PNG file to write.")
    var output: String

    mutating func validate() throws {
        maps = try expandingTilde(maps)
        output = try expandingTilde(output)
    }

    func run() throws {
        try reportingFailures {
            let split: DatasetSplit = try choice(split, flag: "--split")!
            guard threshold > 0, threshold <= 1 else { throw Failure.usage("--threshold is \(threshold), expected a number above 0 and at most 1") }
            guard (1...10_000).contains(images) else { throw Failure.usage("--images is \(images), expected 1 to 10000") }
            guard seed >= 0 else { throw Failure.usage("--seed is \(seed), expected 0 or more") }
            try requireWritable([("--output", output)], inputs: data.inputs + [maps])
            let dataset = try data.source(split, without: data.leftOut()).attachingSalience(from: maps, split: split)
            let sheet = try ContactSheet(dataset, images: images, seed: UInt64(seed), threshold: Float(threshold))
            try sheet.image().writePNG(to: output)
            let rows = sheet.legend.enumerated().map { "row \($0 + 1)  \($1)" }
            try Output.result("\(output): \(dataset.salienceCounts.summary) in the \(split.rawValue) split\n\(rows.joined(separator: "\n"))")
        }
    }
}
