/// Resizes [height, width] bilinearly, with half-pixel centres. When it shrinks, the triangle is widened by the same
/// factor, so that every input pixel counts (as in Pillow; without it small things would be missed).
package func resized(_ input: [Double], height: Int, width: Int, toHeight newHeight: Int, width newWidth: Int) -> [Double] {
    let columns = triangleWeights(from: width, to: newWidth)
    let rows = triangleWeights(from: height, to: newHeight)
    var across = [Double](repeating: 0, count: height * newWidth)
    for y in 0..<height {
        for (x, (first, weights)) in columns.enumerated() {
            var sum = 0.0
            for (k, weight) in weights.enumerated() { sum += weight * input[y * width + first + k] }
            across[y * newWidth + x] = sum
        }
    }
    var result = [Double](repeating: 0, count: newHeight * newWidth)
    for (y, (first, weights)) in rows.enumerated() {
        for (k, weight) in weights.enumerated() {
            let source = (first + k) * newWidth
            for x in 0..<newWidth { result[y * newWidth + x] += weight * across[source + x] }
        }
    }
    return result
}

/// For each output position the first input position and the weights from there on; they add up to 1.
private func triangleWeights(from count: Int, to newCount: Int) -> [(first: Int, weights: [Double])] {
    let scale = Double(count) / Double(newCount)
    let support = max(1, scale)
    return (0..<newCount).map { i in
        let centre = (Double(i) + 0.5) * scale
        let first = max(0, Int((centre - support).rounded(.down)))
        let last = min(count - 1, Int((centre + support).rounded(.down)))
        var weights = (first...last).map { max(0, 1 - abs(Double($0) + 0.5 - centre) / support) }
        let total = weights.reduce(0, +)
        for k in weights.indices { weights[k] /= total }
        return (first, weights)
    }
}
