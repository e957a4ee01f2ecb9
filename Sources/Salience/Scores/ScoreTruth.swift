/// The truth of one image, prepared for scoring.
package struct ScoreTruth: Sendable {
    /// [pixels] in [0, 1].
    let values: [Float]
    /// F.
    let positives: [Bool]
    /// |F|.
    package let positiveCount: Int

    package init(_ values: [Float], threshold: Float) {
        self.values = values
        positives = values.map { 1 - $0 < threshold }
        positiveCount = positives.count { $0 }
    }

    package var pixels: Int { values.count }
}

/// Where the positive pixels of a set of images lie, for the negatives of the shuffled AUC.
///
/// Each image has a weight of 2⁴⁰, shared out among its positive pixels. Whole numbers, so that the order of adding does not
/// matter.
package struct PositivePlaces: Sendable {
    /// [pixels].
    package var weights: [Int]

    package init(pixels: Int) { weights = [Int](repeating: 0, count: pixels) }

    package mutating func add(_ truth: ScoreTruth) {
        guard truth.positiveCount > 0 else { return }
        let weight = Self.weight(truth)
        for (i, isPositive) in truth.positives.enumerated() where isPositive { weights[i] += weight }
    }

    /// The weights of all images but `truth`, which must have been added.
    func others(than truth: ScoreTruth) -> [Double] {
        let weight = truth.positiveCount > 0 ? Self.weight(truth) : 0
        return weights.indices.map { Double(weights[$0] - (truth.positives[$0] ? weight : 0)) }
    }

    private static func weight(_ truth: ScoreTruth) -> Int { (1 << 40) / truth.positiveCount }
}
