import Datasets
import Kernels
import NeuralNet

/// Logits W · (x − ½) of images of a few pixels: distances to other classes have a closed form. Ways to hide that from attacks
/// can be added.
final class KnownModel: DifferentiableClassifier {
    enum Defence {
        case none
        /// Pixels are rounded to this many levels: the function is flat almost everywhere, and so says the gradient.
        case levels(Float)
        /// The function is as it is, and the gradient is zero.
        case deadGradient
        /// The gradient has the wrong sign in every second value.
        case wrongGradient
        /// Noise of this size on every logit, drawn anew each time.
        case noise(Float)
        /// What an image gets depends on the first of its batch.
        case batch
        /// Each call adds this much to the first logit.
        case drift(Float)
        /// Probabilities instead of logits.
        case softmax
    }

    let classes: Int
    let imageShape = ImageShape(height: 4, width: 4, channels: 1)
    let capacity = 8
    let weights: [Float]
    let defence: Defence
    private var calls = 0

    init(classes: Int = 3, scale: Float = 4, _ defence: Defence = .none) {
        self.classes = classes
        self.defence = defence
        var weights = [Float](repeating: 0, count: classes * 16)
        Philox(seed: 5, purpose: .test).fillUniform(&weights, count: weights.count, low: -scale, high: scale)
        self.weights = weights
    }

    func logits(of images: UnsafePointer<Float>, batch: Int, into logits: UnsafeMutablePointer<Float>) {
        precondition(batch <= capacity)
        calls += 1
        for i in 0..<batch {
            let z = (0..<classes).map { c in (0..<16).reduce(0.0) { $0 + Double(weights[c * 16 + $1]) * Double(input(images[i * 16 + $1]) - 0.5) } }
            for c in 0..<classes { logits[i * classes + c] = Float(z[c]) }
            switch defence {
            case .noise(let size):
                for c in 0..<classes { logits[i * classes + c] += size * (Philox(seed: UInt64(calls), purpose: .test, sample: i).uniform(c) - 0.5) }
            case .batch: logits[i * classes] += images[0] * 0.01
            case .drift(let size): logits[i * classes] += size * Float(calls)
            case .softmax:
                let exps = z.map { exponential($0) }
                for c in 0..<classes { logits[i * classes + c] = Float(exps[c] / exps.reduce(0, +)) }
            default: break
            }
        }
    }

    private func input(_ x: Float) -> Float {
        if case .levels(let levels) = defence { return (x * levels).rounded() / levels }
        return x
    }

    func inputGradient(
        of images: UnsafePointer<Float>, batch: Int, into gradient: UnsafeMutablePointer<Float>,
        loss: (UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
    ) {
        var values = [Float](repeating: 0, count: classes * batch)
        logits(of: images, batch: batch, into: &values)
        var slopes = values
        loss(values, &slopes)
        for i in 0..<batch {
            for j in 0..<16 {
                let slope = (0..<classes).reduce(Float(0)) { $0 + slopes[i * classes + $1] * weights[$1 * 16 + j] }
                switch defence {
                case .levels, .deadGradient: gradient[i * 16 + j] = 0
                case .wrongGradient: gradient[i * 16 + j] = j % 2 == 0 ? slope : -slope
                default: gradient[i * 16 + j] = slope
                }
            }
        }
    }

    /// The L∞ distance to the nearest other class, where the box does not matter: the least (z(y) − z(t)) / ‖w(y) − w(t)‖₁.
    func distance(_ image: [Float], label: Int) -> Double {
        let z = (0..<classes).map { c in (0..<16).reduce(0.0) { $0 + Double(weights[c * 16 + $1]) * Double(image[$1] - 0.5) } }
        return (0..<classes).filter { $0 != label }.map { t in
            (z[label] - z[t]) / (0..<16).reduce(0.0) { $0 + abs(Double(weights[label * 16 + $1]) - Double(weights[t * 16 + $1])) }
        }.min()!
    }

    /// Images between 0.3 and 0.7 with the classes that the model without its defence gives them.
    func dataset(_ count: Int, names: [String]? = nil) -> ImageDataset {
        let draws = Philox(seed: 11, purpose: .test)
        let pixels = (0..<16 * count).map { UInt8(77 + draws.uniform($0, below: 102)) }
        let plain = KnownModel(classes: classes)
        let labels = (0..<count).map { i in
            var z = [Float](repeating: 0, count: classes)
            plain.logits(of: (0..<16).map { Float(pixels[16 * i + $0]) / 255 }, batch: 1, into: &z)
            return Int32(z.firstIndex(of: z.max()!)!)
        }
        return ImageDataset(
            name: "known", imageShape: imageShape, classNames: names ?? (0..<classes).map { "class \($0)" }, pixels: pixels, labels: labels)
    }
}
