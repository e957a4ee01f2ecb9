import Kernels

/// Another estimator's map times the centre prior, scaled so that its greatest value is 1.
///
/// People's fixations and photographers' objects are near the middle: most estimators gain by it (T. Judd, F. Durand and
/// A. Torralba, MIT-CSAIL-TR-2012-001).
package struct CentreWeighted: SalienceEstimator {
    private let base: any SalienceEstimator
    private let prior: CentrePrior

    /// - Parameter sigma: as `CentrePrior`.
    package init(_ base: any SalienceEstimator, sigma: Double) {
        self.base = base
        prior = CentrePrior(sigma: sigma)
    }

    /// The base's name and settings, and the prior's width.
    package var provenance: SalienceProvenance.Estimator {
        var provenance = base.provenance
        provenance.settings["centrePrior"] = .number(prior.sigma)
        return provenance
    }

    package func estimate(image: UnsafePointer<Float>, shape: ImageShape, into map: UnsafeMutablePointer<Float>) {
        base.estimate(image: image, shape: shape, into: map)
        withUnsafeTemporaryAllocation(of: Float.self, capacity: shape.pixels) { weights in
            prior.estimate(image: image, shape: shape, into: weights.baseAddress!)
            var greatest: Float = 0
            for i in 0..<shape.pixels {
                map[i] *= weights[i]
                greatest = max(greatest, map[i])
            }
            guard greatest > 0 else { return }
            for i in 0..<shape.pixels { map[i] /= greatest }
        }
    }
}
