import Kernels

/// Marks a contiguous blob of exactly `count` pixels at a random place: a control that knows nothing of the image.
///
/// The pixels nearest to a random one, in an ellipse's distance whose axes are drawn too (ratio at most 2), whatever of the
/// ellipse lies outside being made up inside; equal distances in row-major order. Whole numbers only: the same on every machine.
///
/// - Parameters:
///   - count: 0 to height · width.
///   - stream: its first four words are drawn: row, column, and the weights of the distances down and across, 1 to 4.
///   - map: receives 1 inside and 0 outside, [height, width].
/// - Complexity: O(pixels · log(longer side)).
package func writeRandomBlob(_ count: Int, height: Int, width: Int, stream: Philox, into map: UnsafeMutablePointer<Float>) {
    precondition(count >= 0 && count <= height * width, "a blob of \(count) in \(height)×\(width) pixels")
    let (row, column) = (stream.uniform(0, below: height), stream.uniform(1, below: width))
    let (down, across) = (1 + stream.uniform(2, below: 4), 1 + stream.uniform(3, below: 4))
    func distance(_ y: Int, _ x: Int) -> Int { down * (y - row) * (y - row) + across * (x - column) * (x - column) }
    func within(_ radius: Int) -> Int {
        var inside = 0
        for y in 0..<height { for x in 0..<width where distance(y, x) <= radius { inside += 1 } }
        return inside
    }
    // The least radius that holds enough pixels.
    var (low, high) = (-1, 4 * (height * height + width * width))
    while high - low > 1 {
        let middle = (low + high) / 2
        if within(middle) >= count { high = middle } else { low = middle }
    }
    var left = count == 0 ? 0 : count - within(high - 1)
    for y in 0..<height {
        for x in 0..<width {
            let d = distance(y, x)
            let isInside = count > 0 && (d < high || d == high && left > 0)
            if isInside, d == high { left -= 1 }
            map[y * width + x] = isInside ? 1 : 0
        }
    }
}

/// Who gets whose map when maps are dealt out anew: a random permutation that is one cycle, so nobody keeps its own (S. Sattolo,
/// Information Processing Letters 22, 1986).
///
/// - Parameter count: 2 or more. O(count).
package func derangement(_ count: Int, stream: Philox) -> [Int] {
    precondition(count >= 2, "a derangement of \(count)")
    var order = Array(0..<count)
    for i in Swift.stride(from: count - 1, through: 1, by: -1) {
        order.swapAt(i, stream.uniform(count - 1 - i, below: i))
    }
    return order
}
