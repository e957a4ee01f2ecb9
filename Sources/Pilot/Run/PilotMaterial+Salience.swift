import Datasets
import Diagnostics
import Evaluation
import Foundation
import Recipes
import Review
import Salience

extension PilotMaterial.SalienceFacts {
    /// On whose word an image's map is.
    private struct Source {
        var kind = "own"
        var name: String
        var decision: ReviewAction?
    }

    /// Reads every map.
    init(_ images: any ImageSource, _ recipe: Recipe) throws {
        self.init(
            fingerprint: images.salienceFingerprint ?? "", states: images.salienceCounts, words: [], coverage: [], examples: [], rule: recipe.salienceRule.text)
        var sources = [Source](repeating: Source(name: images.name), count: images.count)
        if let source = images.salience {
            let origins = source.origins
            var counts = [Int](repeating: 0, count: origins.count)
            try source.forEachRecord { index, record in
                guard let origin = record.origin, origins.indices.contains(origin) else { return }
                counts[origin] += 1
                sources[index] = Source(kind: origins[origin].kind.rawValue, name: origins[origin].name, decision: record.reviewAction)
            }
            let used = zip(origins, counts).filter { $0.1 > 0 }
            words = used.map { .init(kind: $0.kind.rawValue, name: $0.name, summary: $0.summary, images: $1) }
            for (origin, _) in used where origin.kind == .review {
                if case .text(let plan)? = origin.settings?["plan"], !reviews.contains(plan) { reviews.append(plan) }
            }
        } else {
            words = [.init(kind: "own", name: images.name, summary: images.name, images: states.all - states.unseen)]
        }
        if !recipe.salience.maps.isEmpty { policy = try Self.policy(beside: recipe.salience.maps) }
        isByName = try Self.isByName(images, recipe)
        for index in 0..<images.count { count(sources[index], images.salienceState(of: index)) }
        try measure(images, recipe, sources)
    }

    private mutating func count(_ source: Source, _ state: SalienceState) {
        guard state != .unseen else { return }
        switch (source.kind, state) {
        case ("review", .empty): confirmedEmpty += 1
        case ("review", _) where source.decision == .corrected: corrected += 1
        case ("review", _): confirmed += 1
        case ("estimator", _), ("rule", _): machine += 1
        default: given += 1
        }
    }

    /// Coverage by class, and examples: of each class one for every kind of word, as long as they fit on a page.
    private mutating func measure(_ images: any ImageSource, _ recipe: Recipe, _ sources: [Source]) throws {
        let size = images.imageShape
        var sums = [Double](repeating: 0, count: images.classes)
        var counts = [Int](repeating: 0, count: images.classes)
        var map = [Float](repeating: 0, count: size.pixels)
        var shown = Set<String>()
        for index in 0..<images.count where images.salienceState(of: index) == .map {
            guard try images.readFittedMap(index, into: &map) else { continue }
            let inside = map.map { 1 - $0 < recipe.backgroundThreshold }
            let share = Double(inside.count { $0 }) / Double(size.pixels)
            let label = Int(images.labels[index])
            sums[label] += share
            counts[label] += 1
            let source = sources[index]
            let decision = source.kind == "review" ? (source.decision ?? .accept).rawValue : nil
            guard examples.count < 12, shown.insert("\(label) \(source.kind) \(decision ?? "")").inserted, let picture = try PilotSources.picture(images, index) else { continue }
            examples.append(
                .init(
                    index: index, label: label, image: picture, outline: ReportPicture.outline(inside, width: size.width, height: size.height), width: size.width,
                    height: size.height, share: share, kind: source.kind, word: source.name, decision: decision))
        }
        coverage = images.classNames.enumerated().map { .init(name: $1, images: counts[$0], share: counts[$0] > 0 ? sums[$0] / Double(counts[$0]) : 0) }
    }

    /// Whether the maps were made for other images that have these ones' names: these at another size, fewer or more of them, or
    /// other pictures.
    static func isByName(_ images: any ImageSource, _ recipe: Recipe) throws -> Bool {
        let path = recipe.salience.maps
        guard !path.isEmpty, SalienceStore.isStore(path) else { return false }
        return try SalienceStore(path).header.parts.allSatisfy { $0.dataset.fingerprint != images.fingerprint }
    }

    /// `policy.txt`, which a review's export leaves beside its maps.
    private static func policy(beside maps: String) throws -> String? {
        let path = maps + "/policy.txt"
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        let text = String(decoding: try ReadableFile.contents(of: path, limit: 1 << 20), as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        return text.isEmpty ? nil : text
    }
}
