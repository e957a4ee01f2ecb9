import Diagnostics
import Evaluation

/// What became of each test image under each model of a pilot: all that its numbers are counted from.
package struct PilotOutcomes: Sendable {
    /// One model: for each radius, then for each image, whether it is right and withstands the attack.
    package typealias Flags = [[Bool]]

    /// In grey levels, 0 (clean) first.
    package var radii: [Double]
    package var seeds: [Int]
    package var classNames: [String]
    /// By image.
    package var labels: [Int]
    /// By method, in the order of `seeds`.
    package var flags: [PilotMethod: [Flags]]
    /// By image: equal numbers belong together, such as images of one part. Nil where each image stands for itself.
    package var groups: [Int]?

    package init(radii: [Double], seeds: [Int], classNames: [String], labels: [Int], flags: [PilotMethod: [Flags]], groups: [Int]? = nil) {
        self.radii = radii
        self.seeds = seeds
        self.classNames = classNames
        self.labels = labels
        self.flags = flags
        self.groups = groups
    }

    package var count: Int { labels.count }
    package func place(of radius: Double) -> Int { radii.firstIndex(of: radius) ?? 0 }

    /// Images of a class.
    func members(_ label: Int) -> [Int] { labels.indices.filter { labels[$0] == label } }

    /// How many images there are that have nothing to do with each other: those of a group count once.
    ///
    /// - Parameter positions: images; nil for all.
    package func independent(_ positions: [Int]? = nil) -> Int { clusters(positions).map { Set($0).count } ?? positions?.count ?? count }

    private func clusters(_ positions: [Int]?) -> [Int]? { groups.map { groups in positions?.map { groups[$0] } ?? groups } }

    /// Accuracy over seeds and images.
    ///
    /// - Parameter positions: images; nil for all.
    package func share(_ method: PilotMethod, _ radius: Int, _ positions: [Int]? = nil) -> PilotShare {
        PilotShare((flags[method] ?? []).map { model in (positions ?? Array(labels.indices)).map { model[radius][$0] } }, groups: clusters(positions))
    }

    /// How much better `first` does than `second`.
    package func difference(_ first: PilotMethod, _ second: PilotMethod, _ radius: Int, _ positions: [Int]? = nil, level: Double = 0.95) -> PilotDifference? {
        guard let a = flags[first], let b = flags[second], a.count == b.count, !a.isEmpty else { return nil }
        let positions = positions ?? Array(labels.indices)
        guard !positions.isEmpty else { return nil }
        return PilotDifference(
            first: first.rawValue, second: second.rawValue, epsilon: radii[radius], seeds: seeds, level: level, groups: clusters(positions),
            a.map { model in positions.map { model[radius][$0] } }, b.map { model in positions.map { model[radius][$0] } })
    }
}

/// What of a mean's variance comes from images that belong together.
private enum Clusters {
    /// How many groups there are; nil where each image stands for itself.
    static func count(_ groups: [Int]?) -> Int? {
        guard let groups else { return nil }
        let count = Set(groups).count
        return count < groups.count ? count : nil
    }

    /// The sum over groups of the squared sums of their images' deviations from the mean, for as many groups as there are (K.-Y. Liang
    /// and S. L. Zeger, Biometrika 1986, with G/(G − 1)); infinite for one group, of which nothing follows. Nil where each image stands for itself.
    static func squares(_ deviations: [Double], _ groups: [Int]?) -> (sum: Double, count: Int)? {
        guard let groups, let count = Self.count(groups) else { return nil }
        guard count > 1 else { return (.infinity, count) }
        // In the order of their first images, so that equal reports have equal bytes.
        var places: [Int: Int] = [:]
        var sums: [Double] = []
        for (group, deviation) in zip(groups, deviations) {
            if let place = places[group] {
                sums[place] += deviation
            } else {
                places[group] = sums.count
                sums.append(deviation)
            }
        }
        return (sums.reduce(0) { $0 + $1 * $1 } * Double(count) / Double(count - 1), count)
    }
}

/// A share of images, averaged over seeds, with a 95 % interval.
///
/// The interval is Wilson's. With several seeds the images' own averages vary less than single answers do, and count as so many
/// more images (L. Kish's design effect); with one seed it is that of `BinomialInterval.wilson`. It covers which images were
/// drawn; how much seeds differ, `lowest` and `highest` show. Images of a group vary together, and count as so many fewer.
package struct PilotShare: Sendable, Hashable, Codable {
    package var count: Int
    package var accuracy: Double
    package var low: Double
    package var high: Double
    package var lowest: Double
    package var highest: Double

    /// - Parameters:
    ///   - flags: by seed, then by image.
    ///   - groups: by image; nil where each stands for itself.
    package init(_ flags: [[Bool]], groups: [Int]? = nil) {
        let (n, k) = (flags.first?.count ?? 0, flags.count)
        count = n
        guard n > 0 else {
            (accuracy, low, high, lowest, highest) = (0, 0, 1, 0, 0)
            return
        }
        let bySeed = flags.map { Double($0.count { $0 }) / Double(n) }
        let sums = (0..<n).map { i in flags.reduce(0) { $0 + ($1[i] ? 1 : 0) } }
        let right = sums.reduce(0, +)
        let p = Double(right) / Double(n * k)
        let square = Double(sums.reduce(0) { $0 + $1 * $1 }) / Double(n * k * k)
        let clusters = Clusters.squares(sums.map { Double($0) / Double(k) - p }, groups)
        let variance = clusters.map { $0.sum / Double(n) } ?? square - p * p
        // As many seeds, at best as many times the images.
        let effective = right == 0 || right == n * k ? Double(clusters?.count ?? n) : max(1, min(Double(n * k), Double(n) * p * (1 - p) / max(variance, 1e-12)))
        let z = normalQuantile(level: 0.95)
        let scale = 1 + z * z / effective
        let centre = (p + z * z / (2 * effective)) / scale
        let half = z / scale * (p * (1 - p) / effective + z * z / (4 * effective * effective)).squareRoot()
        accuracy = p
        low = right == 0 ? 0 : max(0, centre - half)
        high = right == n * k ? 1 : min(1, centre + half)
        (lowest, highest) = (bySeed.min()!, bySeed.max()!)
    }
}

