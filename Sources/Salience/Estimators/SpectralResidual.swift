import Foundation
import Kernels

/// The spectral residual (X. Hou and L. Zhang, "Saliency Detection: A Spectral Residual Approach", CVPR 2007).
///
/// The log-amplitude spectrum of natural images is smooth; what sticks out of it is what sticks out of the image. The
/// grey image, resized to 64×64, is transformed; its log-amplitude minus that one's 3×3 mean, with the phase kept, is
/// transformed back, squared, blurred, resized and scaled to [0, 1]. Computed in float64; about 1 MFLOP per image.
///
/// As in the authors' code the mean repeats the border, and the blur has σ = 2.5 of the 64 pixels. An image without
/// contrast has no salience: its map is zero, as for an image without annotation.
package struct SpectralResidual: SalienceEstimator {
    /// Standard deviation of the final blur, in pixels of the 64×64 image.
    package let sigma: Double

    private static let side = FourierTransform.side

    package init(sigma: Double = 2.5) {
        precondition(sigma > 0, "a Gaussian of width \(sigma)")
        self.sigma = sigma
    }

    package var provenance: SalienceProvenance.Estimator {
        SalienceProvenance.Estimator(name: "spectral-residual", settings: ["width": .number(Double(Self.side)), "sigma": .number(sigma)])
    }

    package func estimate(image: UnsafePointer<Float>, shape: ImageShape, into map: UnsafeMutablePointer<Float>) {
        let side = Self.side
        let grey = greyPlane(image, shape)
        guard let low = grey.min(), let high = grey.max(), high - low > leastContrast else {
            for i in 0..<shape.pixels { map[i] = 0 }
            return
        }
        var real = resized(grey, height: shape.height, width: shape.width, toHeight: side, width: side)
        var imaginary = [Double](repeating: 0, count: side * side)
        FourierTransform.transform(&real, &imaginary, inverse: false)
        Self.keepResidual(&real, &imaginary)
        FourierTransform.transform(&real, &imaginary, inverse: true)
        for i in 0..<(side * side) { real[i] = real[i] * real[i] + imaginary[i] * imaginary[i] }
        let smooth = blurred(real, height: side, width: side, sigma: sigma)
        writeUnitRange(resized(smooth, height: side, width: side, toHeight: shape.height, width: shape.width), into: map)
    }

    /// Replaces a spectrum F by one of amplitude exp(log |F| − mean₃ₓ₃ log |F|) and the same phase: F · exp(−mean).
    private static func keepResidual(_ real: inout [Double], _ imaginary: inout [Double]) {
        // The floor keeps frequencies that are absent but for rounding from being what sticks out most.
        let logarithm = zip(real, imaginary).map { (x: Double, y: Double) -> Double in
            log((x * x + y * y).squareRoot() + 1e-6)
        }
        for y in 0..<side {
            for x in 0..<side {
                var sum = 0.0
                for dy in -1...1 {
                    let row = min(max(y + dy, 0), side - 1)
                    for dx in -1...1 { sum += logarithm[row * side + min(max(x + dx, 0), side - 1)] }
                }
                let scale = exp(-sum / 9)
                real[y * side + x] *= scale
                imaginary[y * side + x] *= scale
            }
        }
    }
}
