import Diagnostics

/// A hash of what is in the files of a split, at a cost that does not grow with their number: at most `files` of them are read,
/// evenly spread, and of each its size, its first bytes and its last ones. A split of that many small files is read whole.
///
/// It tells copies of a data set apart that have the same names: another version, another compression, files that were not
/// copied to their end. A change in a few bytes of one file among many it sees by chance only; `sipat data check` reads all.
struct ContentSample {
    static let files = 2048
    /// Bytes at the beginning and at the end.
    static let piece = 32 << 10

    let hash: UInt64

    /// - Parameter indices: the split's entries.
    init(_ collection: ImageCollection, _ indices: [Int]) {
        let count = min(ContentSample.files, indices.count)
        // Of n files the first, the last, and those between at equal distances.
        let chosen = (0..<count).map { indices[count == 1 ? 0 : $0 * (indices.count - 1) / (count - 1)] }
        let hashes = Hashes(count)
        // A file that cannot be read is told when it is needed; here it differs from all that can.
        try? ReadingThreads.forEach(count, inParallel: true) { place in
            hashes.set(place, (try? ContentSample.hash(collection, collection.entries[chosen[place]])) ?? 0)
        }
        var all = ContentHash()
        hashes.combine(into: &all)
        hash = all.value
    }

    private static func hash(_ collection: ImageCollection, _ entry: ImageEntry) throws -> UInt64 {
        let (file, start, size) = try collection.place(of: entry)
        var hash = ContentHash()
        withUnsafeBytes(of: UInt64(size).littleEndian) { hash.combine($0) }
        if size <= 2 * piece {
            try file.bytes(at: start, count: size).withUnsafeBytes { hash.combine($0) }
        } else {
            try file.bytes(at: start, count: piece).withUnsafeBytes { hash.combine($0) }
            try file.bytes(at: start + size - piece, count: piece).withUnsafeBytes { hash.combine($0) }
        }
        return hash.value
    }
}

/// Results of parallel work. Each place is written by one thread and read after all have ended: hence `@unchecked Sendable`.
private final class Hashes: @unchecked Sendable {
    private let values: UnsafeMutableBufferPointer<UInt64>

    init(_ count: Int) {
        values = .allocate(capacity: count)
        values.initialize(repeating: 0)
    }

    deinit { values.deallocate() }

    func set(_ place: Int, _ value: UInt64) { values[place] = value.littleEndian }

    func combine(into hash: inout ContentHash) { hash.combine(UnsafeRawBufferPointer(values)) }
}
