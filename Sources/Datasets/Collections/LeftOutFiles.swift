import Diagnostics

/// Image files that a run does without, as they cannot be used: `left-out.json` in its folder.
package struct LeftOutFiles: Codable, Sendable, Hashable {
    package static let fileName = "left-out.json"

    package struct File: Codable, Sendable, Hashable {
        /// In the collection's folder.
        package var path: String
        /// What is wrong with it, in the words of `sipat data check`.
        package var reason: String

        package init(path: String, reason: String) {
            self.path = path
            self.reason = reason
        }
    }

    /// `train` or `test`.
    package var split: String
    /// How many images the split had with them.
    package var images: Int
    /// In the order of the images, a path once.
    package var files: [File]

    package init(split: String, images: Int, files: [File]) {
        self.split = split
        self.images = images
        self.files = files
    }

    package var paths: Set<String> { Set(files.map(\.path)) }

    /// A line for people, and one for each of the first files.
    package var notes: [String] {
        guard !files.isEmpty else { return [] }
        return ["warning: \(files.count) of \(images) \(split) images are left out, as they cannot be used (data.skipBad):"]
            + files.prefix(10).map { "  \($0.reason.onOneLine)" } + (files.count > 10 ? ["  … and \(files.count - 10) more"] : [])
    }
}

/// Looks for the files of one split that cannot be used, by decoding them.
package struct UsabilityCheck: Sendable {
    private let collection: ImageCollection
    private let settings: FitSettings
    private let split: DatasetSplit
    /// The split's images among the collection's, each file once.
    private let indices: [Int]
    /// Images of the split, files that are listed again included.
    package let images: Int

    /// - Returns: nil where there is nothing to decode: a packed set.
    /// - Throws: `Failure` as `ImageCollection`.
    package init?(_ configuration: ImagesConfiguration, at path: String, split: DatasetSplit) throws {
        guard !PackedSet.isPackedSet(path) else { return nil }
        self.split = split
        settings = configuration.fitSettings
        let collection = try configuration.open(path)
        self.collection = collection
        let all = collection.entries.indices.filter { collection.entries[$0].split == split }
        images = all.count
        var seen = Set<String>()
        indices = all.filter { seen.insert(collection.entries[$0].path).inserted }
    }

    /// Of every `ranks`-th file, beginning with the `rank`-th, those that cannot be used, each with its place in the order of
    /// all. Decodes each whole: some milliseconds a file.
    ///
    /// - Parameter progress: called now and then with the files done.
    package func run(rank: Int, of ranks: Int, progress: (Int) -> Void = { _ in }) throws -> [(place: Int, file: LeftOutFiles.File)] {
        let places = Array(stride(from: rank, to: indices.count, by: ranks))
        var found: [(place: Int, file: LeftOutFiles.File)] = []
        var number = 0
        try Inspection(collection: collection, settings: settings).run(order: places.map { indices[$0] }, progress: progress) { index, result in
            if case .failure(let failure) = result {
                found.append((places[number], .init(path: collection.entries[index].path, reason: failure.message)))
            }
            number += 1
        }
        return found
    }

    /// All that were found, as a record.
    package func record(_ files: [LeftOutFiles.File]) -> LeftOutFiles { LeftOutFiles(split: split.rawValue, images: images, files: files) }
}
