import Foundation
import Kernels
import NeuralNet

func exponential(_ x: Double) -> Double { exp(x) }
func logarithm(_ x: Double) -> Double { log(x) }

/// A model with options, for images of some shape.
struct ModelCase: Sendable, CustomStringConvertible {
    var name: String
    var width: Int
    var stem = ModelConfiguration.Stem.cifar
    var depth: Int?
    var widen: Int?
    var shape = ImageShape(height: 32, width: 32, channels: 3)
    var classes = 10
    var normalization: ImageNormalization?

    var description: String {
        "\(name)\(depth.map { "-\($0)-\(widen!)" } ?? "") of width \(width), \(stem), \(shape)\(normalization == nil ? "" : ", normalised")"
    }

    /// The same for other images; nil if they are too small for it.
    func taking(_ shape: ImageShape) -> ModelCase? {
        var model = self
        model.shape = shape
        return (try? model.network()) == nil ? nil : model
    }

    func network() throws -> Network {
        try ModelConfiguration(name: name, width: width, stem: stem, depth: depth, widen: widen, normalization: normalization).network(
            input: shape, classes: classes)
    }

    /// Every network there is, narrow enough for quick tests, in both stems.
    static let all: [ModelCase] = ModelConfiguration.Stem.allCases.flatMap { stem in
        [("cnn", 16), ("resnet18", 4), ("resnet34", 2), ("resnet50", 4), ("densenet121", 4), ("preact-resnet18", 4), ("preact-resnet34", 2)].map {
            ModelCase(name: $0.0, width: $0.1, stem: stem)
        } + [
            ModelCase(name: "wide-resnet", width: 4, stem: stem, depth: 10, widen: 1),
            ModelCase(name: "wide-resnet", width: 2, stem: stem, depth: 16, widen: 3),
            ModelCase(name: "wide-resnet-28-10", width: 1, stem: stem),
            ModelCase(name: "wide-resnet-34-10", width: 1, stem: stem),
            ModelCase(name: "cnn", width: 16, stem: stem, normalization: ImageNormalization(mean: [0.5], deviation: [0.3])),
            ModelCase(name: "preact-resnet18", width: 4, stem: stem, normalization: ImageNormalization(mean: [0.3], deviation: [0.2])),
        ]
    }
}

extension TrainingPass {
    /// One cross-entropy step of a micro-batch by the open passes: gradients, statistics, loss and correct predictions.
    func run(
        images: UnsafePointer<Float>, labels: [Int32], batch: Int, labelSmoothing: Float = 0, step: UnsafeMutablePointer<Float>,
        imageGradient: UnsafeMutablePointer<Float>? = nil, completed: (_ offset: Int) -> Void = { _ in }
    ) {
        let logits = forward(images, batch: batch)
        var losses = [Float](repeating: 0, count: batch)
        CrossEntropy.lossesAndGradient(
            logits, labels: labels, batch: batch, classes: classes, smoothing: labelSmoothing, gradientScale: 1, losses: &losses,
            gradient: logitsGradient)
        step[layout.lossOffset] = Float(losses.reduce(0) { $0 + Double($1) })
        step[layout.correctOffset] = Float(CrossEntropy.correct(logits, labels: labels, batch: batch, classes: classes, top: 1))
        writeStatistics(into: step)
        completed(layout.statisticsOffset)
        backward(parameters: step, images: imageGradient, completed: completed)
    }
}

extension ModelState {
    /// Weights drawn as for training, with BatchNorm parameters and statistics that are none of them neutral.
    static func random(_ network: Network, seed: UInt64) -> ModelState {
        let state = ModelState(network: network, seed: seed)
        for (index, layer) in network.batchNorms.enumerated() {
            func fill(_ pointer: UnsafeMutablePointer<Float>, _ part: Int, _ low: Float, _ high: Float) {
                Philox(seed: seed, purpose: .test, sample: 4 * index + part).fillUniform(
                    pointer, count: layer.channels, low: low, high: high)
            }
            // The last BatchNorm of a residual branch stays small, or deep networks over few values would be chaotic.
            let isLast = layer.name.hasSuffix("bn3") || (layer.name.hasPrefix("layer") && layer.name.hasSuffix("bn2"))
            fill(state.parameters.pointer + layer.weight, 0, isLast ? 0.2 : 0.6, isLast ? 0.6 : 1.4)
            fill(state.parameters.pointer + layer.bias, 1, -0.2, 0.2)
            fill(state.buffers.pointer + layer.runningMean, 2, -0.2, 0.2)
            fill(state.buffers.pointer + layer.runningVariance, 3, 0.5, 1.5)
        }
        return state
    }
}

/// A model with images and labels, all drawn from a seed.
struct RandomProblem {
    let state: ModelState
    let batch: Int
    let images: FloatBuffer
    let labels: [Int32]

    init(_ network: Network, batch: Int, seed: UInt64) {
        state = .random(network, seed: seed)
        self.batch = batch
        images = FloatBuffer(count: batch * network.input.count)
        Philox(seed: seed, purpose: .test, sample: 1_000_000).fillUniform(images.pointer, count: images.count, low: 0, high: 1)
        labels = (0..<batch).map {
            Int32(Philox(seed: seed, purpose: .test, sample: 1_000_001).uniform($0, below: network.classes))
        }
    }

    /// The first seed whose ReLUs and pools are decided clearly enough for float32 to agree with float64 on all of them.
    static func clear(_ network: Network, batch: Int, isTraining: Bool) -> RandomProblem {
        var best: (problem: RandomProblem, margin: Double)?
        for seed in 0..<30 as Range<UInt64> {
            let problem = RandomProblem(network, batch: batch, seed: seed)
            let reference = ReferenceNetwork(problem.state, isTraining: isTraining)
            let margin = reference.forward(problem.imagesInDouble, batch: batch).kinkMargin
            if margin > best?.margin ?? 0 { best = (problem, margin) }
            if margin > 2e-5 { break }
        }
        return best!.problem
    }

    var imagesInDouble: [Double] { images.array.map(Double.init) }

    /// The input gradient of the sum of cross-entropies, by a pass.
    func inputGradient(_ pass: some DifferentiableClassifier) -> [Float] {
        let gradient = FloatBuffer(count: images.count)
        gradient.fill(.nan)
        pass.inputGradient(of: images.pointer, batch: batch, into: gradient.pointer) { logits, derivative in
            CrossEntropy.lossesAndGradient(
                logits, labels: labels, batch: batch, classes: pass.classes, smoothing: 0, gradientScale: 1, losses: nil,
                gradient: derivative)
        }
        return gradient.array
    }

    func logits(_ pass: some DifferentiableClassifier) -> [Float] {
        let logits = FloatBuffer(count: batch * pass.classes)
        logits.fill(.nan)
        pass.logits(of: images.pointer, batch: batch, into: logits.pointer)
        return logits.array
    }
}
