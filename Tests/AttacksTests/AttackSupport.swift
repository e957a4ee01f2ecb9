import Attacks
import Diagnostics
import Kernels
import NeuralNet
import Testing

/// What an attack did to one image of a `ToyBatch`.
struct Attacked: Equatable {
    var claim: AttackClaim
    var adversarial: [UInt32]

    var values: [Float] { adversarial.map { Float(bitPattern: $0) } }
}

extension ToyBatch {
    /// This batch as an attack takes it.
    func withImages<T>(starts: [Float]? = nil, _ body: (ImagesInMemory) throws -> T) rethrows -> T {
        try images.withUnsafeBufferPointer { images in
            try labels.withUnsafeBufferPointer { labels in
                try indices.withUnsafeBufferPointer { indices in
                    try (mask ?? []).withUnsafeBufferPointer { mask in
                        try (starts ?? []).withUnsafeBufferPointer { starts in
                            try body(
                                ImagesInMemory(
                                    shape, count: count, images: images.baseAddress!, labels: labels.baseAddress!,
                                    mask: self.mask == nil ? nil : mask.baseAddress!, indices: indices.baseAddress!,
                                    starts: starts.isEmpty ? nil : starts.baseAddress!))
                        }
                    }
                }
            }
        }
    }

    /// Runs an attack without verifying it; by position.
    func run(
        _ attack: any Attack, model: some DifferentiableClassifier, capacity: Int = 4, seed: UInt64 = 3, starts: [Float]? = nil
    ) throws -> [Attacked] {
        let runner = try attack.makeRunner(imageShape: shape, classes: model.classes, capacity: capacity)
        var results = [Attacked?](repeating: nil, count: count)
        try withImages(starts: starts) { images in
            try runner.run(model: model, on: images, seed: seed) { image in
                #expect(results[image.position] == nil && image.index == indices[image.position])
                results[image.position] = Attacked(
                    claim: image.claim,
                    adversarial: (0..<shape.count).map { image.adversarial[$0].bitPattern })
            }
        }
        return results.map { $0! }
    }

    /// With the labels that a model gives the images.
    func labelled(by model: some DifferentiableClassifier) -> ToyBatch {
        var batch = self
        var logits = [Float](repeating: 0, count: model.classes)
        for i in 0..<count {
            let image = Array(images[i * shape.count..<(i + 1) * shape.count])
            model.logits(of: image, batch: 1, into: &logits)
            batch.labels[i] = Int32(CrossEntropy.prediction(logits, classes: model.classes))
        }
        return batch
    }

    /// The images at these places.
    func selecting(_ places: [Int]) -> ToyBatch {
        var batch = self
        func values<T>(_ all: [T], _ i: Int) -> ArraySlice<T> { all[i * all.count / count..<(i + 1) * all.count / count] }
        batch.images = places.flatMap { values(images, $0) }
        batch.mask = mask.map { mask in places.flatMap { values(mask, $0) } }
        batch.labels = places.map { labels[$0] }
        batch.indices = places.map { indices[$0] }
        return batch
    }
}

/// Two layers: logits = W2 · relu(W1 · image + b1) + b2, in float64 inside.
final class TinyNetwork: DifferentiableClassifier {
    let classes: Int
    let imageShape: ImageShape
    let capacity: Int
    private let (w1, b1, w2, b2): ([Float], [Float], [Float], [Float])

    init(_ w1: [Float], _ b1: [Float], _ w2: [Float], _ b2: [Float], imageShape: ImageShape, capacity: Int = 64) {
        (self.w1, self.b1, self.w2, self.b2) = (w1, b1, w2, b2)
        classes = b2.count
        self.imageShape = imageShape
        self.capacity = capacity
    }

    /// Random weights.
    convenience init(_ shape: ImageShape, classes: Int, seed: UInt64, capacity: Int = 64) {
        let hidden = 12
        self.init(
            uniform(hidden * shape.count, seed, low: -0.6, high: 0.6), uniform(hidden, seed + 1, low: -0.2, high: 0.2),
            uniform(classes * hidden, seed + 2, low: -1, high: 1), uniform(classes, seed + 3, low: -0.2, high: 0.2),
            imageShape: shape, capacity: capacity)
    }

    private func hidden(_ image: UnsafePointer<Float>) -> [Double] {
        let n = imageShape.count
        return b1.indices.map { h in
            max(0, (0..<n).reduce(Double(b1[h])) { $0 + Double(w1[h * n + $1]) * Double(image[$1]) })
        }
    }

