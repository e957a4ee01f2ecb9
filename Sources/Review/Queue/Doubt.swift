import Foundation

/// How doubtful each image's map is, and why.
package struct Doubt: Sendable {
    /// What is measured of one image.
    package struct Measure: Hashable, Sendable {
        /// 1 − intersection over union with other maps, the largest; nil where there are no others.
        package var disagreement: Double?
        /// Pixels within a tenth of the threshold, as a share of those near or above it.
        package var nearThreshold: Double
        /// Share of the image at or above the threshold.
        package var coverage: Double
        package var label: Int
        package var isUnseen: Bool
        package var isMistaken = false
        package var isAttacked = false

        package init(disagreement: Double? = nil, nearThreshold: Double, coverage: Double, label: Int, isUnseen: Bool = false) {
            self.disagreement = disagreement
            self.nearThreshold = nearThreshold
            self.coverage = coverage
            self.label = label
            self.isUnseen = isUnseen
        }

        package init(map: [UInt8], others: [[UInt8]], level: UInt8, label: Int, isUnseen: Bool) {
            let (near, counted, above) = map.reduce(into: (0, 0, 0)) { counts, value in
                let isNear = abs(Int(value) - Int(level)) <= 25
                counts.0 += isNear ? 1 : 0
                counts.1 += isNear || value >= level ? 1 : 0
                counts.2 += value >= level ? 1 : 0
            }
            let overlaps = others.map { other -> Double in
                var (both, either) = (0, 0)
                for i in map.indices {
                    let (a, b) = (map[i] >= level, other[i] >= level)
                    both += a && b ? 1 : 0
                    either += a || b ? 1 : 0
                }
                return either == 0 ? 1 : Double(both) / Double(either)
            }
            self.init(
                disagreement: overlaps.min().map { 1 - $0 }, nearThreshold: counted == 0 ? 0 : Double(near) / Double(counted),
                coverage: Double(above) / Double(max(1, map.count)), label: label, isUnseen: isUnseen)
        }
    }

    /// Images, the most doubtful first.
    package let order: [Int]
    package let scores: [Double]
    package let reasons: [ReviewItem.Reason]

    /// Each kind of doubt is replaced by its rank among all images, since their scales have nothing in common; an image's score is
    /// its highest. Images that a model gets wrong come before those that only fall under attack, images without a map first.
    package init(_ measures: [Measure]) {
        let count = measures.count
        var (scores, reasons) = ([Double](repeating: 0, count: count), [ReviewItem.Reason](repeating: .threshold, count: count))
        func raise(_ values: [Double], _ reason: ReviewItem.Reason) {
            for (index, rank) in Doubt.ranks(values).enumerated() where rank > scores[index] { (scores[index], reasons[index]) = (rank, reason) }
        }
        raise(measures.map(\.nearThreshold), .threshold)
        raise(Doubt.deviations(measures), .coverage)
        if measures.contains(where: { $0.disagreement != nil }) { raise(measures.map { $0.disagreement ?? 0 }, .disagreement) }
        for (index, measure) in measures.enumerated() {
            if measure.isAttacked { (scores[index], reasons[index]) = (max(scores[index], 0.5), scores[index] > 0.5 ? reasons[index] : .attacked) }
            if measure.isMistaken { (scores[index], reasons[index]) = (max(scores[index], 0.9), .mistaken) }
            if measure.isUnseen { (scores[index], reasons[index]) = (1, .unseen) }
        }
        self.scores = scores
        self.reasons = reasons
        order = (0..<count).sorted { (scores[$0], $1) > (scores[$1], $0) }
    }

    /// The share of values below each, 0 where a value is 0: many images without any doubt of a kind are not made doubtful by it.
    static func ranks(_ values: [Double]) -> [Double] {
        let sorted = values.sorted()
        return values.map { value in
            guard value > 0 else { return 0 }
            var (low, high) = (0, sorted.count)
            while low < high {
                let middle = (low + high) / 2
                if sorted[middle] < value { low = middle + 1 } else { high = middle }
            }
            return Double(low) / Double(sorted.count)
        }
    }

    /// How far each coverage is from its class's median, in median deviations.
    static func deviations(_ measures: [Measure]) -> [Double] {
        var byClass: [Int: [Double]] = [:]
        for measure in measures { byClass[measure.label, default: []].append(measure.coverage) }
        func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
        let centres = byClass.mapValues(median)
        let spreads = byClass.map { label, values in (label, max(0.01, median(values.map { abs($0 - centres[label]!) }))) }
        let spread = Dictionary(uniqueKeysWithValues: spreads)
        return measures.map { abs($0.coverage - centres[$0.label]!) / spread[$0.label]! }
    }
}
