import Attacks
import Datasets
import Kernels
import NeuralNet

/// The perturbation of free adversarial training (Shafahi et al., NeurIPS 2019): one for each place of the batch, which the next
/// batch begins with.
///
/// It begins with zeros in each epoch, and where an epoch's last batch is smaller than the others, unlike in the authors' code, which
/// keeps it throughout: so it belongs to places of
/// full batches only, whose owners do not change, and no rank needs another's.
final class FreePerturbation {
    /// [places of this rank, height, width, channels].
    let values: FloatBuffer
    private let budgets: FloatBuffer
    private let shape: ImageShape

    /// - Parameter places: the most images of this rank.
    init(places: Int, shape: ImageShape) {
        self.shape = shape
        values = FloatBuffer(count: places * shape.count)
        budgets = FloatBuffer(count: places * shape.count)
    }

    /// Takes over a batch's masks, and starts anew where one has to.
    func begin(_ batch: Batch, threat: ThreatModel, mask: UnsafePointer<Float>?, fullBatch: Int) {
        if batch.step == 0 || batch.globalCount < fullBatch { values.fill(0) }
        for pixel in 0..<batch.count * shape.pixels {
            (budgets.pointer + pixel * shape.channels).update(repeating: threat.budget(mask?[pixel] ?? 1), count: shape.channels)
        }
    }

    /// Writes the images of the places `range` under the perturbation, in [0, 1]. What may not move stays.
    func apply(to images: UnsafePointer<Float>, _ range: Range<Int>, into output: UnsafeMutablePointer<Float>) {
        for i in range.lowerBound * shape.count..<range.upperBound * shape.count {
            let budget = budgets[i]
            output[i] = budget > 0 ? min(max(images[i] + min(max(values[i], -budget), budget), 0), 1) : images[i]
        }
    }

    /// Moves the perturbation of the places `range` by `size` along the sign of a gradient, within its budgets. What it carries
    /// out of [0, 1] has no gradient.
    ///
    /// - Parameters:
    ///   - images: of all places, unperturbed.
    ///   - gradient: of these places' perturbed images.
    func ascend(_ gradient: UnsafePointer<Float>, images: UnsafePointer<Float>, _ range: Range<Int>, size: Float) {
        let first = range.lowerBound * shape.count
        for i in first..<range.upperBound * shape.count {
            let (g, budget) = (gradient[i - first], budgets[i])
            let old = min(max(values[i], -budget), budget)
            let isInside = images[i] + old >= 0 && images[i] + old <= 1
            let moved = old + (isInside ? g > 0 ? size : g < 0 ? -size : 0 : 0)
            values[i] = min(max(moved, -budget), budget)
        }
    }
}