    func logits(of images: UnsafePointer<Float>, batch: Int, into logits: UnsafeMutablePointer<Float>) {
        precondition(batch <= capacity)
        for i in 0..<batch {
            let hidden = hidden(images + i * imageShape.count)
            for c in 0..<classes {
                logits[i * classes + c] = Float(
                    hidden.indices.reduce(Double(b2[c])) { $0 + Double(w2[c * hidden.count + $1]) * hidden[$1] })
            }
        }
    }

    func inputGradient(
        of images: UnsafePointer<Float>, batch: Int, into gradient: UnsafeMutablePointer<Float>,
        loss: (UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
    ) {
        var logits = [Float](repeating: 0, count: batch * classes)
        self.logits(of: images, batch: batch, into: &logits)
        var derivative = [Float](repeating: .nan, count: batch * classes)
        loss(logits, &derivative)
        let n = imageShape.count
        for i in 0..<batch {
            let active = hidden(images + i * n)
            let slopes = active.indices.map { h in
                active[h] > 0 ? (0..<classes).reduce(0.0) { $0 + Double(derivative[i * classes + $1]) * Double(w2[$1 * active.count + h]) } : 0
            }
            for j in 0..<n { gradient[i * n + j] = Float(slopes.indices.reduce(0.0) { $0 + slopes[$1] * Double(w1[$1 * n + j]) }) }
        }
    }
}

/// A model whose gradients are killed, as by rounding its input: zero everywhere.
final class KilledGradients: DifferentiableClassifier {
    private let model: TinyNetwork
    init(_ model: TinyNetwork) { self.model = model }
    var classes: Int { model.classes }
    var imageShape: ImageShape { model.imageShape }
    var capacity: Int { model.capacity }

    func logits(of images: UnsafePointer<Float>, batch: Int, into logits: UnsafeMutablePointer<Float>) {
        model.logits(of: images, batch: batch, into: logits)
    }

    func inputGradient(
        of images: UnsafePointer<Float>, batch: Int, into gradient: UnsafeMutablePointer<Float>,
        loss: (UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
    ) {
        model.inputGradient(of: images, batch: batch, into: gradient, loss: loss)
        gradient.update(repeating: 0, count: batch * imageShape.count)
    }
}

/// A model that adds noise to its logits: no two calls answer alike.
final class RandomisedLogits: DifferentiableClassifier {
    private let model: TinyNetwork
    private let noise: Float
    private var calls = 0
    init(_ model: TinyNetwork, noise: Float) { (self.model, self.noise) = (model, noise) }
    var classes: Int { model.classes }
    var imageShape: ImageShape { model.imageShape }
    var capacity: Int { model.capacity }

    func logits(of images: UnsafePointer<Float>, batch: Int, into logits: UnsafeMutablePointer<Float>) {
        model.logits(of: images, batch: batch, into: logits)
        disturb(logits, batch)
    }

    func inputGradient(
        of images: UnsafePointer<Float>, batch: Int, into gradient: UnsafeMutablePointer<Float>,
        loss: (UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
    ) {
        model.inputGradient(of: images, batch: batch, into: gradient) { logits, derivative in
            var disturbed = Array(UnsafeBufferPointer(start: logits, count: batch * classes))
            disturb(&disturbed, batch)
            loss(disturbed, derivative)
        }
    }

    private func disturb(_ logits: UnsafeMutablePointer<Float>, _ batch: Int) {
        calls += 1
        let random = uniform(batch * classes, 77 + UInt64(calls), low: -noise, high: noise)
        for i in random.indices { logits[i] += random[i] }
    }
}

/// Every attack there is, short.
func shortAttacks(_ threat: ThreatModel) -> [any Attack] {
    var attacks: [any Attack] = []
    for objective in APGD.Objective.allCases {
        var attack = APGD(objective, threat)
        (attack.iterations, attack.restarts, attack.targets) = (12, 2, 2)
        attacks.append(attack)
    }
    for isTargeted in [false, true] {
        var attack = FAB(threat, isTargeted: isTargeted)
        (attack.iterations, attack.restarts, attack.targets) = (8, 2, 2)
        attacks.append(attack)
    }
    var square = Square(threat)
    (square.queries, square.restarts) = (60, 2)
    attacks.append(square)
    attacks.append(PGDAttack(.pgd(threat, stepSize: threat.epsilon / 3, steps: 4), restarts: 2))
    return attacks
}
