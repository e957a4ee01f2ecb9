import Kernels

/// The mean of a score over images, and how far it could be off.
package struct ScoreMean: Sendable, Hashable, Codable {
    /// Images for which the score is defined.
    package var images: Int
    package var mean: Double
    /// The 2.5th and 97.5th percentile of the means of bootstrap samples: a 95 % interval.
    package var low: Double
    package var high: Double
}

/// Means with percentile bootstrap intervals (B. Efron, Annals of Statistics 7, 1979) over images.
///
/// Sample b draws as many images as there are, with replacement: the k-th is word k of Philox(seed, bootstrap, group, b). All
/// scores and all maps are measured on the same samples.
package struct Bootstrap: Sendable {
    package var samples: Int
    package var seed: UInt64

    /// - Parameter samples: 2 or more.
    package init(samples: Int = 1000, seed: UInt64) {
        self.samples = samples
        self.seed = seed
    }

    /// - Parameters:
    ///   - columns: in each a value per image, nil where it is not defined; all of the same count.
    ///   - group: 0 to 2²⁴−1, for draws of its own.
    /// - Returns: for each column its mean; nil if none of its values is defined. O(samples · images · columns).
    package func means(of columns: [[Double?]], group: Int = 0) -> [ScoreMean?] {
        let images = columns.first?.count ?? 0
        let known = columns.map { column in column.indices.filter { column[$0] != nil } }
        let numbers = zip(columns, known).map { column, known in known.map { column[$0] ?? 0 } }
        var means = [[Double]](repeating: [], count: columns.count)
        for sample in 0..<samples {
            let stream = Philox(seed: seed, purpose: .bootstrap, epoch: group, sample: sample)
            var times = [Double](repeating: 0, count: images)
            for k in 0..<images { times[stream.uniform(k, below: images)] += 1 }
            for column in columns.indices {
                var (sum, drawn) = (0.0, 0.0)
                for (image, value) in zip(known[column], numbers[column]) {
                    sum += times[image] * value
                    drawn += times[image]
                }
                if drawn > 0 { means[column].append(sum / drawn) }
            }
        }
        return columns.indices.map { column in
            guard !numbers[column].isEmpty else { return nil }
            let sorted = means[column].sorted()
            return ScoreMean(
                images: numbers[column].count, mean: numbers[column].reduce(0, +) / Double(numbers[column].count),
                low: quantile(0.025, of: sorted), high: quantile(0.975, of: sorted))
        }
    }
}

/// The quantile of sorted values, interpolated linearly between them (numpy's default).
func quantile(_ share: Double, of sorted: [Double]) -> Double {
    guard let last = sorted.last else { return .nan }
    let place = share * Double(sorted.count - 1)
    let index = Int(place)
    guard index + 1 < sorted.count else { return last }
    return sorted[index] + (place - Double(index)) * (sorted[index + 1] - sorted[index])
}
