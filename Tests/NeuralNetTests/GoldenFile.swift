import Attacks
import Checkpoints
import Foundation
import Kernels
import NeuralNet

/// Numbers computed by PyTorch for a small ResNet-18 (the script beside the fixtures makes them).
struct GoldenFile {
    let file: SafetensorsFile
    let width: Int
    let batch: Int
    let images: FloatBuffer
    let labels: [Int32]
    let mask: [Float]
    let noise: FloatBuffer

    init(_ path: String) throws {
        file = try SafetensorsFile(path)
        width = file.shape(of: "param/conv1.weight")![0]
        batch = file.shape(of: "x")![0]
        images = FloatBuffer(Self.nhwc(try file.floats(of: "x"), file.shape(of: "x")!))
        noise = FloatBuffer(Self.nhwc(try file.floats(of: "noise"), file.shape(of: "noise")!))
        mask = try file.floats(of: "mask")
        labels = try file.integers(of: "y").map { Int32($0) }
    }

    /// From PyTorch's order of images to ours.
    static func nhwc(_ values: [Float], _ shape: [Int]) -> [Float] {
        let (n, c, pixels) = (shape[0], shape[1], shape[2] * shape[3])
        var result = [Float](repeating: 0, count: values.count)
        for i in 0..<n { for j in 0..<c { for p in 0..<pixels { result[(i * pixels + p) * c + j] = values[(i * c + j) * pixels + p] } } }
        return result
    }

    var imageShape: ImageShape {
        let shape = file.shape(of: "x")!
        return ImageShape(height: shape[2], width: shape[3], channels: shape[1])
    }

    /// The model with the weights stored under `prefix`.
    func state(_ prefix: String = "param") throws -> ModelState {
        let configuration = try ModelConfiguration(name: "resnet18", width: width, stem: .cifar)
        let state = ModelState(network: try configuration.network(input: imageShape, classes: 10))
        for (index, layout) in state.layouts.enumerated() {
            precondition(file.shape(of: "\(prefix)/\(layout.name)") == layout.shape, layout.name)
            state.load(index, try file.floats(of: "\(prefix)/\(layout.name)"))
        }
        return state
    }

    /// Masked PGD from the stored noise, as the script does it.
    func pgd(_ model: some DifferentiableClassifier, steps: Int = 10) throws -> FloatBuffer {
        let start = FloatBuffer(count: images.count)
        for i in 0..<images.count { start[i] = min(max(images[i] + noise[i] * mask[i / 3], 0), 1) }
        let threat = ThreatModel(norm: .linf, epsilon: 8.0 / 255)
        let settings = AttackSettings(threat: threat, stepSize: 2.0 / 255, steps: steps, randomStart: false)
        let ascent = ProjectedGradientAscent(settings, imageShape: imageShape, classes: 10, capacity: batch)
        try ascent.run(
            model: model, images: images.pointer, labels: labels, mask: mask, count: batch, start: start.pointer,
            adversarial: start.pointer)
        return start
    }
}

/// ‖a − b‖ / ‖b‖, in float64.
func relativeDistance(_ a: [Float], _ b: [Float]) -> Double {
    var (difference, norm) = (0.0, 0.0)
    for (x, y) in zip(a, b) {
        difference += (Double(x) - Double(y)) * (Double(x) - Double(y))
        norm += Double(y) * Double(y)
    }
    return (difference / max(norm, 1e-300)).squareRoot()
}

/// The largest difference, relative to the largest value of `b`.
func largestDifference(_ a: [Float], _ b: [Float]) -> Float {
    zip(a, b).map { abs($0 - $1) }.max()! / b.map(abs).max()!
}
