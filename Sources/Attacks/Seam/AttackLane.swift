import Kernels

/// The image that a lane works on.
struct LaneImage {
    /// [height, width, channels].
    let image: UnsafePointer<Float>
    /// [height, width, channels]: 1 where a value may change, 0 where not.
    let free: UnsafePointer<Float>
    /// Pixels that may change; all of them without a mask.
    let freePixels: Int
    /// A point of the masked ball to begin the first run at; nil for the attack's own.
    let start: UnsafePointer<Float>?
    let shape: ImageShape
    let label: Int
    let index: Int
    let seed: UInt64

    var isMasked: Bool { freePixels < shape.pixels }
}

/// What a lane wants to know of the model at its point.
enum LaneQuestion {
    case logits
    case gradient
    /// Nothing: it is done.
    case none
}

/// An attack on one image as a series of questions to the model.
///
/// A lane never sees the images in other lanes. `LaneRunner` asks for many lanes at once, and gives a lane that is done the
/// next image, so that batches stay full although images fall at different times.
protocol AttackLane: AnyObject {
    /// Takes on an image, correctly classified and with pixels that may move, and puts the first question.
    ///
    /// - Parameter logits: of the image itself.
    func begin(_ image: LaneImage, logits: UnsafePointer<Float>)

    var question: LaneQuestion { get }

    /// Where the question is asked, [height, width, channels].
    var point: UnsafePointer<Float> { get }

    /// The derivative, with respect to the logits, of what the lane wants the gradient of: all `classes` values.
    func differentiate(_ logits: UnsafePointer<Float>, into derivative: UnsafeMutablePointer<Float>)

    /// Takes the answer and puts the next question.
    ///
    /// - Parameter gradient: [height, width, channels] if it was asked for, and free to be overwritten.
    func take(_ logits: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>?)

    /// When done: the misclassified image, or the strongest one.
    var result: UnsafePointer<Float> { get }

    /// When done. The runner counts the queries.
    var claim: AttackClaim { get }
}
