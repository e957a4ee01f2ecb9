/// How far people agree who were shown the same images.
package struct Agreement: Codable, Hashable, Sendable {
    /// Images with two or more decisions.
    package var images: Int
    /// The share of pairs of decisions that are alike.
    package var raw: Double?
    /// K. L. Gwet's AC1 (2008): agreement beyond chance that does not collapse when nearly all decisions are the same.
    package var ac1: Double?
    /// K. Krippendorff's alpha for names.
    package var alpha: Double?
    /// The share of each decision.
    package var prevalence: [Double]

    /// - Parameters:
    ///   - ratings: for each image the decisions on it, as numbers below `categories`; images with fewer than two are left out.
    package init(_ ratings: [[Int]], categories: Int) {
        let units = ratings.filter { $0.count >= 2 }
        images = units.count
        guard images > 0 else {
            prevalence = []
            return
        }
        var shares = [Double](repeating: 0, count: categories)
        var totals = [Double](repeating: 0, count: categories)
        var (agreed, observedDisagreement) = (0.0, 0.0)
        for unit in units {
            let size = Double(unit.count)
            var counts = [Double](repeating: 0, count: categories)
            for rating in unit { counts[rating] += 1 }
            let alike = counts.reduce(0) { $0 + $1 * ($1 - 1) }
            agreed += alike / (size * (size - 1))
            observedDisagreement += (size * (size - 1) - alike) / (size - 1)
            for k in counts.indices {
                shares[k] += counts[k] / size
                totals[k] += counts[k]
            }
        }
        let mean = shares.map { $0 / Double(units.count) }
        prevalence = mean
        let raw = agreed / Double(units.count)
        self.raw = raw
        let chance = categories > 1 ? mean.reduce(0) { $0 + $1 * (1 - $1) } / Double(categories - 1) : 1
        ac1 = chance < 1 ? (raw - chance) / (1 - chance) : nil
        let n = totals.reduce(0, +)
        let expectedDisagreement = (n * n - totals.reduce(0) { $0 + $1 * $1 }) / (n - 1)
        alpha = expectedDisagreement > 0 ? 1 - observedDisagreement / expectedDisagreement : nil
    }

    /// What a reader must know who sees alpha alone.
    package static let caution =
        "Where nearly all decisions are the same, alpha falls to 0 or below although people agree: read it beside the raw agreement and AC1."
}

/// A mean, and the value that a tenth are below.
package struct Overlap: Codable, Hashable, Sendable {
    package var count: Int
    package var mean: Double?
    package var tenth: Double?

    package init(_ values: [Double]) {
        count = values.count
        guard count > 0 else { return }
        mean = values.reduce(0, +) / Double(count)
        tenth = values.sorted()[(count - 1) / 10]
    }
}
