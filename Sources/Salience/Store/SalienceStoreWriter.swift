import Diagnostics
import Digests
import Foundation
import Images

/// What is to be stored for one image.
package enum SalienceContent: Sendable, Hashable {
    case unseen
    case empty
    /// Height × width of the store's maps, 0 to 255.
    case pixels([UInt8])
    case outlines(OutlinedMap)

    /// A map as pixels, or `.empty` where it marks nothing.
    package init(pixels: [UInt8]) { self = pixels.contains { $0 != 0 } ? .pixels(pixels) : .empty }

    /// A program's guess; `.unseen` where it marks nothing, for nobody looked.
    package init(estimate: [UInt8]) { self = estimate.contains { $0 != 0 } ? .pixels(estimate) : .unseen }

    package var state: SalienceState {
        switch self {
        case .unseen: .unseen
        case .empty: .empty
        case .pixels, .outlines: .map
        }
    }
}

/// Writes a store image by image, in the order of the data set: all of the first split, then all of the next. Memory: 16 bytes
/// per image. The folder appears once it is complete.
package final class SalienceStoreWriter {
    private let path: String
    private let temporary: String
    private let size: PixelSize
    private let fit: FitRule
    private let datasets: [SalienceProvenance.Dataset]
    private let createdBy: String
    private let files: PosixFileOperations
    private let maps: BufferedFile
    private let outlines: BufferedFile
    private let records: BufferedFile
    private let recordsHash = SHA256()
    private var origins: [SalienceOrigin]
    private var index: [UInt8] = []
    private var parts: [SalienceHeader.Part] = []
    private var digest: SalienceDigest
    private var counts = SalienceCounts()
    private var mapCount = 0
    private var isFinished = false

    /// - Parameters:
    ///   - path: the folder to write; what is there already is replaced at the end.
    ///   - size, fit: of the data set's images.
    ///   - datasets: what the images are, one entry per split that has any.
    ///   - origins: on whose word the maps are; more may be added.
    /// - Throws: `Failure` when the folder cannot be written.
    package init(
        to path: String, size: PixelSize, fit: FitRule, datasets: [SalienceProvenance.Dataset], origins: [SalienceOrigin] = [], createdBy: String
    ) throws {
        self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        self.size = size
        self.fit = fit
        self.datasets = datasets.filter { $0.count > 0 }
        self.origins = origins
        self.createdBy = createdBy
        files = PosixFileOperations()
        let temporary = "\(pathFolder(self.path))/\(incompletePrefix)\(pathName(self.path))-\(getpid())"
        self.temporary = temporary
        digest = SalienceDigest(size: size, fit: fit.rawValue)
        do {
            try files.removeTree(temporary)
            try files.makeDirectory(temporary)
            maps = try BufferedFile(temporary + "/maps.u8", files)
            outlines = try BufferedFile(temporary + "/outlines.bin", files)
            records = try BufferedFile(temporary + "/records.jsonl", files)
        } catch { throw Failure.writing(path, error: error) }
    }

    deinit { if !isFinished { try? files.removeTree(temporary) } }

    /// The number of an origin, which is added unless it is there.
    package func number(of origin: SalienceOrigin) throws -> Int {
        if let known = origins.firstIndex(of: origin) { return known }
        guard origins.count < SalienceIndexEntry.maximumOrigins else {
            throw Failure.badData("\(path): more than \(SalienceIndexEntry.maximumOrigins) origins of maps", remedy: "start a new store")
        }
        origins.append(origin)
        return origins.count - 1
    }

    /// Adds the next image.
    ///
    /// - Parameters:
    ///   - image: its name in the data set, see `ImageSource.names`.
    ///   - imageHash: of its file, see `SalienceRecord`.
    ///   - origin: on whose word; nil only for `.unseen`.
    ///   - file, fileHash: the annotation file, where it has one of its own.
    package func add(
        image: String, _ content: SalienceContent, imageHash: String? = nil, origin: Int?, file: String? = nil, fileHash: String? = nil,
        replaced: [SalienceRecord.Replaced] = [], remarks: [String] = []
    ) throws {
        precondition(parts.count < datasets.count, "more images than the data set has")
        precondition(origin.map(origins.indices.contains) ?? true, "an origin that is not known")
        var entry = SalienceIndexEntry(state: content.state, content: .none, origin: origin)
        var bytes: [UInt8] = []
        var file_: BufferedFile?
        switch content {
        case .unseen, .empty: break
        case .pixels(let pixels):
            precondition(pixels.count == size.pixels, "\(pixels.count) pixels for a map of \(size)")
            (entry.content, entry.place, bytes, file_) = (.pixels, mapCount, pixels, maps)
            mapCount += 1
        case .outlines(let map):
            bytes = OutlineCoding.encode(map)
            guard bytes.count <= Int(UInt32.max) else { throw Failure.badData("\(image): has shapes of \(byteText(bytes.count))", remedy: "simplify them") }
            (entry.content, entry.place, entry.length, file_) = (.outlines, outlines.size, bytes.count, outlines)
        }
        let record = SalienceRecord(
            image: image, split: datasets[parts.count].split, state: content.state, imageHash: imageHash, origin: origin, file: file, fileHash: fileHash,
            map: bytes.isEmpty ? nil : SHA256.hex(of: bytes), replaced: replaced.isEmpty ? nil : replaced, remarks: remarks.isEmpty ? nil : remarks)
        do {
            try file_?.write(bytes)
            let line = try jsonBytes(record, .line)
            line.withUnsafeBytes { recordsHash.update($0) }
            try records.write(line)
        } catch let error as SystemError { throw Failure.writing(path, error: error) }
        index += entry.encoded
        bytes.withUnsafeBytes { digest.add(entry, $0) }
        counts[content.state] += 1
        if counts.all == datasets[parts.count].count { finishPart() }
    }

    private func finishPart() {
        parts.append(.init(dataset: datasets[parts.count], digest: digest.finish(), counts: counts))
        (digest, counts) = (SalienceDigest(size: size, fit: fit.rawValue), SalienceCounts())
    }

    /// Completes the store, which then is at the path it was to be written to.
    package func finish() throws -> SalienceHeader {
        precondition(parts.count == datasets.count, "not all images were added")
        let header = SalienceHeader(size: size, fit: fit, parts: parts, origins: origins, recordsHash: recordsHash.finish(), createdBy: createdBy)
        do {
            for file in [maps, outlines, records] { try file.finish() }
            if mapCount == 0 { try files.removeFile(temporary + "/maps.u8") }
            if outlines.size == 0 { try files.removeFile(temporary + "/outlines.bin") }
            try writeSynchronized(temporary + "/index.bin", using: files) { sink in try index.withUnsafeBytes { try sink($0) } }
            let text = try jsonBytes(header)
            try writeSynchronized(temporary + "/" + SalienceHeader.fileName, using: files) { sink in try text.withUnsafeBytes { try sink($0) } }
            try files.synchronizeDirectory(temporary)
            try publish()
        } catch { throw Failure.writing(path, error: error) }
        isFinished = true
        return header
    }

    /// A folder cannot be replaced in one step: the old one steps aside first.
    private func publish() throws {
        let old = temporary + "-old"
        try files.removeTree(old)
        if access(path, F_OK) == 0 { try files.rename(path, to: old) }
        try files.rename(temporary, to: path)
        try files.synchronizeDirectory(pathFolder(path))
        try files.removeTree(old)
    }
}

/// A new file, written in large pieces.
private final class BufferedFile {
    private let path: String
    private let files: PosixFileOperations
    private var descriptor: Int32
    private var buffer: [UInt8] = []
    /// Bytes written, those in the buffer included.
    private(set) var size = 0

    init(_ path: String, _ files: PosixFileOperations) throws {
        self.path = path
        self.files = files
        descriptor = try files.create(path)
    }

    deinit { if descriptor >= 0 { try? files.close(descriptor, path: path) } }

    func write(_ bytes: [UInt8]) throws {
        buffer += bytes
        size += bytes.count
        if buffer.count >= 1 << 20 { try flush() }
    }

    func finish() throws {
        try flush()
        try files.synchronize(descriptor, path: path)
        let open = descriptor
        descriptor = -1
        try files.close(open, path: path)
    }

    private func flush() throws {
        try buffer.withUnsafeBytes { try files.write($0, to: descriptor, path: path) }
        buffer.removeAll(keepingCapacity: true)
    }
}
