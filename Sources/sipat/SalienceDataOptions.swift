import ArgumentParser
import Datasets
import Diagnostics
import Foundation
import Images
import MPI
import Salience

/// Which images maps are for, where no recipe says it.
struct SalienceDataOptions: ParsableArguments {
    @Option(help: "\(DatasetLoader.names.joined(separator: ", ")), or the path of a packed set, a folder of images, a manifest, or tar shards.")
    var data: String
    @Option(help: "The folder with the data set's files.")
    var dataDir: String?
    @Option(help: "Of a folder: a regular expression whose first group, in a file's name, is the label (data.labelFrom).")
    var labelFrom = ""
    @Option(help: "Of a folder without splits: share of the images that is the test split (data.testShare).")
    var testShare = 0.2
    @Option(help: "Of a folder without splits: which images these are.")
    var splitSeed = 0
    @Option(help: "Of files: height and width of what is trained on (data.size).")
    var size = ImagesConfiguration.standardSize
    @Option(help: "Of files: resize or crop (data.fit).")
    var fit = "resize"
    @Flag(help: "Of files: leave out what cannot be used, and say so: images (all are decoded first), and annotations that are read.")
    var skipBad = false

    mutating func validate() throws {
        data = try expandingTilde(data)
        try expandTilde(&dataDir)
        guard testShare >= 0, testShare < 1 else { throw ValidationError("--test-share is \(testShare), expected 0 or more and less than 1") }
        guard splitSeed >= 0 else { throw ValidationError("--split-seed is \(splitSeed), expected 0 or more") }
        guard (1...4096).contains(size) else { throw ValidationError("--size is \(size), expected 1 to 4096") }
        guard FitRule(rawValue: fit) != nil else { throw ValidationError("--fit is \"\(fit)\", expected resize or crop") }
    }

    private func configuration(without leftOut: Set<String> = []) -> ImagesConfiguration {
        var images = ImagesConfiguration()
        let path = DatasetLoader.Name(rawValue: data) == .images ? dataDir ?? "" : data
        // A packed set has its size.
        if !PackedSet.isPackedSet(path) {
            images.size = size
            images.fit = FitRule(rawValue: fit) ?? .resize
        }
        images.collection = CollectionOptions(labelFrom: labelFrom, testShare: testShare, seed: UInt64(splitSeed))
        images.leftOut = leftOut
        return images
    }

    /// Paths of the files to do without, as --skip-bad asks; told on standard error. Decodes all files, some milliseconds each.
    ///
    /// - Parameter communicator: whose ranks share the work; then collective.
    func leftOut(_ communicator: Communicator? = nil) throws -> Set<String> {
        let path = DatasetLoader.Name(rawValue: data).map { $0 == .images ? dataDir : nil } ?? data
        guard skipBad, let path else { return [] }
        let found = try DatasetSplit.allCases.compactMap { split -> LeftOutFiles? in
            if let communicator { return try LeftOutFiles.agree(configuration(), at: path, split: split, known: nil, communicator: communicator) }
            guard let check = try UsabilityCheck(configuration(), at: path, split: split) else { return nil }
            return try check.record(check.run(rank: 0, of: 1).map(\.file))
        }
        if communicator?.rank ?? 0 == 0 { for note in found.flatMap(\.notes) { Output.complain(note) } }
        return found.reduce(into: []) { $0.formUnion($1.paths) }
    }

    /// One split.
    ///
    /// - Parameters:
    ///   - leftOut: files to do without.
    ///   - synthetic: what the built-in data look like; nil for the standard.
    func source(_ split: DatasetSplit, without leftOut: Set<String>, synthetic: SyntheticConfiguration? = nil) throws -> any ImageSource {
        try DatasetLoader.source(name: data, directory: dataDir, synthetic: synthetic ?? .init(), images: configuration(without: leftOut), split: split)
    }

    /// Every split that holds images, training first.
    func sources(without leftOut: Set<String>, synthetic: SyntheticConfiguration? = nil) throws -> [(split: DatasetSplit, images: any ImageSource)] {
        try DatasetLoader.sources(name: data, directory: dataDir, synthetic: synthetic ?? .init(), images: configuration(without: leftOut))
    }

    /// What must not be overwritten.
    var inputs: [String] { [data, dataDir].compactMap { $0 }.filter { FileManager.default.fileExists(atPath: $0) } }
}

/// Makes sure that a store can be written where it is to go, and that nothing but a store is replaced.
func requireRoom(forStore output: String, force: Bool, inputs: [String]) throws {
    guard !output.isEmpty else { throw Failure.usage("--output is empty", remedy: "name a folder") }
    for input in inputs where isSameFile(input, output) {
        throw Failure.usage("--output \(output) would overwrite what is read from \(input)", remedy: "name another folder")
    }
    let path = output.count > 1 && output.hasSuffix("/") ? String(output.dropLast()) : output
    guard FileManager.default.fileExists(atPath: path) else {
        // The folder that it comes to lie in must take files.
        return try requireWritable([("--output", path)], inputs: [])
    }
    guard force else { throw Failure.usage("\(output) exists already", remedy: "name another folder, or give --force") }
    guard SalienceStore.isStore(path) else {
        throw Failure.usage("\(output) is there and holds no salience maps, so it is not replaced", remedy: "name another folder")
    }
}
