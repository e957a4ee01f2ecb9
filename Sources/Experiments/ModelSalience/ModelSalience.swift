import Diagnostics
import Kernels
import NeuralNet
import Salience

/// The estimators that look at an image through a trained model.
package enum ModelEstimatorName: String, Sendable, CaseIterable {
    /// |∇ loss| (Simonyan, Vedaldi and Zisserman 2014): what SIP-AT's authors take the largest values of.
    case gradient
    /// The gradient, averaged over noisy copies (Smilkov et al. 2017).
    case smoothGrad = "smoothgrad"
    /// The gradient, averaged on the way from a black image, times the image (Sundararajan, Taly and Yan 2017).
    case integratedGradients = "integrated-gradients"
    /// The last activation's channels, weighed by their gradients (Selvaraju et al. 2017).
    case gradCAM = "grad-cam"
}

/// What an estimator asks a model, and how.
package struct ModelSalienceSettings: Sendable, Hashable {
    /// The class whose evidence is looked for.
    package enum Target: Sendable, Hashable {
        /// What the model takes the image for.
        case predicted
        /// The image's label.
        case label
        case index(Int)
    }

    /// How the values of a pixel's channels become one.
    package enum Channels: String, Sendable, CaseIterable {
        case max
        case sum
    }

    package var name: ModelEstimatorName
    package var target = Target.predicted
    package var channels = Channels.max
    /// SmoothGrad's copies, and the deviation of their noise as a share of the image's range.
    package var samples = 25
    package var noise = 0.15
    /// Points on the way of integrated gradients.
    package var steps = 32
    package var seed: UInt64 = 0

    package init(_ name: ModelEstimatorName) { self.name = name }
}

