import Attacks
import Kernels
import NeuralNet

/// Questions to a model that need no attack: is it a function of one image, and do its gradients mean anything?
final class ModelProbe {
    private let model: any DifferentiableClassifier
    private let settings: CheckSettings
    private let classes: Int
    private let values: Int
    private let company: FloatBuffer
    private let logits: FloatBuffer
    private let gradient: FloatBuffer
    private let point: FloatBuffer

    /// The streams of its draws among those of evaluations.
    private static let (companyStream, startStream) = (12 << 20 | 1 << 16, 12 << 20 | 1 << 16 | 1)

    init(_ model: any DifferentiableClassifier, _ settings: CheckSettings) {
        self.model = model
        self.settings = settings
        classes = model.classes
        values = model.imageShape.count
        let places = min(model.capacity, 8)
        company = FloatBuffer(count: places * values)
        logits = FloatBuffer(count: places * classes)
        gradient = FloatBuffer(count: values)
        point = FloatBuffer(count: values)
    }

    func look(at image: UnsafePointer<Float>, label: Int, comparesDifferences: Bool, into found: inout ImageChecks) {
        found.lowest = (0..<values).map { image[$0] }.min() ?? 0
        found.highest = (0..<values).map { image[$0] }.max() ?? 0
        let first = answer(image)
        found.isRight = CrossEntropy.prediction(first, classes: classes) == label
        for _ in 0..<4 { found.repeated = max(found.repeated, distance(first, answer(image))) }
        found.inCompany = distance(first, answerInCompany(image, index: found.index))
        found.looksLikeProbabilities = first.allSatisfy { $0 >= 0 && $0 <= 1 } && abs(first.reduce(0, +) - 1) < 1e-5
        // A radius of nothing draws a start at the image itself.
        start(image, index: found.index)
        for place in [image, UnsafePointer(point.pointer)] {
            ask(place, .crossEntropy, label)
            count(&found.zeroCrossEntropy, &found.notFinite)
            let own = answer(place)
            ask(place, .difference(target: runnerUp(own, label)), label)
            count(&found.zeroDifference, &found.notFinite)
        }
        if comparesDifferences, classes > 1 { found.gradientError = differenceError(image, label: label) }
    }

    /// Logits of the image alone.
    func answer(_ image: UnsafePointer<Float>) -> [Float] {
        model.logits(of: image, batch: 1, into: logits.pointer)
        return (0..<classes).map { logits[$0] }
    }

    /// Logits of the image as the last of a batch of noise.
    private func answerInCompany(_ image: UnsafePointer<Float>, index: Int) -> [Float] {
        let places = company.count / values
        Philox(seed: settings.seed, purpose: .evaluation, epoch: Self.companyStream, sample: index)
            .fillUniform(company.pointer, count: company.count, low: 0, high: 1)
        (company.pointer + (places - 1) * values).update(from: image, count: values)
        model.logits(of: UnsafePointer(company.pointer), batch: places, into: logits.pointer)
        return (0..<classes).map { logits[(places - 1) * classes + $0] }
    }

    /// 0 for the same bits; otherwise the largest difference, infinite where one is no number.
    private func distance(_ a: [Float], _ b: [Float]) -> Double {
        guard zip(a, b).contains(where: { $0.bitPattern != $1.bitPattern }) else { return 0 }
        let largest = zip(a, b).map { abs(Double($0) - Double($1)) }
        return largest.allSatisfy(\.isFinite) ? max(largest.max() ?? 0, .leastNonzeroMagnitude) : .infinity
    }

    private func start(_ image: UnsafePointer<Float>, index: Int) {
        let random = Philox(seed: settings.seed, purpose: .evaluation, epoch: Self.startStream, sample: index)
        Perturbations.uniform(random, norm: settings.norm, epsilon: settings.epsilon, image: image, count: values, into: point.pointer)
    }

