import ArgumentParser
import Datasets
import Diagnostics
import Experiments
import Images

/// How image files are read, on the command line; what is not given is the run's own, or the standard.
struct ImageFileOptions: ParsableArguments {
    @Option(help: "Of image files: height and width of what the network gets (data.size); the run's if --weights is one, else \(ImagesConfiguration.standardSize).")
    var size: Int?
    @Option(help: "Of image files: 1 (grey) or 3 (colour) (data.channels); the run's, else 3.")
    var channels: Int?
    @Option(help: "Of image files: resize or crop (data.fit); the run's, else resize.")
    var fit: String?
    @Option(help: "Of a folder: a regular expression whose first group, in a file's name, is the label (data.labelFrom); the run's, else labels are folders.")
    var labelFrom: String?
    @Option(help: "Of a folder without splits: share of the images that is the test split (data.testShare); the run's, else 0.2.")
    var testShare: Double?
    @Option(help: "Of a folder without splits: which images these are (data.splitSeed); the run's, else 0.")
    var splitSeed: Int?

    /// - Parameter name: of the data set, where it is given.
    /// - Throws: `Failure.usage` naming the flag that is wrong.
    func request(for name: DatasetLoader.Name?) throws -> EvaluationRequest.Files {
        let given = [
            ("--size", size != nil), ("--channels", channels != nil), ("--fit", fit != nil), ("--label-from", labelFrom != nil), ("--test-share", testShare != nil),
            ("--split-seed", splitSeed != nil),
        ]
        if let name, name != .images, let flag = given.first(where: { $0.1 })?.0 {
            throw Failure.usage("\(flag) is for image files, but --data is \(name.rawValue)", remedy: "leave it out")
        }
        if let size, !(1...4096).contains(size) { throw Failure.usage("--size is \(size), expected 1 to 4096") }
        if let testShare, !(0..<1).contains(testShare) { throw Failure.usage("--test-share is \(testShare), expected 0 or more and less than 1") }
        if let splitSeed, splitSeed < 0 { throw Failure.usage("--split-seed is \(splitSeed), expected 0 or more") }
        var files = EvaluationRequest.Files()
        files.channels = try channels.map { number in
            guard let channels = Channels(rawValue: number) else { throw Failure.usage("--channels is \(number), expected 1 or 3") }
            return channels
        }
        files.size = size
        files.fit = try choice(fit, flag: "--fit")
        files.labelFrom = labelFrom
        files.testShare = testShare
        files.splitSeed = splitSeed.map { UInt64($0) }
        return files
    }
}
