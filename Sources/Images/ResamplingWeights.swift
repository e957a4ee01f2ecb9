/// How much each source pixel of a row or column contributes to each target pixel, in whole numbers.
struct ResamplingWeights {
    /// Per target pixel: the first source pixel.
    private(set) var first: [Int] = []
    /// Per target pixel: how many source pixels.
    private(set) var counts: [Int] = []
    /// `stride` weights per target pixel.
    private(set) var weights: [Int32] = []
    let stride: Int

    /// A triangle as wide as the reduction: linear interpolation when enlarging, antialiased when reducing. As Pillow's
    /// BILINEAR: the triangle may reach beyond `from…to`, though not beyond the source. Weights sum to about 1 << 22.
    ///
    /// - Parameters:
    ///   - sourceCount: pixels of the source.
    ///   - from, to: the part of the source that `targetCount` pixels show.
    ///   - window: the target pixels wanted.
    static func triangle(sourceCount: Int, from: Double, to: Double, targetCount: Int, window: Range<Int>) -> ResamplingWeights {
        let scale = (to - from) / Double(targetCount)
        let width = max(scale, 1)
        return ResamplingWeights(window, stride: Int(width.rounded(.up)) * 2 + 1) { target in
            let centre = from + (Double(target) + 0.5) * scale
            let first = max(0, Int(centre - width + 0.5))
            let last = min(sourceCount, Int(centre + width + 0.5))
            let values = (first..<max(first, last)).map { max(0, 1 - abs((Double($0) - centre + 0.5) / width)) }
            let sum = values.reduce(0, +)
            return (first, values.map { Int32(($0 / sum * Double(1 << bilinearBits)).rounded()) })
        }
    }

    static let bilinearBits = 22

    /// The share of the target pixel that each source pixel covers. Weights sum to exactly 1 << 16.
    static func area(sourceCount: Int, from: Double, to: Double, targetCount: Int, window: Range<Int>) -> ResamplingWeights {
        let scale = (to - from) / Double(targetCount)
        return ResamplingWeights(window, stride: Int(scale.rounded(.up)) + 2) { target in
            let left = from + Double(target) * scale
            let right = from + Double(target + 1) * scale
            let first = min(Int(left), sourceCount - 1)
            let last = min(max(first + 1, Int(right.rounded(.up))), sourceCount)
            var values = (first..<last).map { source in
                let overlap = min(right, Double(source + 1)) - max(left, Double(source))
                return Int32((max(0, overlap) / scale * Double(1 << areaBits)).rounded())
            }
            // The largest weight takes up what rounding left.
            let largest = values.indices.max { values[$0] < values[$1] }!
            values[largest] += Int32(1 << areaBits) - values.reduce(0, +)
            return (first, values)
        }
    }

    static let areaBits = 16

    private init(_ window: Range<Int>, stride: Int, _ weightsOf: (Int) -> (Int, [Int32])) {
        self.stride = stride
        first.reserveCapacity(window.count)
        weights = [Int32](repeating: 0, count: window.count * stride)
        for (position, target) in window.enumerated() {
            let (start, values) = weightsOf(target)
            precondition(values.count <= stride, "more weights than there is room for")
            first.append(start)
            counts.append(values.count)
            for (i, value) in values.enumerated() { weights[position * stride + i] = value }
        }
    }

    /// The source pixels that any target pixel needs.
    var sources: Range<Int> {
        guard let lower = first.min(), let upper = zip(first, counts).map(+).max() else { return 0..<0 }
        return lower..<upper
    }
}
