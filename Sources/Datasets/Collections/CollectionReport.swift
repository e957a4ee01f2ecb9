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

    package private(set) var problems: [Problem] = []
    package private(set) var exactDuplicates: [Duplicates] = []
    /// Pairs that are no exact duplicates.
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

    /// Decodes every image. Memory: some images, and 100 bytes for each.
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
        nearDuplicates = DuplicateSearch.near(pictures).filter { hashes[$0.0] != hashes[$0.1] }.map { duplicates([$0.0, $0.1]) }
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