/// Two methods on the same images under the same attacks, seed by seed.
package struct PilotDifference: Sendable, Hashable, Codable {
    /// McNemar's test of two models of one seed.
    package struct Seed: Sendable, Hashable, Codable {
        package var seed: Int
        package var onlyFirst: Int
        package var onlySecond: Int
        package var pValue: Double
    }

    package var first: String
    package var second: String
    package var epsilon: Double
    package var count: Int
    package var level: Double
    /// Accuracy of the first less that of the second, averaged over seeds.
    package var difference: Double
    package var low: Double
    package var high: Double
    package var seeds: [Seed]

    /// The interval is Bonett and Price's for paired shares, on the images' averages over seeds; with one seed it is that of
    /// `PairedComparison`.
    ///
    /// Where images belong together, the variance is that of the groups' sums, and the two images that the interval adds are groups.
    ///
    /// - Parameters:
    ///   - groups: by image; nil where each stands for itself.
    ///   - a, b: by seed, then by image.
    package init(first: String, second: String, epsilon: Double, seeds: [Int], level: Double, groups: [Int]? = nil, _ a: [[Bool]], _ b: [[Bool]]) {
        let (n, k) = (a[0].count, a.count)
        var values = [Int](repeating: 0, count: n)
        for i in 0..<n { for seed in 0..<k { values[i] += (a[seed][i] ? 1 : 0) - (b[seed][i] ? 1 : 0) } }
        let sum = values.reduce(0, +)
        let squares = values.reduce(0) { $0 + $1 * $1 }
        // One more image that only the first gets right, and one that only the second does; where there are groups, one more group of
        // the usual size each.
        let weight = Clusters.count(groups).map { Double(n) / Double($0) } ?? 1
        let size = Double(n) + 2 * weight
        let mean = Double(sum) / Double(k) / size
        let square = (Double(squares) / Double(k * k) + 2) / size
        let clusters = Clusters.squares(values.map { Double($0) / Double(k) - mean }, groups)
        let added = weight * weight * ((1 - mean) * (1 - mean) + (1 + mean) * (1 + mean))
        let variance = clusters.map { ($0.sum + added) / size } ?? max(0, square - mean * mean)
        let half = normalQuantile(level: level) * (variance / size).squareRoot()
        (self.first, self.second, self.epsilon, count, self.level) = (first, second, epsilon, n, level)
        difference = Double(sum) / Double(k * n)
        (low, high) = (max(-1, mean - half), min(1, mean + half))
        self.seeds = (0..<k).map { seed in
            // PairedComparison's second is the better one where its difference is positive.
            let pair = PairedComparison(a[seed], b[seed])
            return Seed(seed: seeds[seed], onlyFirst: pair.onlyFirst, onlySecond: pair.onlySecond, pValue: pair.pValue)
        }
    }

    /// Half the 95 % interval of two models that answer alike on so many images: no interval is narrower.
    package static func leastHalf(_ count: Int) -> Double { normalQuantile(level: 0.95) * 2.0.squareRoot() / (Double(count) + 2) }

    /// What it comes to, given the smallest difference that matters.
    package func verdict(smallest: Double) -> PilotVerdict {
        // A difference that is just as large counts, whatever the last digit of its quotient is.
        let tolerance = 1e-11
        if low > 0, difference >= smallest - tolerance, seeds.allSatisfy({ $0.onlyFirst >= $0.onlySecond }) { return .better }
        if high < 0, difference <= tolerance - smallest, seeds.allSatisfy({ $0.onlyFirst <= $0.onlySecond }) { return .worse }
        if low > -smallest, high < smallest { return .same }
        return .unclear
    }

    /// Whether a loss as large as matters can be ruled out.
    func isNotWorse(smallest: Double) -> Bool { low > -smallest }
}

/// What a difference between two methods comes to.
package enum PilotVerdict: String, Sendable, Hashable, Codable, CaseIterable {
    /// The interval is above zero, the difference as large as matters, and no seed says otherwise.
    case better
    case worse
    /// The whole interval is smaller than what matters.
    case same
    /// More images or seeds would tell.
    case unclear
}
