import Foundation

/// A Gaussian blur of [height, width], cut off at 3σ, that repeats the border.
///
/// - Parameter sigma: the standard deviation in pixels, above 0.
/// - Returns: a new image of the same size. O(pixels · σ).
func blurred(_ input: [Double], height: Int, width: Int, sigma: Double) -> [Double] {
    let radius = Int((3 * sigma).rounded(.up))
    var kernel = (-radius...radius).map { exp(-Double($0 * $0) / (2 * sigma * sigma)) }
    let total = kernel.reduce(0, +)
    for i in kernel.indices { kernel[i] /= total }
    var across = input
    for y in 0..<height {
        for x in 0..<width {
            var sum = 0.0
            for k in -radius...radius { sum += kernel[k + radius] * input[y * width + min(max(x + k, 0), width - 1)] }
            across[y * width + x] = sum
        }
    }
    var result = [Double](repeating: 0, count: input.count)
    for y in 0..<height {
        for k in -radius...radius {
            let (weight, row) = (kernel[k + radius], min(max(y + k, 0), height - 1) * width)
            for x in 0..<width { result[y * width + x] += weight * across[row + x] }
        }
    }
    return result
}
