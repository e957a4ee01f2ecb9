import Foundation

/// The scores of one image's map.
package struct MapScores: Sendable, Hashable {
    /// For each of `ScoreSettings.scores`; nil where it is not defined: AUC if every pixel is positive, shuffled AUC if no other
    /// image has a positive pixel.
    package let values: [Double?]
    /// All pixels of the map have the same value. Its CC and NSS, 0/0, count as 0; as a distribution it is uniform.
    package let isConstant: Bool

    /// - Parameters:
    ///   - map: [pixels] in [0, 1], as many as `truth` has.
    ///   - truth: with one positive pixel at least.
    ///   - places: the positive pixels of all images, this one among them.
    /// - Complexity: O(pixels · log(pixels)).
    package init(_ map: [Float], truth: ScoreTruth, places: PositivePlaces, settings: ScoreSettings) {
        precondition(map.count == truth.pixels && truth.positiveCount > 0)
        isConstant = map.allSatisfy { $0 == map[0] }
        let ranked = RankedPixels(map)
        values = settings.scores.map { score in
            switch score {
            case .correlation: correlation(map, truth.values)
            case .similarity: similarity(map, truth.values)
            case .divergence: divergence(map, truth.values, epsilon: settings.epsilon)
            case .scanpath: normalizedScanpath(map, truth)
            case .auc: ranked.area(positives: truth.positives, negatives: truth.positives.map { $0 ? 0 : 1 })
            case .shuffledAUC: ranked.area(positives: truth.positives, negatives: places.others(than: truth))
            case .overlap: overlap(map.map { 1 - $0 < settings.threshold }, truth)
            case .overlapAtEqualArea: ranked.overlap(of: truth.positiveCount, with: truth)
            case .overlapAtCoverage: ranked.overlap(of: coveredPixels(settings.coverage ?? 0, of: map.count), with: truth)
            case .pointing: ranked.hitRate(truth)
            case .energy: energyInside(map, truth)
            }
        }
    }
}

private func mean(_ values: [Float]) -> Double { values.reduce(0) { $0 + Double($1) } / Double(values.count) }

/// `Score.correlation`; 0 where a map is constant.
private func correlation(_ p: [Float], _ q: [Float]) -> Double {
    let (meanP, meanQ) = (mean(p), mean(q))
    var (covariance, varianceP, varianceQ) = (0.0, 0.0, 0.0)
    for i in p.indices {
        let (dp, dq) = (Double(p[i]) - meanP, Double(q[i]) - meanQ)
        covariance += dp * dq
        varianceP += dp * dp
        varianceQ += dq * dq
    }
    // The mean of equal values may differ from them by rounding.
    guard p.contains(where: { $0 != p[0] }), q.contains(where: { $0 != q[0] }) else { return 0 }
    return covariance / (varianceP * varianceQ).squareRoot()
}

/// As a distribution over the pixels; uniform where there is nothing to distribute.
private func distribution(_ values: [Double]) -> [Double] {
    let sum = values.reduce(0, +)
    return sum > 0 ? values.map { $0 / sum } : values.map { _ in 1 / Double(values.count) }
}

/// `Score.similarity`.
private func similarity(_ p: [Float], _ q: [Float]) -> Double {
    func stretched(_ values: [Float]) -> [Double] {
        let (low, high) = (Double(values.min() ?? 0), Double(values.max() ?? 0))
        return distribution(values.map { high > low ? (Double($0) - low) / (high - low) : 0 })
    }
    return zip(stretched(p), stretched(q)).reduce(0) { $0 + min($1.0, $1.1) }
}

/// `Score.divergence`.
private func divergence(_ p: [Float], _ q: [Float], epsilon: Double) -> Double {
    zip(distribution(p.map(Double.init)), distribution(q.map(Double.init))).reduce(0) { $0 + $1.1 * log(epsilon + $1.1 / ($1.0 + epsilon)) }
}

/// `Score.scanpath`; 0 where the map is constant.
private func normalizedScanpath(_ map: [Float], _ truth: ScoreTruth) -> Double {
    guard map.contains(where: { $0 != map[0] }) else { return 0 }
    let middle = mean(map)
    var (squares, inside) = (0.0, 0.0)
    for i in map.indices {
        let difference = Double(map[i]) - middle
        squares += difference * difference
        if truth.positives[i] { inside += difference }
    }
    return inside / Double(truth.positiveCount) / (squares / Double(map.count)).squareRoot()
}

/// IoU of two sets of pixels.
private func overlap(_ chosen: [Bool], _ truth: ScoreTruth) -> Double {
    var (both, either) = (0, 0)
    for i in chosen.indices {
        if chosen[i], truth.positives[i] { both += 1 }
        if chosen[i] || truth.positives[i] { either += 1 }
    }
    return Double(both) / Double(either)
}

/// `Score.energy`; of a map that is zero everywhere, F's share of the image.
private func energyInside(_ map: [Float], _ truth: ScoreTruth) -> Double {
    var (inside, all) = (0.0, 0.0)
    for i in map.indices {
        all += Double(map[i])
        if truth.positives[i] { inside += Double(map[i]) }
    }
    return all > 0 ? inside / all : Double(truth.positiveCount) / Double(map.count)
}
