import Foundation

/// What an import found and did.
package struct ImportReport: Sendable {
    /// Numbers and first names of things that a person should look at.
    package struct Names: Sendable, Hashable {
        package private(set) var count = 0
        package private(set) var first: [String] = []

        mutating func add(_ name: String) {
            count += 1
            if first.count < 4 { first.append(name) }
        }

        var text: String { first.joined(separator: ", ") + (count > first.count ? ", …" : "") }
    }

    /// Maps of one class of images.
    package struct Share: Sendable, Hashable {
        package var name: String
        package var counts = SalienceCounts()
        /// Of the share of the image that is salient, over images with a map.
        package var sum = 0.0

        package var mean: Double { counts.map > 0 ? sum / Double(counts.map) : 0 }
    }

    package var images = 0
    package var counts = SalienceCounts()
    package var matched = 0
    package var unmatchedImages = Names()
    package var unmatchedAnnotations = Names()
    /// Annotations that may belong to any of several images, whose names differ by their extension alone.
    package var rivals = Names()
    /// Shapes of each label, and whether it counts.
    package var labels: [(name: String, count: Int, isChosen: Bool)] = []
    package var clippedShapes = 0
    package var clippedImages = Names()
    /// Shapes without an area in the image.
    package var droppedShapes = 0
    package var droppedImages = Names()
    /// Images that are annotated, of which nothing can be used: they count as unseen.
    package var unusable = Names()
    /// Images whose map is there, and shows nothing at the size of training.
    package var vanished = Names()
    package var ambiguous = Names()
    /// Images turned by EXIF whose annotations state no size: taken as of the upright image.
    package var unsized = Names()
    /// Those of them with shapes that fit into the stored image only.
    package var sideways = Names()
    package var leftOut: [String: Int] = [:]
    package var remarks: [String: Int] = [:]
    package var notes: [String] = []
    /// Files and images that were left out, why.
    package var skipped: [String] = []
    package var replaced = 0
    package var classes: [Share] = []

    /// A few lines for a terminal.
    package var text: String {
        var lines = ["\(matched) of \(images) images have an annotation: \(counts.summary)"]
        lines += notes
        if unmatchedImages.count > 0 { lines.append("\(unmatchedImages.count) images without an annotation: \(unmatchedImages.text)") }
        if unmatchedAnnotations.count > 0 { lines.append("\(unmatchedAnnotations.count) annotations without an image: \(unmatchedAnnotations.text)") }
        if rivals.count > 0 {
            lines.append("WARNING: \(rivals.count) annotations may belong to several images, whose names differ by their extension alone; none of these has a map: \(rivals.text)")
        }
        let chosen = labels.filter(\.isChosen).map { "\($0.name.isEmpty ? "(none)" : $0.name) \($0.count)" }
        lines.append("salient labels, with the number of shapes: \(chosen.isEmpty ? "none" : chosen.joined(separator: ", "))")
        let others = labels.filter { !$0.isChosen }.map { "\($0.name.isEmpty ? "(none)" : $0.name) \($0.count)" }
        if !others.isEmpty { lines.append("other labels, which do not count: \(others.joined(separator: ", "))") }
        lines.append(clippedShapes == 0 ? "nothing was clipped" : "\(clippedShapes) shapes reach beyond their image and are clipped, in \(clippedImages.count) images: \(clippedImages.text)")
        if droppedShapes > 0 { lines.append("\(droppedShapes) shapes have no area in their image and are dropped, in \(droppedImages.count) images: \(droppedImages.text)") }
        if ambiguous.count > 0 { lines.append("\(ambiguous.count) images are turned by EXIF without changing their size; the annotations are taken as of the upright image: \(ambiguous.text)") }
        if unsized.count > 0 {
            lines.append("\(unsized.count) images are turned by EXIF, and their annotations state no size; they are taken as of the upright image (--orientation says otherwise): \(unsized.text)")
        }
        if sideways.count > 0 {
            lines.append("WARNING: \(sideways.count) images have shapes that fit only into the image as its file has it; are they given in its pixels? Then: --orientation stored: \(sideways.text)")
        }
        lines += leftOut.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key) are left out" }
        lines += remarks.sorted { $0.key < $1.key }.map { "\($0.value) masks: \($0.key)" }
        if unusable.count > 0 { lines.append("WARNING: \(unusable.count) images are annotated, but nothing of it can be used; they count as unseen: \(unusable.text)") }
        if vanished.count > 0 { lines.append("WARNING: \(vanished.count) maps are so small that nothing of them is seen at the size of training: \(vanished.text)") }
        if replaced > 0 { lines.append("\(replaced) maps replace older ones, whose hashes are kept") }
        lines += skipped.map { "left out: \($0)" }
        lines.append(table)
        return lines.joined(separator: "\n")
    }

    private var table: String {
        let width = max(5, classes.map(\.name.count).max() ?? 0)
        func row(_ name: String, _ fields: [String]) -> String {
            name + String(repeating: " ", count: max(0, width - name.count))
                + fields.map { String(repeating: " ", count: max(2, 10 - $0.count)) + $0 }.joined()
        }
        let rows = classes.map { row($0.name, ["\($0.counts.map)", "\($0.counts.empty)", "\($0.counts.unseen)", $0.counts.map > 0 ? String(format: "%.3f", $0.mean) : "-"]) }
        return ([row("class", ["map", "empty", "unseen", "mean share"])] + rows).joined(separator: "\n")
    }
}
