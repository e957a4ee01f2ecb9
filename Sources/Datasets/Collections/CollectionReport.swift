import Diagnostics
import Images

/// What `data check` finds in a collection.
package struct CollectionReport: Sendable {
    /// A file that cannot be used.
    package struct Problem: Sendable, Hashable {
        package let path: String
        package let failure: Failure
    }

    /// Images of one content, or nearly so.
    package struct Duplicates: Sendable, Hashable {
        package let paths: [String]
        /// Whether some are in the training and others in the test split.
        package let crossesSplits: Bool
        /// Whether they have different labels.
        package let crossesLabels: Bool
    }

    /// How many pairs are nearly the same, and no exact duplicates.
    package struct NearPairs: Sendable, Hashable {
        package var count = 0
        package var crossingSplits = 0
        package var crossingLabels = 0
        /// Sets of images that such pairs join.
        package var sets = 0
    }

    package private(set) var problems: [Problem] = []
    package private(set) var exactDuplicates: [Duplicates] = []
    package private(set) var nearPairs = NearPairs()
    /// Of `nearPairs` about the first ten of each set, and the first that cross splits or labels: n alike images make n²/2 pairs.
    package private(set) var nearDuplicates: [Duplicates] = []
    /// False where there were too many images for it.
    package private(set) var searchedNear = true
    /// How many images have each upright size, most first.
    package private(set) var sizes: [(size: PixelSize, count: Int)] = []
    package private(set) var formats: [String: Int] = [:]
    /// Files whose name says another format than their content.
    package private(set) var misnamed: [String] = []
    /// How many are turned by EXIF.
    package private(set) var turned = 0
    /// A hash of every byte of every file that could be read, with paths, labels and splits, in order: equal for equal data sets.
    package private(set) var contents = ""

    private static let pairsOfSet = 10

    /// Decodes every image. Memory: some images, and 100 bytes for each, more for duplicates.
    ///
    /// - Parameter progress: called with the number of images done.
    package init(_ collection: ImageCollection, limit: PixelLimit = .standard, progress: (Int) -> Void = { _ in }) throws {
        var used: [Int] = []
        var hashes: [UInt64] = []
        var pictures: [SIMD4<UInt64>] = []
        let searchesNear = collection.entries.count <= DuplicateSearch.nearLimit
        var sizes: [PixelSize: Int] = [:]
        var contents = ContentHash()
        let order = Array(collection.entries.indices)
        try Inspection(collection: collection, settings: nil, limit: limit).run(order: order, progress: progress) { index, result in
            let entry = collection.entries[index]
            let path = entry.path
            contents.combine(text: path)
            contents.combine(text: "\(collection.classNames[Int(entry.label)]) \(entry.split?.rawValue ?? "")")
            withUnsafeBytes(of: ((try? result.get().fileHash) ?? 0).littleEndian) { contents.combine($0) }
            switch result {
            case .failure(let failure): problems.append(Problem(path: path, failure: failure))
            case .success(let image):
                used.append(index)
                hashes.append(image.fileHash)
                if searchesNear { pictures.append(image.differenceHash) }
                sizes[image.header.size, default: 0] += 1
                formats[CollectionReport.format(image.header), default: 0] += 1
                if image.header.orientation != .up { turned += 1 }
                if CollectionReport.isMisnamed(path, image.header.format) { misnamed.append(path) }
            }
        }
        self.contents = contents.hexadecimal
        self.sizes = sizes.map { ($0.key, $0.value) }.sorted { ($1.count, $0.size.description) < ($0.count, $1.size.description) }
        func duplicates(_ positions: [Int]) -> Duplicates {
            let entries = positions.map { collection.entries[used[$0]] }
            return Duplicates(
                paths: entries.map(\.path), crossesSplits: Set(entries.map(\.split)).count > 1, crossesLabels: Set(entries.map(\.label)).count > 1)
        }
        exactDuplicates = DuplicateSearch.exact(hashes).map(duplicates)
        searchedNear = searchesNear
        var sets = DisjointSets(pictures.count)
        // Pairs kept of each set, at its root.
        var kept = [Int](repeating: 0, count: pictures.count)
        DuplicateSearch.near(pictures) { first, second in
            guard hashes[first] != hashes[second] else { return }
            let (a, b) = (sets.root(first), sets.root(second))
            sets.join(a, b)
            let root = min(a, b)
            if a != b { kept[root] = kept[a] + kept[b] }
            let crossesSplits = collection.entries[used[first]].split != collection.entries[used[second]].split
            let crossesLabels = collection.entries[used[first]].label != collection.entries[used[second]].label
            let isFirst = crossesSplits && nearPairs.crossingSplits == 0 || crossesLabels && nearPairs.crossingLabels == 0
            nearPairs.count += 1
            if crossesSplits { nearPairs.crossingSplits += 1 }
            if crossesLabels { nearPairs.crossingLabels += 1 }
            guard kept[root] < CollectionReport.pairsOfSet || isFirst else { return }
            kept[root] += 1
            nearDuplicates.append(duplicates([first, second]))
        }
        nearPairs.sets = kept.indices.count { kept[$0] > 0 && sets.root($0) == $0 }
    }

    private static func format(_ header: ImageHeader) -> String {
        let depth = header.bitDepth == 8 ? "" : " of \(header.bitDepth) bits"
        let kind = header.hasPalette ? " with palette" : ["", " grey", " grey with alpha", " colour", header.format == .jpeg ? " CMYK" : " colour with alpha"][header.components]
        return "\(header.isProgressive ? (header.format == .jpeg ? "progressive " : "interlaced ") : "")\(header.format.rawValue)\(kind)\(depth)"
    }

    private static func isMisnamed(_ path: String, _ format: ImageFormat) -> Bool {
        let end = path.split(separator: ".").last.map { $0.lowercased() } ?? ""
        return format == .png ? ["jpg", "jpeg", "jpe", "jfif"].contains(end) : end == "png"
    }
}
