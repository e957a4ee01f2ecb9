import Diagnostics
import Digests
import Foundation
import Images

/// The maps of one split of a data set, out of a store.
package final class StoredSalience: SalienceSource {
    package let store: SalienceStore
    package let size: PixelSize
    package let count: Int
    package let fingerprint: String
    private let fit: FitRule
    /// The store's number of each image; nil: they are in order from `first` on.
    private let numbers: [Int32]?
    private let first: Int

    package var path: String { store.path }
    package var origins: [SalienceOrigin] { store.header.origins }

    /// One split as it is in the store.
    ///
    /// - Throws: `Failure.usage` when the store has no such split.
    package init(_ store: SalienceStore, split: String) throws {
        guard let range = store.range(of: split), let part = store.header.parts.first(where: { $0.dataset.split == split }) else {
            let found = store.header.parts.map { "\($0.dataset.count) of \($0.dataset.split)" }.joined(separator: ", ")
            throw Failure.usage("\(store.path): holds no maps of the split \(split) (\(found))", remedy: "make the maps for data that has this split")
        }
        self.store = store
        (first, count, numbers) = (range.lowerBound, range.count, nil)
        size = store.header.size
        fit = FitRule(rawValue: store.header.fit) ?? .resize
        fingerprint = part.digest
    }

    /// The maps for the images of a data set.
    ///
    /// The store need not be made for this very data set: where the fingerprints differ, images are found by their names, so a
    /// store serves a folder, its packed set and its shards alike, however they were split. Maps that are kept as shapes
    /// serve any size.
    /// - Parameters:
    ///   - dataset: what the images are, one split of it.
    ///   - size, fit: of the data set's images.
    ///   - names: each image's name, in order, see `ImageSource.names`; asked for only where fingerprints differ.
    ///   - hashes: of the files of images, see `ImageSource.fileHashes`; asked for only then, and only of some thousand. Where the store
    ///     knows the hash too, both must be equal: a name alone does not make an image the one that somebody looked at.
    /// - Throws: `Failure` when an image is not in the store, or is another than the one of this name that the map was made for, or maps
    ///   kept as pixels have another size.
    package init(
        _ store: SalienceStore, for dataset: SalienceProvenance.Dataset, size: PixelSize, fit: FitRule, names: () throws -> [String],
        hashes: ([Int]) throws -> [String?] = { $0.map { _ in nil } }
    ) throws {
        self.store = store
        self.size = size
        self.fit = fit
        count = dataset.count
        let header = store.header
        if store.hasPixels, header.size != size || header.fit != fit.rawValue {
            throw Failure.badData(
                "\(store.path): maps of \(header.size) (\(header.fit)) for images of \(size) (\(fit.rawValue))", remedy: "make the maps for images of this size")
        }
        let part = header.parts.first { $0.dataset.split == dataset.split }
        let isOwnSize = header.size == size && header.fit == fit.rawValue
        if let part, let own = part.dataset.fingerprint, own == dataset.fingerprint, part.dataset.count == dataset.count,
            let range = store.range(of: dataset.split)
        {
            (first, numbers) = (range.lowerBound, nil)
            fingerprint = isOwnSize ? part.digest : "\(part.digest) at \(size) \(fit.rawValue)"
            return
        }
        let found = try StoredSalience.find(try names(), hashes: hashes, in: store, dataset: dataset)
        (first, numbers) = (0, found)
        let hash = SHA256()
        for part in header.parts { Array(part.digest.utf8).withUnsafeBytes { hash.update($0) } }
        Array("\(size) \(fit.rawValue)".utf8).withUnsafeBytes { hash.update($0) }
        found.withUnsafeBytes { hash.update($0) }
        fingerprint = hash.finish()
    }

    /// How many images are compared with those that the maps were made for, evenly spread.
    static let compared = 2048

    private static func find(
        _ names: [String], hashes: ([Int]) throws -> [String?], in store: SalienceStore, dataset: SalienceProvenance.Dataset
    ) throws -> [Int32] {
        var known: [String] = []
        // Nil as 0 keeps a million of them small.
        var knownHashes: [UInt64] = []
        known.reserveCapacity(store.header.count)
        knownHashes.reserveCapacity(store.header.count)
        try store.forEachRecord {
            known.append($1.image)
            knownHashes.append($1.imageHash.flatMap { UInt64($0, radix: 16) } ?? 0)
        }
        let pairs = NamePairing(known).pair(names)
        let missing = pairs.indices.filter { pairs[$0] == nil }
        guard missing.isEmpty else {
            let own = store.header.parts.map { "\($0.dataset.name) \($0.dataset.split) (\($0.dataset.count))" }.joined(separator: ", ")
            throw Failure.badData(
                "\(store.path): has no map for \(missing.count) of \(names.count) images of \(dataset.name) \(dataset.split), "
                    + "\(names[missing[0]]) is the first; it was made for \(own)",
                remedy: "make the maps for this data set: sipat salience import --data …, or estimate")
        }
        let count = min(compared, names.count)
        let chosen = (0..<count).map { count == 1 ? 0 : $0 * (names.count - 1) / (count - 1) }.filter { knownHashes[pairs[$0]!] != 0 }
        let own = chosen.isEmpty ? [] : try hashes(chosen)
        let others = zip(chosen, own).filter { index, hash in hash.map { UInt64($0, radix: 16) != knownHashes[pairs[index]!] } ?? false }
        guard let other = others.first?.0 else { return pairs.map { Int32($0!) } }
        throw Failure.badData(
            "\(store.path): \(others.count) of \(own.count) images of \(dataset.name) \(dataset.split) that were compared are others than those of the same name "
                + "that the maps were made for, \(names[other]) is the first",
            remedy: "put those images back, or make maps for these: sipat salience import --data …, or estimate")
    }

    private func number(_ index: Int) -> Int {
        precondition(index >= 0 && index < count, "map \(index) of \(count)")
        return numbers.map { Int($0[index]) } ?? first + index
    }

    package func state(of index: Int) -> SalienceState { store.entry(number(index)).state }

    package func origin(of index: Int) -> Int? { store.entry(number(index)).origin }

    package func read(_ index: Int, into map: UnsafeMutablePointer<Float>) throws {
        let number = number(index)
        let entry = store.entry(number)
        switch entry.content {
        case .none: map.update(repeating: 0, count: size.pixels)
        case .pixels:
            let bytes = store.content(entry)
            for i in 0..<size.pixels { map[i] = Float(bytes[i]) / 255 }
        case .outlines:
            let shapes = try store.outlinedMap(number, entry)
            let drawn = fit.geometry(from: shapes.size, to: size).draw(shapes.outlines).values
            for i in 0..<size.pixels { map[i] = Float(drawn[i]) / 255 }
        }
    }

    package func outlines(of index: Int) throws -> OutlinedMap? {
        let number = number(index)
        let entry = store.entry(number)
        return entry.content == .outlines ? try store.outlinedMap(number, entry) : nil
    }

    package func forEachRecord(_ body: (_ index: Int, _ record: SalienceRecord) throws -> Void) throws {
        guard let numbers else {
            return try store.forEachRecord { number, record in
                if number >= first, number < first + count { try body(number - first, record) }
            }
        }
        var records: [Int32: SalienceRecord] = [:]
        let wanted = Set(numbers)
        try store.forEachRecord { number, record in
            if wanted.contains(Int32(number)) { records[Int32(number)] = record }
        }
        for (index, number) in numbers.enumerated() { try body(index, records[number]!) }
    }
}
