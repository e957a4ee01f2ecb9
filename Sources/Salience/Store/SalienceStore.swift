import Diagnostics
import Digests
import Foundation
import Images

/// Salience maps of a data set with whose word each of them is, as a folder (see `SalienceHeader`): written once, mapped into
/// memory, so that ranks of one host share it and pages come when they are needed.
package final class SalienceStore: Sendable {
    static let again = "make the maps again: sipat salience import, or sipat salience estimate"

    /// The folder.
    package let path: String
    package let header: SalienceHeader
    private let index: MappedFile
    private let maps: MappedFile?
    private let outlines: MappedFile?

    /// Whether there is a store at `path`.
    package static func isStore(_ path: String) -> Bool { access(path + "/" + SalienceHeader.fileName, F_OK) == 0 }

    /// Reads the header and checks each entry of the index; no map is read.
    ///
    /// - Throws: `Failure` when a file is missing, or does not fit the header.
    package init(_ path: String) throws {
        let path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        self.path = path
        let header = try SalienceHeader(folder: path)
        self.header = header
        index = try MappedFile(path + "/index.bin", size: header.count * SalienceIndexEntry.bytes, remedy: SalienceStore.again)
        func optional(_ name: String) throws -> MappedFile? {
            access(path + name, F_OK) == 0 ? try MappedFile(path + name) : nil
        }
        maps = try optional("/maps.u8")
        outlines = try optional("/outlines.bin")
        let (mapCount, outlineBytes) = ((maps?.size ?? 0) / header.size.pixels, outlines?.size ?? 0)
        for number in 0..<header.count {
            guard let entry = SalienceIndexEntry(index.bytes.baseAddress! + number * SalienceIndexEntry.bytes), isRight(entry) else {
                throw Failure.badData("\(path)/index.bin: the entry of image \(number) is damaged", remedy: SalienceStore.again)
            }
        }
        func isRight(_ entry: SalienceIndexEntry) -> Bool {
            if let origin = entry.origin, origin >= header.origins.count { return false }
            return switch entry.content {
            case .none: true
            case .pixels: entry.place < mapCount
            case .outlines: entry.length <= outlineBytes && entry.place <= outlineBytes - entry.length
            }
        }
    }

    /// Of image `number`, counted over all splits.
    func entry(_ number: Int) -> SalienceIndexEntry {
        precondition(number >= 0 && number < header.count, "image \(number) of \(header.count)")
        return SalienceIndexEntry(index.bytes.baseAddress! + number * SalienceIndexEntry.bytes)!
    }

    package func state(_ number: Int) -> SalienceState { entry(number).state }

    /// Index into the header's origins; nil where nobody looked.
    package func origin(_ number: Int) -> Int? { entry(number).origin }

    /// Whether any map is kept as pixels, so that the store serves images of its own size only.
    package var hasPixels: Bool { (maps?.size ?? 0) > 0 }

    /// The stored bytes of a map.
    func content(_ entry: SalienceIndexEntry) -> UnsafeRawBufferPointer {
        switch entry.content {
        case .none: UnsafeRawBufferPointer(start: nil, count: 0)
        case .pixels: UnsafeRawBufferPointer(rebasing: maps!.bytes[entry.place * header.size.pixels..<(entry.place + 1) * header.size.pixels])
        case .outlines: UnsafeRawBufferPointer(rebasing: outlines!.bytes[entry.place..<entry.place + entry.length])
        }
    }

    func outlinedMap(_ number: Int, _ entry: SalienceIndexEntry) throws -> OutlinedMap {
        guard let map = OutlineCoding.decode(content(entry)) else {
            throw Failure.badData("\(path)/outlines.bin: the shapes of image \(number) are damaged", remedy: SalienceStore.again)
        }
        return map
    }

    /// For images that have numbers instead of names: number 7 of other images is another image.
    ///
    /// - Throws: `Failure.badData` unless a split was made for images of this fingerprint.
    package func requireMade(for dataset: SalienceProvenance.Dataset) throws {
        let same = header.parts.filter { $0.dataset.split == dataset.split }
        guard !same.contains(where: { $0.dataset.fingerprint == nil || $0.dataset.fingerprint == dataset.fingerprint }) else { return }
        let made = header.parts.map { "\($0.dataset.name) \($0.dataset.split), \($0.dataset.fingerprint ?? "?")" }.joined(separator: "; ")
        throw Failure.badData(
            "\(path): was made for other images (\(made)) than \(dataset.name) \(dataset.split), \(dataset.fingerprint ?? "?"), and these have no names to be found by",
            remedy: "make the maps for these images: sipat salience import --data …, or estimate")
    }

    /// Where the images of a split begin, and how many there are; nil where the store has none.
    package func range(of split: String) -> Range<Int>? {
        var first = 0
        for part in header.parts {
            if part.dataset.split == split, part.dataset.count > 0 { return first..<first + part.dataset.count }
            first += part.dataset.count
        }
        return nil
    }

    /// Calls `body` with each line of `records.jsonl`, in order.
    package func forEachRecord(_ body: (_ number: Int, _ record: SalienceRecord) throws -> Void) throws {
        let path = path + "/records.jsonl"
        try MappedFile(path).withUnsafeBytes { try forEachRecord($0, path, body) }
    }

    private func forEachRecord(_ bytes: UnsafeRawBufferPointer, _ path: String, _ body: (_ number: Int, _ record: SalienceRecord) throws -> Void) throws {
        var (number, start) = (0, 0)
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
            let record: SalienceRecord
            do {
                record = try decodedJSON(SalienceRecord.self, from: bytes[start..<end])
            } catch {
                throw Failure.badData("\(path):\(number + 1): is not the record of a map (\(jsonProblem(error)))", remedy: SalienceStore.again)
            }
            guard number < header.count, record.origin.map(header.origins.indices.contains) ?? true else {
                throw Failure.badData("\(path):\(number + 1): names an image or an origin that there is not", remedy: SalienceStore.again)
            }
            try body(number, record)
            number += 1
            start = end + 1
        }
        guard number == header.count else {
            throw Failure.badData("\(path): has \(number) lines, expected one for each of \(header.count) images", remedy: SalienceStore.again)
        }
    }

    /// Reads all maps and records and compares their hashes with those that were written.
    package func verify() throws {
        var first = 0
        for part in header.parts {
            let digest = SalienceDigest(size: header.size, fit: header.fit)
            for number in first..<first + part.dataset.count {
                let entry = entry(number)
                if entry.content == .outlines { _ = try outlinedMap(number, entry) }
                digest.add(entry, content(entry))
            }
            guard digest.finish() == part.digest else { throw changed("the maps of \(part.dataset.split)") }
            first += part.dataset.count
        }
        guard try SHA256.hex(ofFile: path + "/records.jsonl") == header.recordsHash else { throw changed("records.jsonl") }
    }

    private func changed(_ what: String) -> Failure {
        .badData("\(path): \(what) are not those that were written", remedy: "they were changed or damaged: copy the folder again, or make the maps again")
    }
}

/// The hash of a split's states and maps.
struct SalienceDigest {
    private let hash = SHA256()

    init(size: PixelSize, fit: String) { add(Array("\(size) \(fit)".utf8)) }

    func add(_ entry: SalienceIndexEntry, _ content: UnsafeRawBufferPointer) {
        var head = Array("\(entry.state.rawValue) \(entry.content.rawValue)".utf8)
        withUnsafeBytes(of: UInt64(content.count).littleEndian) { head += $0 }
        add(head)
        if content.count > 0 { hash.update(content) }
    }

    func finish() -> String { hash.finish() }

    private func add(_ bytes: [UInt8]) { bytes.withUnsafeBytes { hash.update($0) } }
}
