import NeuralNet

/// One micro-batch, as an objective sees it.
struct MicroBatch {
    /// The images of the data set, augmented: [count, height, width, channels] in [0, 1].
    let clean: UnsafePointer<Float>
    /// The same under attack; the clean ones where nothing is attacked.
    let images: UnsafePointer<Float>
    let labels: UnsafePointer<Int32>
    let count: Int
    /// Where the loss's derivative with respect to `images` is wanted, like them; nil where it is not.
    var imageGradient: UnsafeMutablePointer<Float>?
}

/// What the update of a micro-batch minimises: which forward passes it takes, which loss they make, and whose statistics
/// BatchNorm's running ones are updated from.
///
/// An objective belongs to one thread and holds what it needs between passes; it allocates nothing after it was made. A
/// backward pass overwrites the parameter gradients of its arena: an objective with several adds them up.
protocol Objective: AnyObject {
    /// Whether it can give the derivative with respect to the images.
    static var givesImageGradient: Bool { get }

    /// Writes a micro-batch's sums: the gradients of its loss, statistics, loss and correct predictions.
    ///
    /// - Parameters:
    ///   - pass: whose filters are prepared.
    ///   - step: an arena in the pass's `layout`, overwritten.
    ///   - completed: to be called with the offset from which on the arena is final: with `statisticsOffset` before the last
    ///     backward pass, then as that goes.
    func differentiate(
        _ microBatch: MicroBatch, pass: TrainingPass, step: UnsafeMutablePointer<Float>, completed: (_ offset: Int) throws -> Void
    ) rethrows
}
