import Diagnostics
import Digests
import Foundation
import Images

/// Writes a store from people's annotations of a data set's images.
package struct SalienceImporter {
    /// An image that may be annotated.
    package struct Target: Sendable {
        package var name: String
        /// Of the pixels in its file.
        package var storedSize: PixelSize
        package var orientation: Orientation
        /// Index into `classNames`.
        package var label: Int
        /// Of its file, see `SalienceRecord.imageHash`.
        package var fileHash: String?

        package init(name: String, storedSize: PixelSize, orientation: Orientation, label: Int, fileHash: String? = nil) {
            self.name = name
            self.storedSize = storedSize
            self.orientation = orientation
            self.label = label
            self.fileHash = fileHash
        }
    }

    /// In the order of the data set, split after split.
    package var targets: [Target]
    package var datasets: [SalienceProvenance.Dataset]
    package var classNames: [String]
    /// Of fitted images.
    package var size: PixelSize
    package var fit: FitRule
    package var options: AnnotationOptions
    package var createdBy: String

    package init(
        targets: [Target], datasets: [SalienceProvenance.Dataset], classNames: [String], size: PixelSize, fit: FitRule, options: AnnotationOptions, createdBy: String
    ) {
        self.targets = targets
        self.datasets = datasets
        self.classNames = classNames
        self.size = size
        self.fit = fit
        self.options = options
        self.createdBy = createdBy
    }

    /// What was read from one place.
    package struct Input: Sendable {
        package var annotations: Annotations
        package var origin: SalienceOrigin

        package init(_ annotations: Annotations, origin: SalienceOrigin) {
            self.annotations = annotations
            self.origin = origin
        }
    }

    /// Reads what is at `path`.
    package static func read(_ format: AnnotationFormat, _ path: String, _ options: AnnotationOptions, createdBy: String) throws -> Input {
        let found = try format.read(path, options)
        var settings = found.settings
        settings["labels"] = .text(options.labels?.sorted().joined(separator: ",") ?? "all")
        if options.frame != .auto { settings["orientation"] = .text(options.frame.rawValue) }
        if !found.skipped.isEmpty { settings["files left out"] = .number(Double(found.skipped.count)) }
        var isFolder: ObjCBool = false
        _ = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        let hash = isFolder.boolValue ? nil : try SHA256.hex(ofFile: path)
        return Input(found, origin: SalienceOrigin(kind: .import, name: format.rawValue, path: path, fileHash: hash, settings: settings, createdBy: createdBy))
    }

    /// Writes the store; one that is there is replaced, and each record says by what.
    ///
    /// - Throws: `Failure` where annotations contradict the images, unless such are left out.
    package func write(_ inputs: [Input], choosing chosen: Set<String>?, to path: String, progress: (Int) -> Void = { _ in }) throws -> ImportReport {
        var report = ImportReport()
        report.images = targets.count
        report.classes = classNames.map { .init(name: $0) }
        report.labels = try labels(inputs, chosen)
        report.notes = inputs.flatMap(\.annotations.notes)
        report.skipped = inputs.flatMap(\.annotations.skipped).map(\.message)
        let pairs = try pair(inputs, &report)
        let older = try SalienceStore.isStore(path) ? OlderMaps(path) : nil
        let writer = try SalienceStoreWriter(to: path, size: size, fit: fit, datasets: datasets, origins: older?.origins ?? [], createdBy: createdBy)
        let origins = try inputs.map { try writer.number(of: $0.origin) }
        for (index, target) in targets.enumerated() {
            var content = SalienceContent.unseen
            var (origin, annotation): (Int?, ImageAnnotation?)
            var remarks: [String] = []
            if let pair = pairs[index] {
                annotation = inputs[pair.input].annotations.images[pair.image]
                origin = origins[pair.input]
                do {
                    (content, remarks) = try place(annotation!, target, chosen, &report)
                } catch let failure as Failure where options.skipsBadFiles && failure.kind == .badData {
                    report.skipped.append(failure.message)
                    (content, origin, annotation) = (.unseen, nil, nil)
                }
            }
            if content == .unseen { origin = nil }
            let replaced = older?.records[target.name]?.asReplaced ?? []
            if !replaced.isEmpty { report.replaced += 1 }
            try writer.add(
                image: target.name, content, imageHash: target.fileHash, origin: origin, file: annotation?.file, fileHash: annotation?.fileHash, replaced: replaced, remarks: remarks)
            try count(content, target, &report)
            progress(index + 1)
        }
        _ = try writer.finish()
        return report
    }

    /// What is stored of an annotation, all labels salient.
    package func content(of annotation: ImageAnnotation, on target: Target) throws -> SalienceContent {
        try AnnotationPlacer(storedSize: target.storedSize, orientation: target.orientation, size: size, fit: fit)
            .place(annotation, annotation.regions, name: target.name).content
    }

    private func place(_ annotation: ImageAnnotation, _ target: Target, _ chosen: Set<String>?, _ report: inout ImportReport) throws -> (SalienceContent, [String]) {
        var annotation = annotation
        if options.frame != .auto { annotation.isStored = options.frame == .stored }
        for (kind, count) in annotation.leftOut { report.leftOut[kind, default: 0] += count }
        guard annotation.wasSeen else { return (.unseen, []) }
        let regions = annotation.regions.filter { chosen?.contains($0.label) ?? true }
        let placer = AnnotationPlacer(storedSize: target.storedSize, orientation: target.orientation, size: size, fit: fit)
        let placed = try placer.place(annotation, regions, name: target.name)
        var remarks = placed.remarks
        for remark in placed.remarks { report.remarks[remark, default: 0] += 1 }
        if placed.clipped > 0 {
            report.clippedShapes += placed.clipped
            report.clippedImages.add(target.name)
            remarks.append("\(placed.clipped) shapes clipped")
        }
        if placed.dropped > 0 {
            report.droppedShapes += placed.dropped
            report.droppedImages.add(target.name)
            remarks.append("\(placed.dropped) shapes without an area dropped")
        }
        if options.frame == .auto {
            if placed.isAmbiguous { report.ambiguous.add(target.name) }
            if placed.isUnsized {
                report.unsized.add(target.name)
                remarks.append("turned by EXIF, no size stated: taken as of the upright image")
            }
        }
        if placed.isSideways { report.sideways.add(target.name) }
        // Somebody marked something, of which nothing can be used: that is not to say that there is nothing.
        if placed.content == .empty, placed.wasMarked || annotation.regions.isEmpty && !annotation.leftOut.isEmpty {
            report.unusable.add(target.name)
            let kinds = annotation.leftOut.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key) left out" }
            return (.unseen, remarks + kinds + ["annotated, but nothing of it can be used"])
        }
        return (placed.content, remarks)
    }

    private func count(_ content: SalienceContent, _ target: Target, _ report: inout ImportReport) throws {
        report.counts[content.state] += 1
        report.classes[target.label].counts[content.state] += 1
        let drawn: [UInt8]
        switch content {
        case .unseen, .empty: return
        case .pixels(let pixels): drawn = pixels
        case .outlines(let map): drawn = fit.geometry(from: map.size, to: size).draw(map.outlines).values
        }
        let sum = drawn.reduce(0) { $0 + Int($1) }
        if sum == 0 { report.vanished.add(target.name) }
        report.classes[target.label].sum += Double(sum) / 255 / Double(size.pixels)
    }

    /// Counts labels and checks those that were chosen.
    private func labels(_ inputs: [Input], _ chosen: Set<String>?) throws -> [(name: String, count: Int, isChosen: Bool)] {
        var counts: [String: Int] = [:]
        for input in inputs {
            for image in input.annotations.images { for region in image.regions { counts[region.label, default: 0] += 1 } }
        }
        if let unknown = chosen?.sorted().first(where: { counts[$0] == nil }) {
            let names = counts.keys.filter { !$0.isEmpty }.sorted()
            let near = nearestName(to: unknown, among: names).map { "did you mean \"\($0)\"? " } ?? ""
            let all = names.isEmpty ? "no shape has one" : "there are: \(names.prefix(40).map { "\"\($0)\"" }.joined(separator: ", "))\(names.count > 40 ? ", …" : "")"
            let bare = counts[""].map { "; \($0) shapes have none" } ?? ""
            throw Failure.usage("--labels: no shape has the label \"\(unknown)\"", remedy: near + all + (names.isEmpty ? "" : bare))
        }
        return counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { ($0.key, $0.value, chosen?.contains($0.key) ?? true) }
    }

    /// For each target its annotation.
    private func pair(_ inputs: [Input], _ report: inout ImportReport) throws -> [(input: Int, image: Int)?] {
        let pairing = NamePairing(targets.map(\.name))
        var pairs = [(input: Int, image: Int)?](repeating: nil, count: targets.count)
        var rest: [(input: Int, image: Int)] = []
        func claim(_ target: Int, _ pair: (input: Int, image: Int)) throws {
            if let other = pairs[target] {
                func name(_ pair: (input: Int, image: Int)) -> String {
                    let image = inputs[pair.input].annotations.images[pair.image]
                    return image.file ?? image.names[0]
                }
                let failure = Failure.badData(
                    "\(name(other)) and \(name(pair)) both belong to the image \(targets[target].name)", remedy: "leave one of them out, or give both their own image")
                guard options.skipsBadFiles else { throw failure }
                report.skipped.append(failure.message)
            } else {
                pairs[target] = pair
            }
        }
        for (input, found) in inputs.enumerated() {
            for (image, annotation) in found.annotations.images.enumerated() {
                var (target, rivals, key) = (Int?.none, [String](), "")
                for name in annotation.names where target == nil {
                    let isImage = name != annotation.file
                    let found = pairing.findWhole(name, isImage: isImage)
                    // After a name that may mean several images, only one that says which of them.
                    if rivals.isEmpty || NamePairing.key(name) == key { target = found }
                    if found == nil, rivals.isEmpty { (rivals, key) = (pairing.rivals(of: name, isImage: isImage), NamePairing.key(name)) }
                }
                if let target {
                    try claim(target, (input, image))
                } else if rivals.isEmpty {
                    rest.append((input, image))
                } else {
                    report.rivals.add(rivals.joined(separator: " and "))
                }
            }
        }
        let wholly = pairs.map { $0 != nil }
        for pair in rest {
            let annotation = inputs[pair.input].annotations.images[pair.image]
            if let target = annotation.names.lazy.compactMap({ pairing.findLast($0, isImage: $0 != annotation.file) }).first(where: { !wholly[$0] }) {
                try claim(target, pair)
            } else {
                report.unmatchedAnnotations.add(annotation.names.first ?? "")
            }
        }
        // An image that a manifest lists more than once.
        for index in targets.indices where pairs[index] == nil {
            if let first = pairing.findSame(targets[index].name), first != index { pairs[index] = pairs[first] }
        }
        for index in targets.indices {
            if pairs[index] != nil { report.matched += 1 } else { report.unmatchedImages.add(targets[index].name) }
        }
        guard report.matched > 0 else {
            if report.rivals.count > 0 {
                throw Failure.badData(
                    "no annotation belongs to one image: images differ by their extension alone (\(report.rivals.text))",
                    remedy: "give each image a name of its own, or annotations that name it with its extension")
            }
            let example = inputs.flatMap(\.annotations.images).first?.names.first ?? "none"
            throw Failure.badData(
                "none of the annotations belongs to an image: they name \(example), the data set has \(targets.first?.name ?? "none")",
                remedy: "annotations find images by their names without extension: name the folder of these images, or rename the files")
        }
        return pairs
    }
}

/// What a store says that is about to be replaced.
private struct OlderMaps {
    var origins: [SalienceOrigin]
    var records: [String: SalienceRecord] = [:]

    init(_ path: String) throws {
        let store = try SalienceStore(path)
        origins = store.header.origins
        try store.forEachRecord { _, record in records[record.image] = record }
    }
}
