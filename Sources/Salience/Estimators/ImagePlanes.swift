import Foundation
import Kernels

/// Below this a difference of values in [0, 1] is rounding, not a picture: a tenth of a grey level.
let leastContrast = 4e-4

/// Luma (ITU-R BT.601) of a colour image; the mean of any other number of channels. [height, width] in [0, 1].
func greyPlane(_ image: UnsafePointer<Float>, _ shape: ImageShape) -> [Double] {
    let weights = shape.channels == 3 ? [0.299, 0.587, 0.114] : [Double](repeating: 1 / Double(shape.channels), count: shape.channels)
    return (0..<shape.pixels).map { pixel in
        var sum = 0.0
        for (channel, weight) in weights.enumerated() { sum += weight * Double(image[pixel * shape.channels + channel]) }
        return sum
    }
}

/// CIE L*a*b* (white point D65) of a colour image in sRGB, a plane each; of any other number of channels the lightness L*
/// of their mean, one plane. L* is in [0, 100], a* and b* are within ±128.
///
/// A colour image whose channels are equal has the L* of the grey image, and a* and b* that are zero but for rounding.
func labPlanes(_ image: UnsafePointer<Float>, _ shape: ImageShape) -> [[Double]] {
    guard shape.channels == 3 else { return [greyPlane(image, shape).map { 116 * labCurve(linear($0)) - 16 }] }
    var planes = [[Double]](repeating: [Double](repeating: 0, count: shape.pixels), count: 3)
    for pixel in 0..<shape.pixels {
        let (r, g, b) = (linear(Double(image[3 * pixel])), linear(Double(image[3 * pixel + 1])), linear(Double(image[3 * pixel + 2])))
        // IEC 61966-2-1, each row divided by the white point's coordinate.
        let x = labCurve((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505)
        let y = labCurve(0.2126 * r + 0.7152 * g + 0.0722 * b)
        let z = labCurve((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.0890)
        planes[0][pixel] = 116 * y - 16
        planes[1][pixel] = 500 * (x - y)
        planes[2][pixel] = 200 * (y - z)
    }
    return planes
}

/// The intensity of a value in sRGB.
private func linear(_ value: Double) -> Double { value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4) }

private func labCurve(_ t: Double) -> Double { t > 216.0 / 24389 ? cbrt(t) : (24389.0 / 27 * t + 16) / 116 }

/// Writes `values` scaled so that the least is 0 and the greatest 1; zeros if all are equal.
func writeUnitRange(_ values: [Double], into map: UnsafeMutablePointer<Float>) {
    let least = values.min() ?? 0
    let range = (values.max() ?? 0) - least
    for (i, value) in values.enumerated() { map[i] = range > 0 ? Float((value - least) / range) : 0 }
}
