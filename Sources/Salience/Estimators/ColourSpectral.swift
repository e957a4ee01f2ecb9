import Foundation
import Kernels

/// The image signature in colour: quaternion DCT saliency (B. Schauerte and R. Stiefelhagen, "Quaternion-based Spectral Saliency
/// Detection for Eye Fixation Prediction", ECCV 2012), which for one channel is the image signature of X. Hou, J. Harel and
/// C. Koch (IEEE TPAMI 34, 2012).
///
/// A picture's foreground, sparse in space, survives when each coefficient of its cosine transform keeps its sign and loses
/// its size. A colour image is one image of quaternions: their sign is the coefficient divided by its norm, so it is the
/// vector of the channels' coefficients scaled to length 1, and the unit quaternion of the transform cancels out. Transformed
/// back, squared, summed over channels, blurred, resized and scaled to [0, 1].
///
/// Channels are L*a*b*, resized to 64×64. Computed in float64; 6 MFLOP per colour image. An image without contrast has no
/// salience.
package struct ColourSpectral: SalienceEstimator {
    /// Standard deviation of the final blur, in pixels of the 64×64 image.
    package let sigma: Double

    private static let side = 64
    /// The orthonormal DCT-II: row k is the k-th cosine.
    private static let cosines: [Double] = (0..<side * side).map { place in
        let (k, x) = place.quotientAndRemainder(dividingBy: side)
        return (k == 0 ? (1 / Double(side)).squareRoot() : (2 / Double(side)).squareRoot()) * cos(Double.pi * Double(k) * (Double(x) + 0.5) / Double(side))
    }

    package init(sigma: Double = 2.5) {
        precondition(sigma > 0, "a Gaussian of width \(sigma)")
        self.sigma = sigma
    }

    package var provenance: SalienceProvenance.Estimator {
        SalienceProvenance.Estimator(name: "colour-spectral", settings: ["width": .number(Double(Self.side)), "sigma": .number(sigma)])
    }

    package func estimate(image: UnsafePointer<Float>, shape: ImageShape, into map: UnsafeMutablePointer<Float>) {
        let side = Self.side
        let planes = labPlanes(image, shape)
        guard planes.contains(where: { ($0.max() ?? 0) - ($0.min() ?? 0) > 100 * leastContrast }) else {
            for i in 0..<shape.pixels { map[i] = 0 }
            return
        }
        var spectra = planes.map { plane in
            Self.transform(resized(plane, height: shape.height, width: shape.width, toHeight: side, width: side), inverse: false)
        }
        var norms = [Double](repeating: 0, count: side * side)
        for spectrum in spectra { for i in norms.indices { norms[i] += spectrum[i] * spectrum[i] } }
        // A coefficient that is absent but for rounding has no sign.
        let floor = 1e-9 * (norms.max() ?? 0).squareRoot()
        for i in norms.indices { norms[i] = norms[i].squareRoot() }
        var energy = [Double](repeating: 0, count: side * side)
        for channel in spectra.indices {
            for i in norms.indices { spectra[channel][i] = norms[i] > floor ? spectra[channel][i] / norms[i] : 0 }
            for (i, value) in Self.transform(spectra[channel], inverse: true).enumerated() { energy[i] += value * value }
        }
        let smooth = blurred(energy, height: side, width: side, sigma: sigma)
        writeUnitRange(resized(smooth, height: side, width: side, toHeight: shape.height, width: shape.width), into: map)
    }

    /// The two-dimensional DCT-II of [64, 64], or its inverse: C·X·Cᵀ, or Cᵀ·X·C.
    private static func transform(_ input: [Double], inverse: Bool) -> [Double] {
        var result = input
        for pass in 0..<2 {
            var next = [Double](repeating: 0, count: side * side)
            // Transforms columns and transposes; twice, it transforms rows as well and is where it was.
            for k in 0..<side {
                for n in 0..<side {
                    let weight = inverse ? cosines[n * side + k] : cosines[k * side + n]
                    for x in 0..<side { next[k * side + x] += weight * result[n * side + x] }
                }
            }
            result = transposed(next)
            _ = pass
        }
        return result
    }

    private static func transposed(_ input: [Double]) -> [Double] {
        (0..<side * side).map { input[$0 % side * side + $0 / side] }
    }
}
