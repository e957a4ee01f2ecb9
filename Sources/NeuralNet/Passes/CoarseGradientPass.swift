import Kernels

/// Input gradients of one frozen model, logits of another of the same weights: an attack that computes with less precision,
/// judged with all of it.
///
/// Memory: that of two `FrozenPass`es.
package final class CoarseGradientPass: DifferentiableClassifier {
    private let exact: FrozenPass
    private let coarse: FrozenPass

    /// - Parameters:
    ///   - exact: says what the model answers.
    ///   - coarse: says where its loss grows.
    package init(exact: FrozenPass, coarse: FrozenPass) {
        precondition(exact.imageShape == coarse.imageShape && exact.classes == coarse.classes, "two passes of different networks")
        self.exact = exact
        self.coarse = coarse
    }

    package var classes: Int { exact.classes }
    package var imageShape: ImageShape { exact.imageShape }
    package var capacity: Int { min(exact.capacity, coarse.capacity) }

    package func logits(of images: UnsafePointer<Float>, batch: Int, into logits: UnsafeMutablePointer<Float>) {
        exact.logits(of: images, batch: batch, into: logits)
    }

    package func inputGradient(
        of images: UnsafePointer<Float>, batch: Int, into gradient: UnsafeMutablePointer<Float>,
        loss: (UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
    ) {
        coarse.inputGradient(of: images, batch: batch, into: gradient, loss: loss)
    }
}
