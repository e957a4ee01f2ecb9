import Diagnostics
import Foundation
import Images
import Kernels

/// Decodes a collection once and writes it as a packed set.
package struct PackWriter {
    package let collection: ImageCollection
    package let settings: FitSettings
    /// Whether files that cannot be used are left out, and recorded; otherwise they are an error.
    package let skipsBadFiles: Bool
    /// What is packed, for the record.
    package let source: String

    package init(collection: ImageCollection, settings: FitSettings, skipsBadFiles: Bool, source: String) {
        self.collection = collection
        self.settings = settings
        self.skipsBadFiles = skipsBadFiles
        self.source = source
    }

    package struct Outcome: Sendable, Hashable {
        package var train = 0
        package var test = 0
        package var skipped: [CollectionReport.Problem] = []
    }

    /// Writes the folder `path`. It appears once it is complete; a packed set that is there already is replaced then, and stays
    /// where anything fails before. Memory: some images at a time.
    ///
    /// - Throws: `Failure.badData` that lists the files that cannot be used, unless they are skipped.
    package func write(to path: String, progress: (Int) -> Void = { _ in }) throws -> Outcome {
        let files = PosixFileOperations()
        let path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        let parent = pathFolder(path)
        let temporary = "\(parent)/\(incompletePrefix)\(pathName(path))-\(getpid())"
        do {
            try? files.removeTree(temporary)
            try files.makeDirectory(temporary)
            let outcome = try writeFiles(temporary, files, progress: progress)
            try files.synchronizeDirectory(temporary)
            try publish(temporary, as: path, files)
            return outcome
        } catch {
            try? files.removeTree(temporary)
            if error is Failure { throw error }
            throw Failure.writing(path, bytes: collection.entries.count * settings.shape.count, error: error)
        }
    }

    /// A folder cannot be replaced in one step: the old one steps aside first.
    private func publish(_ temporary: String, as path: String, _ files: PosixFileOperations) throws {
        let old = temporary + "-old"
        try files.removeTree(old)
        let isReplaced = access(path, F_OK) == 0
        if isReplaced { try files.rename(path, to: old) }
        do { try files.rename(temporary, to: path) } catch {
            if isReplaced { try? files.rename(old, to: path) }
            throw error
        }
        try files.synchronizeDirectory(pathFolder(path))
        try files.removeTree(old)
    }

    private func writeFiles(_ folder: String, _ files: PosixFileOperations, progress: (Int) -> Void) throws -> Outcome {
        let places = collection.entries.indices
        let order = places.filter { collection.entries[$0].split == .train } + places.filter { collection.entries[$0].split == .test }
        let groupNumbers = collection.sharedGroups
        var outcome = Outcome()
        var labels: [Int32] = []
        var groups: [Int32] = []
        var index: [UInt8] = []
        try writeSynchronized(folder + "/images.u8", using: files) { sink in
            try Inspection(collection: collection, settings: settings).run(order: order, progress: progress) { place, result in
                let entry = collection.entries[place]
                switch result {
                case .failure(let failure): outcome.skipped.append(.init(path: entry.path, failure: failure))
                case .success(let image):
                    if entry.split == .train { outcome.train += 1 } else { outcome.test += 1 }
                    labels.append(entry.label)
                    if let groupNumbers { groups.append(groupNumbers[place]) }
                    index += try jsonBytes(describe(entry, image), .line)
                    try image.pixels.withUnsafeBytes { try sink($0) }
                }
            }
        }
        try refuse(outcome)
        try writeSynchronized(folder + "/labels.i32", using: files) { sink in try labels.map(\.littleEndian).withUnsafeBytes { try sink($0) } }
        let groupBytes = groups.map(\.littleEndian).withUnsafeBytes { Array($0) }
        if groupNumbers != nil { try writeSynchronized(folder + "/groups.i32", using: files) { sink in try groupBytes.withUnsafeBytes { try sink($0) } } }
        try writeSynchronized(folder + "/index.jsonl", using: files) { sink in try index.withUnsafeBytes { try sink($0) } }
        let pixels = try MappedFile(folder + "/images.u8", size: labels.count * settings.shape.count)
        let header = PackedHeader(
            shape: settings.shape, fit: settings.rule.rawValue, classes: collection.classNames, train: outcome.train, test: outcome.test,
            hasGroups: groupNumbers != nil, trainHash: hash(labels, pixels, 0..<outcome.train), testHash: hash(labels, pixels, outcome.train..<labels.count),
            recordHash: PackedHeader.recordHash(classes: collection.classNames, groups: groupBytes, index: index), source: source, skipped: outcome.skipped.map { .init(path: $0.path, reason: $0.failure.message) })
        try writeSynchronized(folder + "/" + PackedHeader.fileName, using: files) { sink in try jsonBytes(header).withUnsafeBytes { try sink($0) } }
        return outcome
    }

    private func refuse(_ outcome: Outcome) throws {
        if !skipsBadFiles, !outcome.skipped.isEmpty {
            let list = outcome.skipped.prefix(10).map { "\n    \($0.failure.message.onOneLine)" }.joined()
            throw Failure.badData(
                "\(collection.folder): \(outcome.skipped.count) of \(collection.entries.count) files cannot be used:\(list)",
                remedy: "mend them (sipat data check lists all, with what to do), or leave them out with --skip-bad")
        }
        guard outcome.train + outcome.test > 0 else {
            throw Failure.badData("\(collection.folder): no file can be used", remedy: "sipat data check says why")
        }
    }

    private func hash(_ labels: [Int32], _ pixels: MappedFile, _ range: Range<Int>) -> String {
        var hash = ContentHash()
        labels[range].withUnsafeBytes { hash.combine($0) }
        let size = settings.shape.count
        for index in range { hash.combine(UnsafeRawBufferPointer(rebasing: pixels.bytes[index * size..<(index + 1) * size])) }
        return hash.hexadecimal
    }

    private func describe(_ entry: ImageEntry, _ image: InspectedImage) -> PackedImage {
        PackedImage(
            path: entry.path, label: collection.classNames[Int(entry.label)], split: entry.split?.rawValue ?? "", group: entry.group,
            salience: entry.salience, boxes: entry.boxes.isEmpty ? nil : entry.boxes.map { [$0.left, $0.top, $0.right, $0.bottom] },
            attributes: entry.attributes.isEmpty ? nil : entry.attributes, width: image.header.storedSize.width,
            height: image.header.storedSize.height, orientation: image.header.orientation.rawValue,
            fileHash: ContentHash.hexadecimal(image.fileHash))
    }
}
