import Diagnostics
import Foundation
import Images
import Salience

/// Files of annotations, imported for a few small images.
struct Annotated {
    let folder: TemporaryFolder
    var targets: [SalienceImporter.Target]
    var size = PixelSize(width: 8, height: 6)
    var options = AnnotationOptions()

    /// Images of 8×6 pixels, maps of the same size.
    init(_ names: String..., orientation: Orientation = .up, stored: PixelSize = PixelSize(width: 8, height: 6)) throws {
        folder = try TemporaryFolder()
        targets = names.map { .init(name: $0, storedSize: stored, orientation: orientation, label: 0) }
    }

    func add(_ name: String, _ text: String) throws { try add(name, Array(text.utf8)) }

    func add(_ name: String, _ bytes: [UInt8]) throws {
        let path = folder.file("in/" + name)
        try FileManager.default.createDirectory(atPath: URL(fileURLWithPath: path).deletingLastPathComponent().path, withIntermediateDirectories: true)
        try write(bytes, to: path)
    }

    /// Imports `path`, below what was added; the maps are then at `store`.
    @discardableResult
    func imported(_ format: AnnotationFormat, _ path: String = "", labels: Set<String>? = nil) throws -> ImportReport {
        var options = options
        options.labels = labels
        let importer = SalienceImporter(
            targets: targets, datasets: [.init(name: "images", split: "train", count: targets.count, fingerprint: "f")], classNames: ["a"], size: size,
            fit: .resize, options: options, createdBy: "tests")
        let input = try SalienceImporter.read(format, folder.file(path.isEmpty ? "in" : "in/" + path), options, createdBy: "tests")
        return try importer.write([input], choosing: format.hasNamedLabels ? labels : nil, to: folder.file("store"))
    }

    func source() throws -> StoredSalience { try StoredSalience(SalienceStore(folder.file("store")), split: "train") }

    func records() throws -> [SalienceRecord] {
        var all: [SalienceRecord] = []
        try source().forEachRecord { all.append($1) }
        return all
    }

    func states() throws -> [SalienceState] { try records().map(\.state) }

    /// Map `index` as rows of characters: `.` nothing, `#` all, digits tenths in between.
    func picture(_ index: Int = 0) throws -> [String] {
        var map = [Float](repeating: -1, count: size.pixels)
        try source().read(index, into: &map)
        return (0..<size.height).map { y in
            (0..<size.width).map { x in
                let value = map[y * size.width + x]
                return value < 0.01 ? "." : value > 0.99 ? "#" : "\(Int((value * 10).rounded()))"
            }.joined()
        }
    }
}
