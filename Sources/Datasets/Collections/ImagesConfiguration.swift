import Diagnostics
import Images

/// How people's own images are found and read.
package struct ImagesConfiguration: Sendable, Hashable {
    /// Height and width of what is trained on; 0: the packed set's own, or 64 for files.
    package var size = 0
    /// Nil: the packed set's own, or colour for files.
    package var channels: Channels?
    package var fit = FitSettings.Rule.resize
    package var collection = CollectionOptions()
    package var maximumPixels = PixelLimit.standard.maximum
    /// Paths, as the collection has them, of files to do without: see `LeftOutFiles`.
    package var leftOut: Set<String> = []

    package init() {}

    package static let standardSize = 64

    /// Settings for files.
    package var fitSettings: FitSettings {
        let side = size == 0 ? ImagesConfiguration.standardSize : size
        return FitSettings(
            size: PixelSize(width: side, height: side), channels: channels ?? .colour, rule: fit,
            limit: PixelLimit(maximum: maximumPixels, setting: PixelLimit.standard.setting))
    }

    /// One split of what is at `path`.
    ///
    /// - Throws: `Failure.usage` for a packed set of another size than asked for, else what is wrong with the files.
    package func source(at path: String, split: DatasetSplit) throws -> any ImageSource {
        guard PackedSet.isPackedSet(path) else {
            return try FileImages(open(path), split: split, settings: fitSettings, leavingOut: leftOut)
        }
        return try packed(path, split)
    }

    /// Every split that holds images, training first.
    package func sources(at path: String) throws -> [(split: DatasetSplit, images: any ImageSource)] {
        guard PackedSet.isPackedSet(path) else {
            let collection = try open(path)
            return try DatasetSplit.allCases.filter { split in collection.entries.contains { $0.split == split } }
                .map { ($0, try FileImages(collection, split: $0, settings: fitSettings, leavingOut: leftOut)) }
        }
        return try PackedSet.splits(of: path).map { ($0, try packed(path, $0)) }
    }

    /// The files at `path`, whose splits keep groups together.
    func open(_ path: String) throws -> ImageCollection {
        let found = try ImageCollection(at: path, options: collection)
        try found.requireWholeGroups()
        return found
    }

    /// Folders that would be classes if they were not empty. A packed set, a manifest and shards know of none.
    ///
    /// - Throws: as `source`.
    package func emptyClasses(at path: String) throws -> [String] {
        PackedSet.isPackedSet(path) ? [] : try ImageCollection(at: path, options: collection).emptyClasses
    }

    private func packed(_ path: String, _ split: DatasetSplit) throws -> PackedSet {
        let packed = try PackedSet(path, split: split)
        let shape = packed.imageShape
        guard size == 0 || (shape.height == size && shape.width == size), channels == nil || channels?.rawValue == shape.channels else {
            throw Failure.usage(
                "\(path): was packed at \(shape), but data.size is \(size) and data.channels \(channels.map { "\($0.rawValue)" } ?? "own")",
                remedy: "leave data.size at 0 and data.channels at own, or pack the images again")
        }
        return packed
    }
}
