import Diagnostics
import Images
import Kernels

/// How files become images of one size.
package struct FitSettings: Sendable, Hashable {
    package typealias Rule = FitRule

    package var size: PixelSize
    package var channels: Channels
    package var rule: FitRule
    package var limit: PixelLimit

    package init(size: PixelSize, channels: Channels, rule: FitRule = .resize, limit: PixelLimit = .standard) {
        self.size = size
        self.channels = channels
        self.rule = rule
        self.limit = limit
    }

    package var shape: ImageShape { ImageShape(height: size.height, width: size.width, channels: channels.rawValue) }

    package var geometry: GeometryRule { rule.rule(for: size) }

    var text: String { "\(rule.rawValue) \(size) \(channels)" }
}

/// One split of a collection, read from its files or shards when asked for.
package final class FileImages: ImageSource {
    package let name: String
    package let classNames: [String]
    package let labels: [Int32]
    package let groups: [Int32]?
    package let fingerprint: String
    package var imageShape: ImageShape { settings.shape }
    package var decodes: Bool { true }
    package var fitRule: FitRule { settings.rule }

    private let collection: ImageCollection
    private let settings: FitSettings
    /// The split's images among the collection's.
    private let indices: [Int]

    /// - Parameter leftOut: paths of files to do without.
    /// - Throws: `Failure.usage` when the split holds no image.
    package init(
        _ collection: ImageCollection, split: DatasetSplit, settings: FitSettings, leavingOut leftOut: Set<String> = [], name: String = "images"
    ) throws {
        indices = collection.entries.indices.filter {
            collection.entries[$0].split == split && (leftOut.isEmpty || !leftOut.contains(collection.entries[$0].path))
        }
        guard !indices.isEmpty else {
            throw Failure.usage(
                "\(collection.folder): the \(split.rawValue) split holds no image", remedy: "make one, or let data.testShare draw it")
        }
        self.collection = collection
        self.settings = settings
        self.name = name
        classNames = collection.classNames
        labels = indices.map { collection.entries[$0].label }
        if let numbers = collection.sharedGroups { groups = indices.map { numbers[$0] } } else { groups = nil }
        var hash = ContentHash()
        for index in indices {
            let entry = collection.entries[index]
            hash.combine(text: entry.path)
            hash.combine(text: collection.classNames[Int(entry.label)])
            // Of a manifest, only what it says and the sample below: looking at a million files would take minutes.
            if let place = entry.place {
                hash.combine(text: "\(place.size)")
            } else if collection.layout != .manifest {
                hash.combine(text: "\(FolderListing.size(collection.path(of: entry)) ?? -1)")
            }
        }
        hash.combine(text: settings.text)
        withUnsafeBytes(of: ContentSample(collection, indices).hash.littleEndian) { hash.combine($0) }
        fingerprint = "\(name) \(indices.count)×\(settings.shape) \(hash.hexadecimal)"
    }

    package func read(_ index: Int, _ draw: SampleDraw, into pixels: UnsafeMutablePointer<UInt8>) throws -> SampleGeometry {
        let entry = collection.entries[indices[index]]
        let options = DecodingOptions(channels: settings.channels, limit: settings.limit)
        let decoded: DecodedImage
        do {
            decoded = try collection.bytes(of: entry).withUnsafeBytes { try Image.decode($0, name: collection.path(of: entry), options: options) }
        } catch let failure as Failure { throw FileImages.withWayOut(failure) }
        let geometry = draw.geometry(
            source: decoded.header.size, orientation: decoded.header.orientation, fit: settings.geometry, size: settings.size)
        geometry.apply(to: decoded.image, denominator: decoded.denominator, into: pixels)
        return geometry
    }

    package func fit(of geometry: SampleGeometry) -> Geometry {
        SampleDraw.none.geometry(
            source: geometry.fit.source, orientation: geometry.fit.orientation, fit: settings.geometry, size: settings.size
        ).fit
    }

    package func names() throws -> [String] { indices.map { collection.entries[$0].path } }

    package var hasNames: Bool { true }

    package func fileHashes(_ wanted: [Int]) throws -> [String?] {
        wanted.map { index in (try? collection.bytes(of: collection.entries[indices[index]])).map(ContentHash.ofFile) }
    }

    private static func withWayOut(_ failure: Failure) -> Failure {
        let way = "leave such files out: --skip-bad, or data.skipBad=true"
        return Failure(failure.kind, failure.message, remedy: failure.remedy.map { "\($0); or \(way)" } ?? way)
    }

    package func originals() throws -> [OriginalImage] {
        try indices.map { index in
            let entry = collection.entries[index]
            let bytes = try collection.bytes(of: entry)
            let header: ImageHeader
            do { header = try bytes.withUnsafeBytes { try ImageHeader(of: $0, name: collection.path(of: entry)) } } catch let failure as Failure {
                throw FileImages.withWayOut(failure)
            }
            return OriginalImage(
                name: entry.path, storedSize: header.storedSize, orientation: header.orientation, boxes: entry.boxes,
                mask: entry.salience.map { $0.hasPrefix("/") ? $0 : collection.folder + "/" + $0 }, fileHash: ContentHash.ofFile(bytes))
        }
    }

    package func attributes() -> [String: [String?]] { columns(indices.map { collection.entries[$0].attributes }) }

    package func title(of index: Int) -> String { collection.entries[indices[index]].path }
}

extension ContentHash {
    /// Of a file's bytes, as `ImageSource.fileHashes` has it.
    static func ofFile(_ bytes: [UInt8]) -> String {
        var hash = ContentHash()
        bytes.withUnsafeBytes { hash.combine($0) }
        return hash.hexadecimal
    }

    mutating func combine(text: String) {
        var text = text
        text.withUTF8 { combine(UnsafeRawBufferPointer($0)) }
    }
}
