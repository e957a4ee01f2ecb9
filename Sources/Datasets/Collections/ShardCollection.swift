import Diagnostics

/// WebDataset shards as a collection.
enum ShardCollection {
    /// The shards at `path`, sorted: itself, or the `.tar` files in it and in its folders `train` and `test`. Empty: there are none.
    static func shards(at path: String) throws -> [String] {
        guard FolderListing.isFolder(path) else { return path.lowercased().hasSuffix(".tar") ? [path] : [] }
        let listing = try FolderListing(path)
        var found = listing.files.filter { $0.lowercased().hasSuffix(".tar") }
        for folder in listing.folders where split(of: folder) != nil {
            found += try FolderListing(path + "/" + folder).files.filter { $0.lowercased().hasSuffix(".tar") }.map { folder + "/" + $0 }
        }
        return found.map { path + "/" + $0 }
    }

    /// All samples of `shards`, in order of shard and place.
    ///
    /// - Parameter anew: as `ShardIndex.samples`.
    static func collection(_ shards: [String], at path: String, anew: Bool) throws -> ImageCollection {
        var labels: [String: Int32] = [:]
        var names: [String] = []
        var entries: [ImageEntry] = []
        var files: [ReadableFile] = []
        for shard in shards {
            let split = split(of: String(shard.dropFirst(FolderListing.isFolder(path) ? path.count + 1 : 0)))
            for sample in try ShardIndex.samples(of: shard, anew: anew) {
                let label = labels[sample.label] ?? Int32(names.count)
                if labels.updateValue(label, forKey: sample.label) == nil { names.append(sample.label) }
                var entry = ImageEntry(path: sample.key, label: label, split: split, group: sample.group.isEmpty ? nil : sample.group)
                entry.place = ImageEntry.Place(shard: Int32(files.count), offset: sample.offset, size: sample.size)
                entries.append(entry)
            }
            files.append(try ReadableFile(shard))
        }
        let order = ImageCollection.classOrder(names)
        var place = [Int32](repeating: 0, count: names.count)
        for (position, index) in order.enumerated() { place[index] = Int32(position) }
        for index in entries.indices { entries[index].label = place[Int(entries[index].label)] }
        return ImageCollection(layout: .shards, folder: path, classNames: order.map { names[$0] }, entries: entries, ignored: [], shards: files)
    }

    /// A folder or file that is called train… or test….
    private static func split(of name: String) -> DatasetSplit? {
        let name = name.lowercased()
        if name.hasPrefix("train") { return .train }
        return name.hasPrefix("test") || name.hasPrefix("val") ? .test : nil
    }
}
