import Datasets
import Diagnostics
import Kernels
import NeuralNet

/// A look at weights of unknown origin: do they do much better on images that are normalised as the field's training
/// scripts do it? Then they were trained so, and every number on images in [0, 1] is wrong.
package struct NormalizationProbe {
    /// Images looked at.
    package let count: Int
    /// How many were classified rightly as they are, and with the best of the usual normalisations.
    package let plain: Int
    package let normalized: Int
    /// Mean and deviation of that normalisation, per channel.
    package let constants: (mean: [Float], deviation: [Float])?

    /// The most images looked at: enough to tell a fifth from a third.
    private static let limit = 256

    /// What torchvision's examples and the repositories of this field use.
    private static let usual: [(mean: [Float], deviation: [Float])] = [
        ([0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616]),
        ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ([0.5071, 0.4867, 0.4408], [0.2675, 0.2565, 0.2761]),
        ([0.5, 0.5, 0.5], [0.5, 0.5, 0.5]),
        ([0.1307], [0.3081]),
        ([0.5], [0.5]),
    ]

    /// Cost: a forward pass over at most 256 images for each normalisation.
    package init(model: FrozenModel, dataset: any ImageSource, indices: [Int]) throws {
        let chosen = ValidationSplit.classBalanced(indices, labels: dataset.labels, limit: Self.limit)
        let network = model.network
        count = chosen.count
        guard !chosen.isEmpty, dataset.imageShape == network.input, dataset.classes <= network.classes else {
            (plain, normalized, constants) = (0, 0, nil)
            return
        }
        let pass = FrozenPass(model, capacity: min(network.attackGroup, chosen.count))
        func correct(_ constants: (mean: [Float], deviation: [Float])?) throws -> Int {
            var correct = 0
            let images = FloatBuffer(count: pass.capacity * dataset.imageShape.count)
            let logits = FloatBuffer(count: pass.capacity * network.classes)
            let channels = dataset.imageShape.channels
            let batches = EvaluationBatches(dataset: dataset, indices: chosen, batchSize: pass.capacity)
            let batch = batches.makeBatch()
            for index in 0..<batches.batchCount {
                try batches.fill(batch, index)
                for i in 0..<batch.count * dataset.imageShape.count {
                    let value = batch.images[i]
                    images[i] = constants.map { (value - $0.mean[i % channels]) / $0.deviation[i % channels] } ?? value
                }
                pass.logits(of: images.pointer, batch: batch.count, into: logits.pointer)
                for image in 0..<batch.count {
                    let row = (0..<network.classes).map { logits[image * network.classes + $0] }
                    if row.firstIndex(of: row.max()!) == Int(batch.labels[image]) { correct += 1 }
                }
            }
            return correct
        }
        plain = try correct(nil)
        let tried = try Self.usual.filter { $0.mean.count == dataset.imageShape.channels }.map { (try correct($0), $0) }
        let best = tried.max { $0.0 < $1.0 }
        (normalized, constants) = (best?.0 ?? 0, best?.1)
    }

    private func list(_ values: [Float]) -> String { values.map { "\($0)" }.joined(separator: ",") }

    /// What to say if normalised images are classified better than chance would have it: by more than four standard
    /// deviations of the difference, and by a tenth of the images.
    package var warning: String? {
        let gain = Double(normalized - plain)
        guard let constants, gain > 4 * Double(max(1, min(plain + normalized, 2 * count - plain - normalized))).squareRoot() * 0.5, gain > 0.05 * Double(count) else { return nil }
        return """
            warning: these weights look as if they were trained on normalised images: of \(count), \(normalized) are classified rightly when \
            normalised (mean \(constants.mean), deviation \(constants.deviation)), \(plain) as they are. Images are given to the model as they are, \
            in [0, 1], so expect wrong numbers
              → give --mean \(list(constants.mean)) --std \(list(constants.deviation))
            """
    }
}
