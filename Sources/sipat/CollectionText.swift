import Datasets
import Diagnostics
import Foundation

/// What `sipat data check` prints.
enum CollectionText {
    /// The classes and splits of a collection.
    static func contents(of collection: ImageCollection) -> String {
        var counts = [[Int]](repeating: [0, 0], count: collection.classNames.count)
        for entry in collection.entries { counts[Int(entry.label)][entry.split == .test ? 1 : 0] += 1 }
        let names = collection.classNames.map(\.onOneLine)
        let width = max(5, names.map(\.count).max() ?? 0)
        func row(_ name: String, _ numbers: [Int]) -> String {
            name + String(repeating: " ", count: max(1, width + 2 - name.count))
                + numbers.map { String(repeating: " ", count: max(0, 8 - "\($0)".count)) + "\($0)" }.joined()
        }
        var lines = ["\(collection.folder.onOneLine): \(collection.entries.count) images in \(collection.classNames.count) classes, \(collection.layout.rawValue)"]
        lines.append("class" + String(repeating: " ", count: width - 3) + "   train    test")
        lines += zip(names, counts).map(row)
        lines.append(row("all", [counts.reduce(0) { $0 + $1[0] }, counts.reduce(0) { $0 + $1[1] }]))
        let ignored = collection.ignored.map(\.onOneLine)
        if !ignored.isEmpty {
            lines.append("\(ignored.count) ignored:")
            lines += summary(ignored)
        }
        return lines.joined(separator: "\n")
    }

    /// Lines of one folder, ending and reason become one.
    private static func summary(_ ignored: [String]) -> [String] {
        func parts(_ line: String) -> (file: Substring, reason: Substring) {
            let colon = line.range(of: ": ", options: .backwards)
            return colon.map { (line[..<$0.lowerBound], line[$0.upperBound...]) } ?? (line[...], "")
        }
        func kind(_ line: String) -> String {
            let (file, reason) = parts(line)
            let folder = file.lastIndex(of: "/").map { file[...$0] } ?? ""
            let ending = file.hasSuffix("/") ? file : file.lastIndex(of: ".").map { file[$0...] } ?? ""
            return "\(folder)*\(ending): \(reason)"
        }
        let groups = Dictionary(grouping: ignored, by: kind).sorted { $0.value[0] < $1.value[0] }
        let lines = groups.flatMap { key, lines in
            lines.count <= 3 ? lines.map { "  \($0)" } : ["  \(lines.count) files like \(parts(lines[0]).file): \(parts(lines[0]).reason)"]
        }
        return lines.count <= 40 ? lines : Array(lines.prefix(40)) + ["  … and \(lines.count - 40) more lines"]
    }

    /// What decoding showed.
    static func findings(_ report: CollectionReport, in collection: ImageCollection) -> String {
        var lines: [String] = []
        lines.append("formats: " + report.formats.sorted { $0.value > $1.value }.map { "\($0.value) \($0.key)" }.joined(separator: ", "))
        let sizes = report.sizes.prefix(5).map { "\($0.count) of \($0.size)" }.joined(separator: ", ")
        lines.append("sizes: \(sizes)\(report.sizes.count > 5 ? ", and \(report.sizes.count - 5) more" : "")")
        if report.turned > 0 { lines.append("\(report.turned) images are turned upright, as their EXIF orientation says") }
        if !report.misnamed.isEmpty {
            lines.append("\(report.misnamed.count) files are named as another format than they hold (read by content): \(some(report.misnamed))")
        }
        if !report.searchedNear { lines.append("near duplicates were not searched: too many images") }
        let (exact, near) = (report.exactDuplicates, report.nearPairs)
        lines += duplicates(exact, (exact.count, exact.count(where: \.crossesSplits), exact.count(where: \.crossesLabels)), "exact duplicates (the same bytes)")
        let sets = near.count > report.nearDuplicates.count ? ", pairs in \(near.sets) sets of images" : ""
        lines += duplicates(
            report.nearDuplicates, (near.count, near.crossingSplits, near.crossingLabels), "near duplicates (at most 5 of 256 bits of a difference hash)\(sets)")
        lines.append("contents: \(report.contents) (a hash of all files, paths, labels and splits)")
        for group in collection.separatedGroups { lines.append("WARNING: group \(group.onOneLine) is in the training and in the test split") }
        for failure in report.problems.map(\.failure) {
            lines.append("cannot be used: \(Failure(failure.kind, failure.message.onOneLine, remedy: failure.remedy?.onOneLine))")
        }
        return lines.joined(separator: "\n")
    }

    /// - Parameter counts: of all, of which `found` are some: the first, and the first of each kind.
    private static func duplicates(_ found: [CollectionReport.Duplicates], _ counts: (all: Int, crossing: Int, labels: Int), _ kind: String) -> [String] {
        guard !found.isEmpty else { return ["no \(kind)"] }
        var lines = ["\(counts.all) \(kind):"]
        lines += found.prefix(10).map { "  \(some($0.paths))" }
        if counts.all > 10 { lines.append("  … and \(counts.all - 10) more") }
        if let first = found.first(where: \.crossesSplits) {
            lines.append("WARNING: \(counts.crossing) of them cross from training to test, so test results flatter: \(some(first.paths))")
            lines.append("  → put them into one group (column group of a manifest), or remove one of them")
        }
        if let first = found.first(where: \.crossesLabels) { lines.append("WARNING: \(counts.labels) of them have different labels: \(some(first.paths))") }
        return lines
    }

    private static func some(_ names: [String]) -> String {
        names.prefix(4).map(\.onOneLine).joined(separator: ", ") + (names.count > 4 ? ", … (\(names.count))" : "")
    }
}
