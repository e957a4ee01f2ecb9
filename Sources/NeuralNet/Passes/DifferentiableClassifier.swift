import Kernels

/// What an attack may know of a network: its logits, and the gradient of a loss with respect to the input.
///
/// A conforming object owns the activations of one evaluation, so each thread needs its own. No call allocates.
package protocol DifferentiableClassifier: AnyObject {
    /// Number of classes, and of logits per image.
    var classes: Int { get }

    /// Shape of one input image.
    var imageShape: ImageShape { get }

    /// The most images one call may be given.
    var capacity: Int { get }

    /// Logits of `batch` ≤ `capacity` images.
    ///
    /// - Parameters:
    ///   - images: [batch, height, width, channels], values in [0, 1].
    ///   - logits: [batch, classes], overwritten.
    func logits(of images: UnsafePointer<Float>, batch: Int, into logits: UnsafeMutablePointer<Float>)

    /// The gradient with respect to the images of a loss that `loss` differentiates with respect to the logits.
    ///
    /// - Parameters:
    ///   - images: [batch, height, width, channels].
    ///   - gradient: the same shape, overwritten.
    ///   - loss: called once with the logits [batch, classes]; writes the loss's derivative with respect to them,
    ///     same shape, all of it.
    func inputGradient(
        of images: UnsafePointer<Float>, batch: Int, into gradient: UnsafeMutablePointer<Float>,
        loss: (_ logits: UnsafePointer<Float>, _ logitsGradient: UnsafeMutablePointer<Float>) -> Void)
}
