import Datasets
import Diagnostics
import Digests
import Foundation
import Images
import Salience

/// Reads people's annotations of a data set's images, all splits of it, into a store.
package struct SalienceImport {
    /// Every split that holds images.
    private let sources: [(split: DatasetSplit, images: any ImageSource)]
    /// Where the images are, for the record; nil where they are no files.
    private let data: String?
    private let options: AnnotationOptions
    private let createdBy: String

    package init(_ sources: [(split: DatasetSplit, images: any ImageSource)], at data: String?, options: AnnotationOptions, createdBy: String) {
        self.sources = sources
        self.data = data
        self.options = options
        self.createdBy = createdBy
    }

    /// - Parameters:
    ///   - format: of the files at `paths`; nil: the boxes and masks that the data set's manifest names.
    ///   - output: the store's folder.
    /// - Throws: `Failure` that names the file at fault.
    package func run(_ format: AnnotationFormat?, paths: [String], output: String, progress: (Int, Int) -> Void = { _, _ in }) throws -> ImportReport {
        let first = sources[0].images
        var targets: [SalienceImporter.Target] = []
        var originals: [OriginalImage] = []
        for (split, images) in sources {
            var found = try images.originals()
            // Images without files have numbers, and every split has a first.
            if images is ImageDataset { for index in found.indices { found[index].name = "\(split.rawValue)/\(found[index].name)" } }
            for (index, original) in found.enumerated() {
                targets.append(
                    .init(
                        name: original.name, storedSize: original.storedSize, orientation: original.orientation, label: Int(images.labels[index]),
                        fileHash: original.fileHash))
            }
            originals += found
        }
        let importer = SalienceImporter(
            targets: targets, datasets: sources.map { $0.images.identity(split: $0.split) }, classNames: first.classNames, size: first.imageSize,
            fit: first.fitRule, options: options, createdBy: createdBy)
        let inputs = try format.map { format in try paths.map { try SalienceImporter.read(format, $0, options, createdBy: createdBy) } } ?? [manifest(originals)]
        let chosen = format?.hasNamedLabels ?? true ? options.labels : nil
        return try importer.write(inputs, choosing: chosen, to: output) { progress($0, targets.count) }
    }

    /// What the data set's own manifest says.
    private func manifest(_ originals: [OriginalImage]) throws -> SalienceImporter.Input {
        var found = Annotations()
        for original in originals where !original.boxes.isEmpty || original.mask != nil {
            var image = ImageAnnotation(names: [original.name], size: original.storedSize)
            image.isStored = true
            image.regions = original.boxes.map { .init(label: "", shape: .outline(.box($0))) }
            if let mask = original.mask {
                let size = try RawPNG(path: mask).header.storedSize
                image.regions.append(.init(label: "", shape: .mask(AnnotationMask(.file(mask, .init(indices: nil, isInverted: options.invertsMasks)), size: size))))
                image.file = mask
                image.fileHash = try SHA256.hex(ofFile: mask)
            }
            found.images.append(image)
        }
        guard !found.images.isEmpty else {
            throw Failure.usage("the data set's manifest gives neither boxes nor masks", remedy: "add a column boxes or salience, or name the files with --format and a path")
        }
        var settings: [String: SalienceSetting] = [:]
        if options.invertsMasks { settings["inverted"] = .flag(true) }
        if options.frame != .auto { settings["orientation"] = .text(options.frame.rawValue) }
        let file = manifestFile
        return .init(
            found,
            origin: SalienceOrigin(
                kind: .import, name: "manifest", path: file, fileHash: try file.map { try SHA256.hex(ofFile: $0) }, settings: settings.isEmpty ? nil : settings,
                createdBy: createdBy))
    }

    /// The file that gives boxes and masks: the manifest itself, or what a packed set keeps of it.
    private var manifestFile: String? {
        guard let data else { return nil }
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: data, isDirectory: &isFolder) else { return nil }
        guard isFolder.boolValue else { return data }
        let names = PackedSet.isPackedSet(data) ? ["index.jsonl"] : ["manifest.csv", "manifest.jsonl"]
        let folder = data.count > 1 && data.hasSuffix("/") ? String(data.dropLast()) : data
        return names.map { "\(folder)/\($0)" }.first { FileManager.default.fileExists(atPath: $0) }
    }
}
