import Attacks
import Checkpoints
import Foundation
import Kernels
import NeuralNet

/// What PyTorch computed in float64 for a small network: a file that Fixtures/make_golden.py, or a script with the same
/// names, made.
struct GoldenFile {
    let file: SafetensorsFile
    let configuration: ModelConfiguration
    let batch: Int
    let images: FloatBuffer
    let labels: [Int32]

    init(_ path: String) throws {
        file = try SafetensorsFile(path)
        let metadata = file.metadata
        configuration = try ModelConfiguration(
            name: metadata["model"] ?? "resnet18", width: metadata["width"].flatMap { Int($0) },
            stem: metadata["stem"].flatMap(ModelConfiguration.Stem.init(rawValue:)) ?? .cifar,
            depth: metadata["depth"].flatMap { Int($0) }, widen: metadata["widen"].flatMap { Int($0) },
            normalization: metadata["normalization"].flatMap(ImageNormalization.Preset.init(rawValue:))?.normalization)
        batch = file.shape(of: "x")![0]
        images = FloatBuffer(try Self.images("x", of: file))
        labels = try file.integers(of: "y").map { Int32($0) }
    }

    /// Images, from PyTorch's order (NCHW) to ours.
    private static func images(_ name: String, of file: SafetensorsFile) throws -> [Float] {
        let (values, shape) = (try file.floats(of: name), file.shape(of: name)!)
        let (channels, pixels) = (shape[1], shape[2] * shape[3])
        return (0..<values.count).map { index in
            let (image, pixel, channel) = (index / (pixels * channels), index / channels % pixels, index % channels)
            return values[(image * channels + channel) * pixels + pixel]
        }
    }

    func images(_ name: String) throws -> [Float] { try Self.images(name, of: file) }

    var imageShape: ImageShape {
        let shape = file.shape(of: "x")!
        return ImageShape(height: shape[2], width: shape[3], channels: shape[1])
    }

    /// Whether the file holds an attack and what training steps make of the weights.
    var hasSteps: Bool { file.shape(of: "pgd/adv") != nil }

    /// The model with the weights stored under `prefix`.
    func state(_ prefix: String = "param") throws -> ModelState {
        let state = ModelState(network: try configuration.network(input: imageShape, classes: 10))
        for (index, layout) in state.layouts.enumerated() {
            precondition(file.shape(of: "\(prefix)/\(layout.name)") == layout.shape, layout.name)
            state.load(index, try file.floats(of: "\(prefix)/\(layout.name)"))
        }
        return state
    }

    /// The names under `prefix`, without it.
    func names(_ prefix: String) -> Set<String> {
        Set(file.names.filter { $0.hasPrefix("\(prefix)/") }.map { String($0.dropFirst(prefix.count + 1)) })
    }

    /// Masked PGD from the stored noise, as the script does it.
    func pgd(_ model: some DifferentiableClassifier, steps: Int = 10, loss: AscentLoss = .crossEntropy) throws -> FloatBuffer {
        let (noise, mask) = (try images("noise"), try file.floats(of: "mask"))
        let channels = imageShape.channels
        let start = FloatBuffer(count: images.count)
        for i in 0..<images.count { start[i] = min(max(images[i] + noise[i] * mask[i / channels], 0), 1) }
        let threat = ThreatModel(norm: .linf, epsilon: 8.0 / 255)
        let settings = AttackSettings(threat: threat, stepSize: 2.0 / 255, steps: steps, randomStart: false)
        let ascent = ProjectedGradientAscent(settings, loss: loss, imageShape: imageShape, classes: 10, capacity: batch)
        try ascent.run(
            model: model, images: images.pointer, labels: labels, mask: mask, count: batch, start: start.pointer,
            adversarial: start.pointer)
        return start
    }
}

/// ‖a − b‖ / ‖b‖, in float64.
func relativeDistance(_ a: [Float], _ b: [Float]) -> Double { relativeDistance(a, b.map(Double.init)) }

/// ‖a − b‖ / ‖b‖, in float64; infinite when the counts differ or a value is not a number.
func relativeDistance(_ a: [Float], _ b: [Double]) -> Double {
    guard a.count == b.count, !a.contains(where: \.isNaN) else { return .infinity }
    var (difference, norm) = (0.0, 0.0)
    for (x, y) in zip(a, b) {
        difference += (Double(x) - y) * (Double(x) - y)
        norm += y * y
    }
    return (difference / max(norm, 1e-300)).squareRoot()
}

/// The largest difference, relative to the largest value of `b`; infinite when the counts differ.
func largestDifference(_ a: [Float], _ b: [Float]) -> Float {
    guard a.count == b.count else { return .infinity }
    return zip(a, b).map { $0.isNaN ? .infinity : abs($0 - $1) }.max()! / b.map(abs).max()!
}