    private func ask(_ image: UnsafePointer<Float>, _ loss: LogitLoss, _ label: Int) {
        model.inputGradient(of: image, batch: 1, into: gradient.pointer) { logits, derivative in
            _ = loss.evaluate(logits, classes: classes, label: label, derivative: derivative)
        }
    }

    private func count(_ zeros: inout Int, _ notFinite: inout Int) {
        let all = (0..<values).map { gradient[$0] }
        if !all.allSatisfy(\.isFinite) { notFinite += 1 } else if all.allSatisfy({ $0 == 0 }) { zeros += 1 }
    }

    private func runnerUp(_ logits: [Float], _ label: Int) -> Int {
        LogitRanking.top(2, of: logits, classes: classes).first { $0 != label } ?? label
    }

    /// How far the slope that the gradient claims is from (f(x + hd) − f(x − hd)) / 2h, f being the difference of two logits and d the
    /// gradient's own direction, or a random one where it vanishes: |claimed − measured| over the larger of them. The best of four h,
    /// as small ones drown in rounding and large ones cross the kinks of ReLU.
    private func differenceError(_ image: UnsafePointer<Float>, label: Int) -> Double {
        let target = runnerUp(answer(image), label)
        ask(image, .difference(target: target), label)
        var direction = (0..<values).map { Double(gradient[$0]) }
        var length = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
        let claimed = length
        if !(length > 0 && length.isFinite) {
            direction = (0..<values).map { $0 % 2 == 0 ? 1 : -1 }
            length = Double(values).squareRoot()
        }
        func value(_ h: Double) -> Double {
            for i in 0..<values { point[i] = Float(Double(image[i]) + h * direction[i] / length) }
            let z = answer(UnsafePointer(point.pointer))
            return Double(z[target]) - Double(z[label])
        }
        return [0.03, 0.01, 0.003, 0.001].map { h in
            let measured = (value(h) - value(-h)) / (2 * h)
            let scale = max(abs(claimed), abs(measured))
            return scale == 0 ? 0 : abs((claimed.isFinite ? claimed : .infinity) - measured) / scale
        }.min() ?? 0
    }
}

/// Random images of a ball, without regard to any model.
enum Perturbations {
    /// Uniform in the ball (L∞ per value; L2 by direction and radius), in [0, 1].
    static func uniform(
        _ random: Philox, norm: Norm, epsilon: Float, image: UnsafePointer<Float>, count: Int, into output: UnsafeMutablePointer<Float>
    ) {
        fill(random, norm: norm, epsilon: epsilon, image: image, count: count, toBorder: false, into: output)
    }

    /// At the border of the ball: ±ε in every value, or at the distance ε.
    static func border(
        _ random: Philox, norm: Norm, epsilon: Float, image: UnsafePointer<Float>, count: Int, into output: UnsafeMutablePointer<Float>
    ) {
        fill(random, norm: norm, epsilon: epsilon, image: image, count: count, toBorder: true, into: output)
    }

    private static func fill(
        _ random: Philox, norm: Norm, epsilon: Float, image: UnsafePointer<Float>, count: Int, toBorder: Bool,
        into output: UnsafeMutablePointer<Float>
    ) {
        switch norm {
        case .linf:
            random.fillUniform(output, count: count, low: -1, high: 1)
            for i in 0..<count {
                let move = toBorder ? (output[i] < 0 ? -epsilon : epsilon) : output[i] * epsilon
                output[i] = clip(image[i] + move)
            }
        case .l2:
            random.fillNormal(output, count: count, standardDeviation: 1)
            let length = (0..<count).reduce(0.0) { $0 + Double(output[$1]) * Double(output[$1]) }.squareRoot()
            let share = toBorder ? 1 : Double(random.uniform(4 * ((count + 3) / 4)))
            let scale = length > 0 ? Double(epsilon) * share / length : 0
            for i in 0..<count { output[i] = clip(image[i] + Float(Double(output[i]) * scale)) }
        }
    }

    private static func clip(_ value: Float) -> Float { min(max(value, 0), 1) }
}
