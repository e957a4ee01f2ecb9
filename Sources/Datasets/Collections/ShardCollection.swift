import Diagnostics

/// WebDataset shards as a collection.
enum ShardCollection {
    /// The shards at `path`, sorted: itself, or the `.tar` files in it and in its folders `train` and `test`. Empty: there are none.
    static func shards(at path: String) throws -> [String] {
        guard FolderListing.isFolder(path) else { return isShard(path) ? [path] : [] }
        let listing = try FolderListing(path)
        var found = listing.files.filter(isShard)
        for folder in listing.folders where part(of: folder) != nil {
            found += try FolderListing(path + "/" + folder).files.filter(isShard).map { folder + "/" + $0 }
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
        let beside = try others(at: path)
        var ignored = beside.map { "\($0): lies beside the shards" }
        let places = shards.map { FolderListing.isFolder(path) ? String($0.dropFirst(path.count + 1)) : $0 }
        let hasTest = places.contains { part(of: $0) == .test }
        for (shard, place) in zip(shards, places) {
            // As of folders: validation images are more to train on where there is a test part.
            let part = part(of: place)
            let split: DatasetSplit? = part.map { $0 == .train || $0 == .validation && hasTest ? .train : .test }
            let found: (samples: [ShardSample], ignored: [String])
            do { found = try ShardIndex.samples(of: shard, anew: anew) } catch let failure as Failure where failure.kind == .badData && !beside.isEmpty {
                let way = "or, if \(beside.prefix(3).joined(separator: ", ")) beside it are meant, move the archive elsewhere: where there are shards, they are read"
                throw Failure(failure.kind, failure.message, remedy: failure.remedy.map { "\($0); \(way)" } ?? way)
            }
            ignored += found.ignored.map { "\(place)/\($0)" }
            for sample in found.samples {
                let label = labels[sample.label] ?? Int32(names.count)
                if labels.updateValue(label, forKey: sample.label) == nil { names.append(sample.label) }
                var entry = ImageEntry(path: sample.key, label: label, split: split, group: sample.group.isEmpty ? nil : sample.group)
                entry.place = ImageEntry.Place(shard: Int32(files.count), offset: sample.offset, size: sample.size)
                entries.append(entry)
            }
            files.append(try ReadableFile(shard))
        }
        tellApart(&entries, places)
        let order = ImageCollection.classOrder(names)
        var place = [Int32](repeating: 0, count: names.count)
        for (position, index) in order.enumerated() { place[index] = Int32(position) }
        for index in entries.indices { entries[index].label = place[Int(entries[index].label)] }
        return ImageCollection(layout: .shards, folder: path, classNames: order.map { names[$0] }, entries: entries, ignored: ignored, shards: files)
    }

    /// Where shards begin their numbers anew, a sample's name is `shard/key`; otherwise its key.
    private static func tellApart(_ entries: inout [ImageEntry], _ shards: [String]) {
        guard shards.count > 1 else { return }
        var seen: [String: Int32] = [:]
        let repeats = entries.contains { entry in
            let shard = entry.place!.shard
            return seen.updateValue(shard, forKey: entry.path).map { $0 != shard } ?? false
        }
        guard repeats else { return }
        for (index, entry) in entries.enumerated() { entries[index].path = "\(shards[Int(entry.place!.shard)].dropLast(".tar".count))/\(entry.path)" }
    }

    /// What else people may have meant with the folder: other folders, a manifest.
    private static func others(at path: String) throws -> [String] {
        guard FolderListing.isFolder(path) else { return [] }
        let listing = try FolderListing(path)
        return listing.folders.filter { part(of: $0) == nil }.map { $0 + "/" } + listing.files.filter { ["manifest.csv", "manifest.jsonl"].contains($0) }
    }

    private static func isShard(_ name: String) -> Bool { name.lowercased().hasSuffix(".tar") }

    private enum Part {
        case train
        case validation
        case test
    }

    /// Of a folder or file that is called train, test or val, as a word of its own: `train-0.tar`, `test`, but not `valve-0.tar`.
    private static func part(of name: String) -> Part? {
        switch name.lowercased().prefix(while: \.isLetter) {
        case "train", "training": .train
        case "test", "testing": .test
        case "val", "valid", "validation": .validation
        default: nil
        }
    }
}
