import Kernels
import NeuralNet
import Salience

/// Makes a map of one image of a data set, for one thread.
protocol MapMaker: AnyObject {
    var provenance: SalienceProvenance.Estimator { get }

    /// Writes the map, [height, width] in [0, 1], of the data set's image `index`, HWC in [0, 1].
    func write(_ image: UnsafePointer<Float>, index: Int, label: Int, shape: ImageShape, into map: UnsafeMutablePointer<Float>) throws
}

/// An estimator that looks at the image alone.
final class ImageMapMaker: MapMaker {
    private let estimator: any SalienceEstimator

    init(_ estimator: any SalienceEstimator) { self.estimator = estimator }

    var provenance: SalienceProvenance.Estimator { estimator.provenance }

    func write(_ image: UnsafePointer<Float>, index: Int, label: Int, shape: ImageShape, into map: UnsafeMutablePointer<Float>) {
        estimator.estimate(image: image, shape: shape, into: map)
    }
}

extension ModelSalience: MapMaker {
    func write(_ image: UnsafePointer<Float>, index: Int, label: Int, shape: ImageShape, into map: UnsafeMutablePointer<Float>) throws {
        try estimate(image, index: index, label: label, into: map)
    }
}
