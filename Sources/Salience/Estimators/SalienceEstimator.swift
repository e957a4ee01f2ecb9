import Diagnostics
import Kernels

/// Guesses which pixels of an image are meaningful, without annotations or training.
package protocol SalienceEstimator: Sendable {
    /// The name and settings, as they are written beside the maps.
    var provenance: SalienceProvenance.Estimator { get }

    /// - Parameters:
    ///   - image: one image, HWC in [0, 1].
    ///   - map: receives the salience, [height, width] in [0, 1].
    func estimate(image: UnsafePointer<Float>, shape: ImageShape, into map: UnsafeMutablePointer<Float>)
}

/// The estimators that come with the program.
package enum SalienceEstimatorName: String, Sendable, CaseIterable {
    case booleanMap = "boolean-map"
    case localContrast = "local-contrast"
    case fineGrained = "fine-grained"
    case colourSpectral = "colour-spectral"
    case spectralResidual = "spectral-residual"
    case centrePrior = "centre-prior"

    /// The estimator, with its usual settings where none are given.
    ///
    /// - Parameter sigma: see `BooleanMaps`, `LocalContrast`, `ColourSpectral`, `SpectralResidual` and `CentrePrior`, which mean different things
    ///   by it; nothing to `FineGrained`.
    package func estimator(sigma: Double? = nil) -> any SalienceEstimator {
        switch self {
        case .booleanMap: sigma.map { BooleanMaps(sigma: $0) } ?? BooleanMaps()
        case .localContrast: sigma.map { LocalContrast(sigma: $0) } ?? LocalContrast()
        case .fineGrained: FineGrained()
        case .colourSpectral: sigma.map { ColourSpectral(sigma: $0) } ?? ColourSpectral()
        case .spectralResidual: sigma.map { SpectralResidual(sigma: $0) } ?? SpectralResidual()
        case .centrePrior: sigma.map { CentrePrior(sigma: $0) } ?? CentrePrior()
        }
    }
}

/// The names of the estimators that come with the program.
package let salienceEstimatorNames = SalienceEstimatorName.allCases.map(\.rawValue)

/// The estimator of that name.
///
/// - Parameters:
///   - sigma: as `SalienceEstimatorName.estimator`.
///   - centrePrior: the width of a centre prior that its maps are multiplied by, see `CentreWeighted`; nil for none.
/// - Throws: `Failure.usage` that suggests the nearest name.
package func salienceEstimator(named name: String, sigma: Double? = nil, centrePrior: Double? = nil) throws -> any SalienceEstimator {
    guard let known = SalienceEstimatorName(rawValue: name) else {
        let near = nearestName(to: name, among: salienceEstimatorNames).map { "; did you mean \($0)?" } ?? ""
        throw Failure.usage("unknown salience estimator \"\(name)\"\(near)", remedy: "use one of \(salienceEstimatorNames.joined(separator: ", "))")
    }
    guard sigma == nil || known != .fineGrained else {
        throw Failure.usage("fine-grained has no blur whose width could be set", remedy: "leave out sigma")
    }
    let estimator = known.estimator(sigma: sigma)
    return centrePrior.map { CentreWeighted(estimator, sigma: $0) } ?? estimator
}

extension SalienceEstimator {
    /// The map of one image as bytes, 0 to 255 for 0 to 1, rounded to nearest, into [height, width].
    package func estimate(image: UnsafePointer<Float>, shape: ImageShape, into bytes: UnsafeMutablePointer<UInt8>) {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: shape.pixels) { map in
            estimate(image: image, shape: shape, into: map.baseAddress!)
            for i in 0..<shape.pixels { bytes[i] = UInt8((min(max(map[i], 0), 1) * 255).rounded()) }
        }
    }
}
