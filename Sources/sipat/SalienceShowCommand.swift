import ArgumentParser
import Diagnostics
import Foundation
import Salience

struct SalienceShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Say on whose word maps are and how much they protect, in sum and per image.",
        discussion: """
            sipat salience show steel-boxes
            sipat salience show steel-boxes --image crazing_10

            Reads all maps, and compares a folder of maps with the hashes that were written with it.
            """)

    @Argument(help: "A folder of maps, or an array (.npy) with its JSON beside it.")
    var maps: String
    @Option(help: "The binary mask's threshold.")
    var threshold = 0.5
    @Option(help: "One image: its name, whole or its last part, or its number, counted over all splits.")
    var image: String?
    @Flag(help: "A line for each image.")
    var list = false

    mutating func validate() throws { maps = try expandingTilde(maps) }

    func run() throws {
        try reportingFailures {
            guard threshold > 0, threshold <= 1 else { throw Failure.usage("--threshold is \(threshold), expected a number above 0 and at most 1") }
            let parts = try parts()
            if let image { return try show(image, parts) }
            if list { return try parts.forEach { try showList($0.source) } }
            try summary(parts)
        }
    }

    private func parts() throws -> [(title: String, source: any SalienceSource)] {
        guard SalienceStore.isStore(maps) else {
            let loaded = try SalienceMaps(contentsOf: maps)
            return [("\(loaded.provenance.dataset.name) \(loaded.provenance.dataset.split)", loaded)]
        }
        let store = try SalienceStore(maps)
        if image == nil, !list { try store.verify() }
        return try store.header.parts.filter { $0.dataset.count > 0 }
            .map { ("\($0.dataset.name) \($0.dataset.split)", try StoredSalience(store, split: $0.dataset.split)) }
    }

    private func summary(_ parts: [(title: String, source: any SalienceSource)]) throws {
        var lines = ["\(maps): maps of \(parts[0].source.size)"]
        var counts: [Int?: Int] = [:]
        for (_, source) in parts { try source.forEachRecord { _, record in counts[record.origin, default: 0] += 1 } }
        lines.append("on whose word:")
        for (number, origin) in parts[0].source.origins.enumerated() {
            lines.append("  \(counts[number] ?? 0) images: \(origin.summary)")
        }
        if let unseen = counts[nil] { lines.append("  \(unseen) images: nobody's") }
        for (title, source) in parts {
            lines.append("\(title), \(source.fingerprint.prefix(16))")
            lines.append(try statistics(source))
        }
        try Output.result(lines.joined(separator: "\n"))
    }

    private func statistics(_ source: some SalienceSource) throws -> String { try SalienceStatistics(source, threshold: Float(threshold)).table }

    private func showList(_ source: any SalienceSource) throws {
        let origins = source.origins
        try source.forEachRecord { index, record in
            var line = "\(record.split)\t\(record.image)\t\(record.state.rawValue)"
            if record.state == .map { line += "\t\(percent(try protected(source, index)))" } else { line += "\t-" }
            line += "\t" + (record.origin.map { "\(origins[$0].kind.rawValue) \(origins[$0].name)" } ?? "-")
            line += "\t" + (record.file ?? "-")
            try Output.result(line)
        }
    }

    private func protected(_ source: any SalienceSource, _ index: Int) throws -> Double {
        var map = [Float](repeating: 0, count: source.size.pixels)
        try source.read(index, into: &map)
        return Double(map.count { 1 - $0 < Float(threshold) }) / Double(map.count)
    }

    private func show(_ wanted: String, _ parts: [(title: String, source: any SalienceSource)]) throws {
        var names: [String] = []
        for (_, source) in parts { try source.forEachRecord { names.append($1.image) } }
        let pairing = NamePairing(names)
        guard let number = pairing.find(wanted) ?? Int(wanted), names.indices.contains(number) else {
            let near = nearestName(to: wanted, among: names.map { String($0.split(separator: "/").last ?? "") })
            throw Failure.usage(
                "\(maps): there is no image \"\(wanted)\", or not only one",
                remedy: near.map { "did you mean \($0)?" } ?? "give its whole name, or a number from 0 to \(names.count - 1); --list shows them")
        }
        var first = 0
        for (_, source) in parts {
            defer { first += source.count }
            guard number >= first, number < first + source.count else { continue }
            try source.forEachRecord { index, record in
                guard index == number - first else { return }
                try Output.result(try describe(source, index, record))
            }
        }
    }

    private func describe(_ source: any SalienceSource, _ index: Int, _ record: SalienceRecord) throws -> String {
        let origins = source.origins
        func word(_ origin: Int?) -> String { origin.flatMap { origins.indices.contains($0) ? origins[$0].summary : nil } ?? "nobody" }
        var lines = ["\(record.image) (\(record.split)): \(record.state.rawValue)", "on whose word   \(word(record.origin))"]
        if let file = record.file { lines.append("from            \(file)\(record.fileHash.map { ", SHA-256 \($0)" } ?? "")") }
        if let map = record.map { lines.append("map             SHA-256 \(map)") }
        if record.state == .map {
            lines.append("protected       \(percent(try protected(source, index))) of \(source.size) pixels (mask 1 − S < \(threshold))")
            if let shapes = try source.outlines(of: index) { lines.append("kept as         \(shapes.outlines.count) shapes in an image of \(shapes.size)") }
        }
        for remark in record.remarks ?? [] { lines.append("remark          \(remark)") }
        for old in record.replaced ?? [] {
            lines.append("replaces        \(old.state.rawValue)\(old.map.map { " \($0.prefix(16))" } ?? "") of \(word(old.origin))")
        }
        return lines.joined(separator: "\n")
    }
}
