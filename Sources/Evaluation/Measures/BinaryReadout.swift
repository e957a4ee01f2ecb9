import Attacks
import Kernels
import NeuralNet

/// A model of two classes made of another's logits: class 0 has what holds, class 1 what an attacker wants.
///
/// So attacks that make an image misclassified can be put to other questions. It reads for one image at a time, since what it
/// reads (which class, which direction) differs by image: its capacity is 1.
final class BinaryReadout: DifferentiableClassifier {
    /// The two logits, each a sum of the model's: terms of (class, factor), and a constant.
    struct Sides {
        var zero: [(index: Int, factor: Float)]
        var one: [(index: Int, factor: Float)]
        /// Added to the second.
        var constant: Float = 0
    }

    let classes = 2
    let capacity = 1
    private let base: any DifferentiableClassifier
    private let logits: FloatBuffer
    /// What is read; may depend on the logits (the third largest, say) as long as it is smooth almost everywhere.
    private let sides: (UnsafePointer<Float>) -> Sides

    init(_ base: any DifferentiableClassifier, _ sides: @escaping (UnsafePointer<Float>) -> Sides) {
        self.base = base
        self.sides = sides
        logits = FloatBuffer(count: base.classes)
    }

    var imageShape: ImageShape { base.imageShape }

    func logits(of images: UnsafePointer<Float>, batch: Int, into output: UnsafeMutablePointer<Float>) {
        for i in 0..<batch {
            base.logits(of: images + i * imageShape.count, batch: 1, into: logits.pointer)
            read(UnsafePointer(logits.pointer), into: output + 2 * i)
        }
    }

    func inputGradient(
        of images: UnsafePointer<Float>, batch: Int, into gradient: UnsafeMutablePointer<Float>,
        loss: (UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
    ) {
        precondition(batch == 1, "\(batch) images for a capacity of 1")
        base.inputGradient(of: images, batch: 1, into: gradient) { logits, derivative in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: 4) { memory in
                let (own, slope) = (memory.baseAddress!, memory.baseAddress! + 2)
                read(logits, into: own)
                loss(UnsafePointer(own), slope)
                derivative.update(repeating: 0, count: base.classes)
                let sides = sides(logits)
                for term in sides.zero { derivative[term.index] += slope[0] * term.factor }
                for term in sides.one { derivative[term.index] += slope[1] * term.factor }
            }
        }
    }

    private func read(_ logits: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>) {
        let sides = sides(logits)
        output[0] = sides.zero.reduce(0) { $0 + $1.factor * logits[$1.index] }
        output[1] = sides.one.reduce(sides.constant) { $0 + $1.factor * logits[$1.index] }
    }
}

/// One image at a time, with the label 0 of a `BinaryReadout`.
struct LoneImage: AttackImages {
    let image: UnsafePointer<Float>
    let shape: ImageShape
    let index: Int

    var count: Int { 1 }

    func load(_ position: Int, image: UnsafeMutablePointer<Float>, mask: UnsafeMutablePointer<Float>) -> (label: Int, index: Int) {
        image.update(from: self.image, count: shape.count)
        return (0, index)
    }
}
