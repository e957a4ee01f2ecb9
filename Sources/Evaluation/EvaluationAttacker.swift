import Attacks
import Datasets
import Diagnostics
import Kernels
import NeuralNet
import Salience

/// Attacks one batch at every radius, with restarts on the images that still stand.
final class EvaluationAttacker {
    private let pass: FrozenPass
    private let shape: ImageShape
    private let settings: EvaluationProtocol
    private let attacks: [(epsilon: Float, ascent: ProjectedGradientAscent?)]
    private let mask: FloatBuffer
    private let adversarial: FloatBuffer
    private let best: FloatBuffer
    private let logits: FloatBuffer
    private let losses: FloatBuffer

    init(pass: FrozenPass, dataset: ImageDataset, settings: EvaluationProtocol, batch: Int) {
        self.pass = pass
        self.settings = settings
        let shape = dataset.imageShape
        self.shape = shape
        attacks = settings.epsilons.map { epsilon in
            let ascent =
                epsilon == 0
                ? nil
                : ProjectedGradientAscent(
                    settings.attack(epsilon: epsilon), imageShape: shape, classes: pass.classes, capacity: batch)
            return (epsilon, ascent)
        }
        mask = FloatBuffer(count: batch * shape.pixels)
        adversarial = FloatBuffer(count: batch * shape.count)
        best = FloatBuffer(count: batch * shape.count)
        logits = FloatBuffer(count: batch * pass.classes)
        losses = FloatBuffer(count: batch)
    }

    func records(of batch: Batch) throws -> [SampleRecord] {
        let (count, classes) = (batch.count, pass.classes)
        let images = UnsafePointer(batch.images.pointer)
        pass.logits(of: images, batch: count, into: logits.pointer)
        let clean = (0..<count).map { Array(UnsafeBufferPointer(start: logits.pointer + $0 * classes, count: classes)) }
        let mask = writeMask(batch)
        var records: [SampleRecord] = []
        for (epsilon, ascent) in attacks {
            best.pointer.update(from: images, count: count * shape.count)
            var standing = [Bool](repeating: true, count: count)
            var worst = [Float](repeating: -.infinity, count: count)
            for restart in 0..<(ascent == nil ? 0 : settings.restarts) {
                try ascent!.run(
                    model: pass, images: images, labels: batch.labels, mask: mask, count: count, seed: settings.seed,
                    epoch: restart, sampleIndices: batch.sampleIndices, adversarial: adversarial.pointer)
                try Admissibility.check(
                    images, adversarial.pointer, mask: mask, threat: ascent!.settings.threat, shape: shape, count: count)
                measure(adversarial.pointer, batch)
                for i in 0..<count where standing[i] && (losses[i] > worst[i] || prediction(i) != batch.labels[i]) {
                    worst[i] = losses[i]
                    standing[i] = prediction(i) == batch.labels[i]
                    (best.pointer + i * shape.count).update(
                        from: adversarial.pointer + i * shape.count, count: shape.count)
                }
                if !standing.contains(true) { break }
            }
            measure(best.pointer, batch)
            for i in 0..<count {
                guard losses[i].isFinite else {
                    throw Failure.internalError("image \(batch.sampleIndices[i]): the loss is \(losses[i])")
                }
                let size = perturbationSize(
                    images + i * shape.count, best.pointer + i * shape.count, count: shape.count)
                records.append(
                    SampleRecord(
                        index: batch.sampleIndices[i], epsilon: epsilon, label: Int(batch.labels[i]),
                        cleanLogits: clean[i], prediction: Int(prediction(i)),
                        isInTop5: CrossEntropy.correct(
                            logits.pointer + i * classes, labels: batch.labels + i, batch: 1, classes: classes, top: 5)
                            == 1,
                        loss: losses[i], linf: size.linf, l2: size.l2))
            }
        }
        return records
    }

    private func measure(_ images: UnsafePointer<Float>, _ batch: Batch) {
        pass.logits(of: images, batch: batch.count, into: logits.pointer)
        CrossEntropy.lossesAndGradient(
            logits.pointer, labels: batch.labels, batch: batch.count, classes: pass.classes, smoothing: 0,
            gradientScale: 1, losses: losses.pointer, gradient: nil)
    }

    private func prediction(_ i: Int) -> Int32 {
        Int32(CrossEntropy.prediction(logits.pointer + i * pass.classes, classes: pass.classes))
    }

    /// The mask of the region the attacker may change, or nil for all.
    private func writeMask(_ batch: Batch) -> UnsafePointer<Float>? {
        guard settings.region != .all else { return nil }
        for i in 0..<batch.count * shape.pixels {
            let isSalient = batch.salience[i] > settings.salienceThreshold
            mask[i] = isSalient == (settings.region == .salient) ? 1 : 0
        }
        return UnsafePointer(mask.pointer)
    }
}

/// L∞ and L2 size of the difference of two images.
func perturbationSize(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int) -> (linf: Float, l2: Float) {
    var (largest, sum) = (Float(0), 0.0)
    for i in 0..<count {
        let d = b[i] - a[i]
        largest = max(largest, abs(d))
        sum += Double(d) * Double(d)
    }
    return (largest, Float(sum.squareRoot()))
}
