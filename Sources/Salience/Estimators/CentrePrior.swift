import Foundation
import Kernels

/// The centre prior: what matters tends to be in the middle. A Gaussian around the centre, the same for every image:
/// the baseline that any other estimator must beat.
package struct CentrePrior: SalienceEstimator {
    /// Standard deviation as a fraction of the height (downwards) and of the width (across).
    package let sigma: Double

    package init(sigma: Double = 0.25) {
        precondition(sigma > 0, "a Gaussian of width \(sigma)")
        self.sigma = sigma
    }

    package var provenance: SalienceProvenance.Estimator {
        SalienceProvenance.Estimator(name: "centre-prior", settings: ["sigma": .number(sigma)])
    }

    package func estimate(image: UnsafePointer<Float>, shape: ImageShape, into map: UnsafeMutablePointer<Float>) {
        write(height: shape.height, width: shape.width, into: map)
    }

    /// The map of any image of this size.
    package func write(height: Int, width: Int, into map: UnsafeMutablePointer<Float>) {
        for y in 0..<height {
            let v = ((Double(y) + 0.5) / Double(height) - 0.5) / sigma
            for x in 0..<width {
                let u = ((Double(x) + 0.5) / Double(width) - 0.5) / sigma
                map[y * width + x] = Float(exp(-(u * u + v * v) / 2))
            }
        }
    }
}
