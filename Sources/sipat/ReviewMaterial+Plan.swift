import Datasets
import Diagnostics
import Experiments
import Foundation
import Review
import Salience

extension ReviewMaterial {
    /// Opens images and maps.
    ///
    /// - Parameters:
    ///   - data: which images; its splits.
    ///   - maps: those shown first.
    ///   - trusted: maps known to be right.
    init(_ data: ReviewPlan.Data, maps: [String], trusted: String?) throws {
        var images = ImagesConfiguration()
        let path = DatasetLoader.Name(rawValue: data.data) == .images ? data.dataDir ?? "" : data.data
        // A packed set has its size.
        if !PackedSet.isPackedSet(path) {
            images.size = data.size
            images.fit = .init(rawValue: data.fit) ?? .resize
        }
        images.collection = CollectionOptions(labelFrom: data.labelFrom, testShare: data.testShare, seed: UInt64(max(0, data.splitSeed)))
        images.leftOut = Set(data.leftOut ?? [])
        try self.init(
            data.splits.map { name in
                guard let split = DatasetSplit(rawValue: name) else { throw Failure.usage("the split \"\(name)\" is not known, expected train or test") }
                let source = try DatasetLoader.source(name: data.data, directory: data.dataDir, images: images, split: split)
                return Part(
                    dataset: source.identity(split: split), images: source, maps: try maps.map { try source.salience(from: $0, split: split) },
                    trusted: try trusted.map { try source.salience(from: $0, split: split) })
            })
    }

    /// What a plan is about, wherever it is now.
    ///
    /// - Throws: `Failure.badData` when images or maps are others than they were.
    init(_ plan: ReviewPlan) throws {
        try self.init(plan.data, maps: plan.maps, trusted: plan.trusted)
        try check(plan)
    }
}

/// A path that means the same from every folder.
func absolutePath(_ path: String) -> String {
    path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
}
