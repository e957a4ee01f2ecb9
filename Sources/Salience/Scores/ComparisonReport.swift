import Diagnostics

/// Maps scored against a truth, for one data set: what `sipat salience compare --json` writes.
package struct ComparisonReport: Sendable, Hashable, Codable {
    /// A set of maps that was scored.
    package struct Source: Sendable, Hashable, Codable {
        package var name: String
        /// Random blobs, other images' maps or the centre prior: what any map should do better than.
        package var isControl: Bool
        /// Images whose map has the same value everywhere.
        package var constant: Int
        /// Images without a map, scored as if it were zero.
        package var missing: Int

        package init(name: String, isControl: Bool, constant: Int, missing: Int) {
            self.name = name
            self.isControl = isControl
            self.constant = constant
            self.missing = missing
        }
    }

    /// Images that are averaged over.
    package struct Group: Sendable, Hashable, Codable {
        /// "all", or the class.
        package var name: String
        package var images: Int
        /// For each score's name, a mean per source; nil where the score is defined for no image.
        package var scores: [String: [ScoreMean?]]

        package init(name: String, images: Int, scores: [String: [ScoreMean?]]) {
            self.name = name
            self.images = images
            self.scores = scores
        }
    }

    package var dataset: SalienceProvenance.Dataset
    package var truth: String
    package var settings: ScoreSettings
    /// Of the controls and the bootstrap.
    package var seed: UInt64
    package var bootstrapSamples: Int
    /// Images without a truth: nobody looked, or nothing is salient. They are left out.
    package var withoutTruth: Int
    /// Images whose map has no value that passes the threshold: left out, too.
    package var withoutPositives: Int
    /// Images of which every pixel is positive: AUC is not defined.
    package var withoutNegatives: Int
    package var sources: [Source]
    package var groups: [Group]

    package init(
        dataset: SalienceProvenance.Dataset, truth: String, settings: ScoreSettings, seed: UInt64, bootstrapSamples: Int, withoutTruth: Int,
        withoutPositives: Int, withoutNegatives: Int, sources: [Source], groups: [Group]
    ) {
        self.dataset = dataset
        self.truth = truth
        self.settings = settings
        self.seed = seed
        self.bootstrapSamples = bootstrapSamples
        self.withoutTruth = withoutTruth
        self.withoutPositives = withoutPositives
        self.withoutNegatives = withoutNegatives
        self.sources = sources
        self.groups = groups
    }

    /// Markdown tables: over all images a row per source; then for each score a row per class.
    ///
    /// - Parameter scores: those to show, of the ones that were computed.
    package func tables(_ scores: [Score]) -> String {
        let scored = groups.first?.images ?? 0
        var lines = ["\(scored) of \(dataset.count) images of \(dataset.name) \(dataset.split) have a truth (\(truth)); 95 % intervals from \(bootstrapSamples) bootstrap samples of images"]
        if withoutTruth > 0 { lines.append("\(withoutTruth) images have no truth (nobody looked, or nothing is salient): left out") }
        if withoutPositives > 0 { lines.append("\(withoutPositives) images have a truth below the threshold everywhere: left out") }
        if withoutNegatives > 0 { lines.append("\(withoutNegatives) images are salient everywhere: AUC is not defined for them") }
        if !sources.contains(where: { $0.isControl && $0.name == SalienceControl.shuffled.rawValue }) {
            lines.append("shuffled is left out: one image only has a truth, so there is no other image's map to give it")
        }
        for source in sources where source.constant > 0 || source.missing > 0 {
            let missing = source.missing > 0 ? ", \(source.missing) of them because there is none" : ""
            lines.append("\(source.name): \(source.constant) maps are constant\(missing)")
        }
        if let all = groups.first { lines.append(table(of: all, scores)) }
        // One class is all of them.
        if groups.count > 2 { for score in scores { lines.append(table(of: score)) } }
        return lines.joined(separator: "\n")
    }

    private func table(of group: Group, _ scores: [Score]) -> String {
        var lines = ["", "| \(group.name) | \(scores.map(\.title).joined(separator: " | ")) |", "| :--- |" + scores.map { _ in " ---: |" }.joined()]
        for (place, source) in sources.enumerated() {
            let cells = scores.map { cell(group.scores[$0.rawValue]?[place] ?? nil) }
            lines.append("| \(title(source)) | \(cells.joined(separator: " | ")) |")
        }
        return lines.joined(separator: "\n")
    }

    private func table(of score: Score) -> String {
        let names = sources.map(title)
        var lines = ["", "| \(score.title) | images | \(names.joined(separator: " | ")) |", "| :--- | ---: |" + sources.map { _ in " ---: |" }.joined()]
        for group in groups.dropFirst() {
            let cells = (group.scores[score.rawValue] ?? []).map { cell($0) }
            lines.append("| \(group.name) | \(group.images) | \(cells.joined(separator: " | ")) |")
        }
        return lines.joined(separator: "\n")
    }

    private func title(_ source: Source) -> String { source.isControl ? "*\(source.name)*" : source.name }

    private func cell(_ mean: ScoreMean?) -> String {
        mean.map { "\(decimal($0.mean, 3)) (\(decimal($0.low, 3))–\(decimal($0.high, 3)))" } ?? ""
    }
}
