import Diagnostics
import Foundation

/// The items of a review in order, as numbers in memory: some 30 bytes each. Names are read from the file when they are needed.
package final class ReviewQueue: Sendable {
    package struct Entry: Sendable {
        package var image: Int32
        package var rank: Int32
        /// The item that showed the image first; −1 where this one is the first.
        package var first: Int32
        package var kind: ReviewItem.Kind
        package var isBlind: Bool
        package var isHoneypot: Bool
    }

    package let entries: [Entry]
    private let offsets: [Int]
    private let file: ReadableFile
    package let honeypots: [Int: Honeypot]

    package var count: Int { entries.count }

    /// - Throws: `Failure` when a file is missing or damaged.
    package init(_ folder: ReviewFolder, plan: ReviewPlan) throws {
        file = try ReadableFile(folder.queue)
        let pots = try decodedJSON([Honeypot].self, from: ReadableFile.contents(of: folder.honeypots))
        honeypots = Dictionary(pots.map { ($0.item, $0) }) { first, _ in first }
        let images = plan.parts.reduce(0) { $0 + $1.dataset.count }
        var (entries, offsets): ([Entry], [Int]) = ([], [0])
        let path = file.path
        entries.reserveCapacity(plan.items)
        var (rest, read, start) = ([UInt8](), 0, 0)
        while read < file.size {
            let piece = try file.bytes(at: read, count: min(1 << 20, file.size - read))
            read += piece.count
            rest = Array(rest[start...]) + piece
            start = 0
            while let newline = rest[start...].firstIndex(of: 0x0A) {
                let line = try rest[start..<newline].withUnsafeBufferPointer { line in
                    try QueueScanner(line) ?? QueueScanner(ReviewQueue.decode(line, path: path, line: entries.count))
                }
                guard line.item == entries.count, (0..<images).contains(line.image), line.of.map({ (0..<line.item).contains($0) }) ?? true else {
                    throw Failure.badData("\(file.path):\(entries.count + 1): names an item or an image that there is not", remedy: ReviewFolder.again)
                }
                entries.append(
                    Entry(
                        image: Int32(line.image), rank: Int32(line.rank), first: Int32(line.of ?? -1), kind: line.kind, isBlind: line.isBlind,
                        isHoneypot: honeypots[line.item] != nil))
                offsets.append(offsets.last! + newline - start + 1)
                start = newline + 1
            }
        }
        guard entries.count == plan.items else {
            throw Failure.badData("\(file.path): has \(entries.count) items, expected \(plan.items)", remedy: ReviewFolder.again)
        }
        self.entries = entries
        self.offsets = offsets
    }

    /// The line of an item.
    package func item(_ number: Int) throws -> ReviewItem {
        try ReviewQueue.decode(file.bytes(at: offsets[number], count: offsets[number + 1] - offsets[number] - 1), path: file.path, line: number)
    }

    /// The map to show for an item.
    package func map(_ number: Int, in material: ReviewMaterial) throws -> [UInt8] {
        let image = Int(entries[number].image)
        return try honeypots[number]?.map(image, in: material) ?? material.map(image)
    }

    private static func decode(_ bytes: some Sequence<UInt8>, path: String, line: Int) throws -> ReviewItem {
        do { return try decodedJSON(ReviewItem.self, from: bytes) } catch {
            throw Failure.badData("\(path):\(line + 1): is not an item of a review", remedy: ReviewFolder.again)
        }
    }
}