/// Estimates salience with a frozen model, for one thread: what the model's decision for a class hangs on.
///
/// Values of gradients have long tails, so their maps are ranks: the share of the image's pixels whose value is smaller. A
/// threshold of 0.7 then marks the top 30 %, and `salience.coverage` any share. Grad-CAM's maps are divided by their maximum. A
/// map without a difference is empty. Nothing depends on the images before, or on ranks.
///
/// Cost per image: an input gradient, times `samples` or `steps`.
package final class ModelSalience {
    package let settings: ModelSalienceSettings
    /// With the model's name and the hash of its weights.
    package let provenance: SalienceProvenance.Estimator
    /// Of integrated gradients, for each image: Σ of the attributions, and f(x) − f(x′), to which they should add up.
    package private(set) var completeness: [(index: Int, sum: Double, difference: Double)] = []
    private let pass: FrozenPass
    private let images: FloatBuffer
    private let gradients: FloatBuffer
    private let sums: UnsafeMutableBufferPointer<Double>
    private var logits: [Float]

    /// Images that go through the model together; no result depends on it.
    private static let capacity = 8

    /// - Parameters:
    ///   - modelName, weightsHash: for the provenance.
    package init(_ settings: ModelSalienceSettings, model: FrozenModel, modelName: String, weightsHash: String) {
        self.settings = settings
        let shape = model.network.input
        pass = FrozenPass(model, capacity: settings.name == .gradient || settings.name == .gradCAM ? 1 : Self.capacity)
        images = FloatBuffer(count: pass.capacity * shape.count)
        gradients = FloatBuffer(count: pass.capacity * shape.count)
        sums = .allocate(capacity: shape.count)
        logits = [Float](repeating: 0, count: pass.capacity * model.network.classes)
        provenance = Self.provenance(settings, modelName: modelName, weightsHash: weightsHash)
    }

    deinit { sums.deallocate() }

    /// The map of one image, [height, width] in [0, 1].
    ///
    /// - Parameters:
    ///   - image: HWC in [0, 1], of the model's size.
    ///   - index: its place in the data set: the key of its noise, and its name in a message.
    /// - Throws: `Failure.badData` if the model's answer is not finite, or the label is none of its classes.
    package func estimate(_ image: UnsafePointer<Float>, index: Int, label: Int, into map: UnsafeMutablePointer<Float>) throws {
        let values = try values(image, index: index, label: label)
        guard values.allSatisfy(\.isFinite) else { throw notFinite("gradient", index) }
        if settings.name == .gradCAM {
            let largest = values.max() ?? 0
            for i in values.indices { map[i] = largest > 0 ? values[i] / largest : 0 }
        } else {
            writeRanks(of: values, into: map)
        }
    }

    /// What the map is made of, [height, width]: a non-negative number for each pixel.
    package func values(_ image: UnsafePointer<Float>, index: Int, label: Int) throws -> [Float] {
        pass.logits(of: image, batch: 1, into: &logits)
        guard logits[..<pass.classes].allSatisfy(\.isFinite) else { throw notFinite("answer", index) }
        let target = try target(label: label, index: index)
        switch settings.name {
        case .gradient:
            pass.inputGradient(of: image, batch: 1, into: gradients.pointer) { logits, derivative in
                CrossEntropy.lossesAndGradient(
                    logits, labels: [Int32(target)], batch: 1, classes: pass.classes, smoothing: 0, gradientScale: 1, losses: nil,
                    gradient: derivative)
            }
            return reduced { Double(gradients[$0]) }
        case .smoothGrad:
            try addGradients(copies: settings.samples, target: target, index: index) { copy, input in
                let range = (0..<values.count).map { image[$0] }
                let deviation = Float(settings.noise) * ((range.max() ?? 0) - (range.min() ?? 0))
                Philox(seed: settings.seed, purpose: .salienceNoise, epoch: copy, sample: index).fillNormal(
                    input, count: values.count, standardDeviation: deviation)
                for i in values { input[i] += image[i] }
            }
            return reduced { sums[$0] / Double(settings.samples) }
        case .integratedGradients:
            let first = Double(logits[target])
            // Midpoints: the error falls with the square of their number.
            try addGradients(copies: settings.steps, target: target, index: index) { copy, input in
                let share = (Float(copy) + 0.5) / Float(settings.steps)
                for i in values { input[i] = share * image[i] }
            }
            images.fill(0)
            pass.logits(of: images.pointer, batch: 1, into: &logits)
            for i in values { sums[i] *= Double(image[i]) / Double(settings.steps) }
            completeness.append((index, values.reduce(0) { $0 + sums[$1] }, first - Double(logits[target])))
            return reduced { sums[$0] }
        case .gradCAM: return gradCAM(image, target: target)
        }
    }

    private var values: Range<Int> { 0..<pass.imageShape.count }

    /// Σ over copies of the gradient of the target's logit, in `sums`; `write` makes copy `i` of the image.
    private func addGradients(
        copies: Int, target: Int, index: Int, write: (_ copy: Int, _ input: UnsafeMutablePointer<Float>) -> Void
    ) throws {
        sums.update(repeating: 0)
        for first in stride(from: 0, to: copies, by: pass.capacity) {
            let count = min(pass.capacity, copies - first)
            for i in 0..<count { write(first + i, images.pointer + i * values.count) }
            pass.inputGradient(of: images.pointer, batch: count, into: gradients.pointer) { _, derivative in
                derivative.update(repeating: 0, count: count * pass.classes)
                for i in 0..<count { derivative[i * pass.classes + target] = 1 }
            }
            for i in 0..<count {
                for j in values { sums[j] += Double(gradients[i * values.count + j]) }
            }
        }
    }

    /// max(0, Σ over channels of the last activation times its mean derivative), at the image's size.
    private func gradCAM(_ image: UnsafePointer<Float>, target: Int) -> [Float] {
        let shape = pass.featureShape
        var (activation, gradient) = ([Float](repeating: 0, count: shape.count), [Float](repeating: 0, count: shape.channels))
        pass.features(of: image, batch: 1, into: &activation, gradient: &gradient) { _, derivative in
            derivative.update(repeating: 0, count: pass.classes)
            derivative[target] = 1
        }
        let small = (0..<shape.pixels).map { pixel in
            max(0, (0..<shape.channels).reduce(0.0) { $0 + Double(gradient[$1]) * Double(activation[pixel * shape.channels + $1]) })
        }
        let size = pass.imageShape
        return resized(small, height: shape.height, width: shape.width, toHeight: size.height, width: size.width).map { Float($0) }
    }

    /// One value for each pixel.
    private func reduced(_ value: (Int) -> Double) -> [Float] {
        let channels = pass.imageShape.channels
        return (0..<pass.imageShape.pixels).map { pixel in
            let own = (pixel * channels..<(pixel + 1) * channels).map { abs(value($0)) }
            return Float(settings.channels == .max ? own.max()! : own.reduce(0, +))
        }
    }

    private func writeRanks(of values: [Float], into map: UnsafeMutablePointer<Float>) {
        let sorted = values.sorted()
        let scale = 1 / Float(max(1, values.count - 1))
        for (i, value) in values.enumerated() {
            // The first place that is not smaller.
            var (low, high) = (0, sorted.count)
            while low < high {
                let middle = (low + high) / 2
                if sorted[middle] < value { low = middle + 1 } else { high = middle }
            }
            map[i] = Float(low) * scale
        }
    }

    private func target(label: Int, index: Int) throws -> Int {
        let target =
            switch settings.target {
            case .predicted: CrossEntropy.prediction(logits, classes: pass.classes)
            case .label: label
            case .index(let index): index
            }
        guard (0..<pass.classes).contains(target) else {
            throw Failure.badData("image \(index): class \(target) is asked for, the model tells \(pass.classes) apart")
        }
        return target
    }

    private func notFinite(_ what: String, _ index: Int) -> Failure {
        .badData("image \(index): the model's \(what) is not finite", remedy: "its training diverged: take an earlier checkpoint")
    }

    private static func provenance(_ settings: ModelSalienceSettings, modelName: String, weightsHash: String) -> SalienceProvenance.Estimator {
        var parts: [String: SalienceSetting] = ["model": .text(modelName), "weights": .text(weightsHash)]
        switch settings.target {
        case .predicted: parts["class"] = .text("predicted")
        case .label: parts["class"] = .text("label")
        case .index(let index): parts["class"] = .number(Double(index))
        }
        if settings.name != .gradCAM {
            parts["channels"] = .text(settings.channels.rawValue)
            parts["scale"] = .text("rank")
        }
        switch settings.name {
        case .gradient: parts["of"] = .text("cross-entropy")
        case .gradCAM: parts["of"] = .text("logit")
        case .smoothGrad:
            parts["of"] = .text("logit")
            parts["samples"] = .number(Double(settings.samples))
            parts["noise"] = .number(settings.noise)
            parts["seed"] = .text("\(settings.seed)")
        case .integratedGradients:
            parts["of"] = .text("logit")
            parts["steps"] = .number(Double(settings.steps))
            parts["baseline"] = .text("black")
        }
        return SalienceProvenance.Estimator(name: settings.name.rawValue, settings: parts)
    }
}
