/// The pixels of a map in groups of equal salience, the most salient first.
struct RankedPixels {
    /// Pixels by descending salience.
    private let order: [Int]
    /// Ranges of `order`.
    private let groups: [Range<Int>]

    /// - Parameter map: values that are not negative. O(n·log n).
    init(_ map: [Float]) {
        // Floats that are not negative are ordered as their bits are.
        var keys = map.indices.map { UInt64(~(map[$0] + 0).bitPattern) << 32 | UInt64($0) }
        keys.sort()
        order = keys.map { Int(truncatingIfNeeded: $0 & 0xFFFF_FFFF) }
        var groups: [Range<Int>] = []
        var start = 0
        for end in 1...keys.count where end == keys.count || keys[end] >> 32 != keys[start] >> 32 {
            groups.append(start..<end)
            start = end
        }
        self.groups = groups
    }

    /// The chance that a positive pixel comes before a negative one, drawn by weight; equal ones count a half (Mann and Whitney).
    /// Nil where there is none of either.
    func area(positives: [Bool], negatives: [Double]) -> Double? {
        var (wins, positivesAbove, negativesAbove) = (0.0, 0.0, 0.0)
        for group in groups {
            var (positive, negative) = (0.0, 0.0)
            for pixel in order[group] {
                if positives[pixel] { positive += 1 }
                negative += negatives[pixel]
            }
            wins += negative * (positivesAbove + positive / 2)
            positivesAbove += positive
            negativesAbove += negative
        }
        guard positivesAbove > 0, negativesAbove > 0 else { return nil }
        return wins / positivesAbove / negativesAbove
    }

    /// The expected IoU of the `count` first pixels with F, where the last places are dealt out at random among equal ones.
    func overlap(of count: Int, with truth: ScoreTruth) -> Double {
        var (left, both) = (count, 0.0)
        for group in groups where left > 0 {
            let positive = order[group].count { truth.positives[$0] }
            let taken = min(left, group.count)
            both += Double(positive) * Double(taken) / Double(group.count)
            left -= taken
        }
        return both / (Double(count + truth.positiveCount) - both)
    }

    /// The share of the first pixels, equal among each other, that lie in F.
    func hitRate(_ truth: ScoreTruth) -> Double {
        Double(order[groups[0]].count { truth.positives[$0] }) / Double(groups[0].count)
    }
}
