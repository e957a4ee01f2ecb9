/// Chooses exactly `count` pixels of a map: the most salient ones.
///
/// Where the last places fall among pixels of equal salience (a box's inside, the ground around it), those with more salience
/// around them come first: by the sum over squares of an eighth of the longer side, taken twice, then by that over squares of the
/// whole, then in row-major order. So the choice grows around what is marked, or shrinks towards its core. Decided by whole
/// numbers: the same on every machine.
///
/// - Parameters:
///   - count: 0 to height · width.
///   - map: [height, width] in [0, 1].
///   - chosen: receives 1 for a chosen pixel and 0 for any other, [height, width]; may be the map's memory.
/// - Complexity: O(pixels), and O(n·log n) for n pixels among which there is a tie.
package func writeMostSalient(
    _ count: Int, of map: UnsafePointer<Float>, height: Int, width: Int, into chosen: UnsafeMutablePointer<Float>
) {
    let pixels = height * width
    precondition(count >= 0 && count <= pixels, "\(count) of \(pixels) pixels")
    guard count > 0, count < pixels else { return chosen.update(repeating: count > 0 ? 1 : 0, count: pixels) }
    let (limit, above) = value(ofRank: count, in: map, pixels: pixels)
    var tied: [Int] = []
    for i in 0..<pixels where order(map[i]) == limit { tied.append(i) }
    if count - above < tied.count {
        let around = Surroundings(map, height: height, width: width)
        tied.sort { around.precedes($0, $1) }
    }
    for i in 0..<pixels { chosen[i] = order(map[i]) > limit ? 1 : 0 }
    for i in tied.prefix(count - above) { chosen[i] = 1 }
}

/// A number that is ordered as the value, which is not negative, is.
private func order(_ value: Float) -> UInt32 { (value + 0).bitPattern }

/// The `count`-th greatest value, as `order`, and how many values are greater. By counting, 11 bits at a time.
private func value(ofRank count: Int, in map: UnsafePointer<Float>, pixels: Int) -> (limit: UInt32, above: Int) {
    withUnsafeTemporaryAllocation(of: Int.self, capacity: 1 << 11) { counts in
        var (prefix, above) = (UInt32(0), 0)
        for (shift, bits) in [(21, 11), (10, 11), (0, 10)] {
            counts.update(repeating: 0)
            let known = shift + bits
            for i in 0..<pixels {
                let value = order(map[i])
                guard known == 32 || value >> known == prefix >> known else { continue }
                counts[Int(value >> shift) & (1 << bits - 1)] += 1
            }
            var digit = 1 << bits - 1
            while above + counts[digit] < count {
                above += counts[digit]
                digit -= 1
            }
            prefix |= UInt32(digit) << shift
        }
        return (prefix, above)
    }
}

/// How much salience there is around each pixel of a map.
private struct Surroundings {
    private let near: [Int]
    private let far: [Int]

    init(_ map: UnsafePointer<Float>, height: Int, width: Int) {
        let levels = (0..<height * width).map { Int((map[$0] * 255).rounded()) }
        let side = max(height, width)
        func sums(_ radius: Int) -> [Int] {
            var result = levels
            for _ in 0..<2 {
                let table = SummedArea(result, height: height, width: width)
                for y in 0..<height {
                    for x in 0..<width {
                        result[y * width + x] = table.sum(
                            max(0, y - radius)..<min(height, y + radius + 1), max(0, x - radius)..<min(width, x + radius + 1))
                    }
                }
            }
            return result
        }
        near = sums(max(1, side / 16))
        far = sums(max(1, side / 2))
    }

    func precedes(_ a: Int, _ b: Int) -> Bool {
        if near[a] != near[b] { return near[a] > near[b] }
        return far[a] != far[b] ? far[a] > far[b] : a < b
    }
}
