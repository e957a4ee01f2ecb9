import Foundation
import Interchange
import Kernels
import NeuralNet
import TestSupport
import Testing

@Suite struct ONNXTests {
    private struct Case {
        var name: String
        var width: Int
        var stem = ModelConfiguration.Stem.cifar
        var depth: Int?
        var widen: Int?
        var shape = ImageShape(height: 32, width: 32, channels: 3)
        var normalization: ImageNormalization?

        func network() throws -> Network {
            try ModelConfiguration(name: name, width: width, stem: stem, depth: depth, widen: widen, normalization: normalization).network(input: shape, classes: 7)
        }
    }

    /// Every network, both stems, grey and colour, sizes that strides do not divide.
    private static let cases: [Case] = ModelConfiguration.Stem.allCases.flatMap { stem in
        [("cnn", 8), ("resnet18", 8), ("resnet34", 4), ("resnet50", 4), ("densenet121", 8), ("preact-resnet18", 8), ("preact-resnet34", 4)].map {
            Case(name: $0.0, width: $0.1, stem: stem, shape: ImageShape(height: 35, width: 38, channels: 3))
        } + [
            Case(name: "wide-resnet", width: 4, stem: stem, depth: 16, widen: 2, shape: ImageShape(height: 33, width: 33, channels: 1)),
            Case(name: "resnet18", width: 4, stem: stem, normalization: ImageNormalization.Preset.imagenet.normalization),
            Case(name: "cnn", width: 8, stem: stem, shape: ImageShape(height: 28, width: 28, channels: 1), normalization: ImageNormalization(mean: [0.13], deviation: [0.3])),
        ]
    }

    /// Weights as for training, BatchNorms as none is at first.
    private func state(_ network: Network, seed: UInt64) -> ModelState {
        let state = ModelState(network: network, seed: seed)
        for (index, layer) in network.batchNorms.enumerated() {
            func fill(_ pointer: UnsafeMutablePointer<Float>, _ part: Int, _ low: Float, _ high: Float) {
                Philox(seed: seed, purpose: .test, sample: 4 * index + part).fillUniform(pointer, count: layer.channels, low: low, high: high)
            }
            fill(state.parameters.pointer + layer.weight, 0, 0.5, 1)
            fill(state.parameters.pointer + layer.bias, 1, -0.2, 0.2)
            fill(state.buffers.pointer + layer.runningMean, 2, -0.2, 0.2)
            fill(state.buffers.pointer + layer.runningVariance, 3, 0.5, 1.5)
        }
        return state
    }

    @Test(.enabled(if: python(has: "onnx", "onnxruntime", "numpy"), "needs Python with onnx and onnxruntime (SIPAT_PYTHON)"))
    func onnxRuntimeComputesTheSameLogits() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("onnx-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let batch = 3
        var expected: [[Float]] = []
        for (number, model) in Self.cases.enumerated() {
            let network = try model.network()
            let state = state(network, seed: UInt64(number))
            let images = FloatBuffer(count: batch * network.input.count)
            Philox(seed: 5, purpose: .test, sample: number).fillUniform(images.pointer, count: images.count, low: 0, high: 1)
            let frozen = FrozenModel(network: network)
            frozen.freeze(state)
            var logits = [Float](repeating: 0, count: batch * network.classes)
            FrozenPass(frozen, capacity: batch).logits(of: images.pointer, batch: batch, into: &logits)
            expected.append(logits)
            let file = ONNXModel(state, name: model.name, description: "a test", metadata: [("classes", "[\"ä\"]")], producer: ("sipat", "test"))
            #expect(file.byteCount > 4 * network.parameterCount)
            try Data(file.pieces.joined()).write(to: folder.appendingPathComponent("\(number).onnx"))
            // N×H×W×C to N×C×H×W.
            let (pixels, channels) = (network.input.pixels, network.input.channels)
            let values = (0..<images.count).map { place -> Float in
                let (image, rest) = place.quotientAndRemainder(dividingBy: pixels * channels)
                let (channel, pixel) = rest.quotientAndRemainder(dividingBy: pixels)
                return images.pointer[image * pixels * channels + pixel * channels + channel]
            }
            try values.withUnsafeBytes { try Data($0).write(to: folder.appendingPathComponent("\(number).images")) }
        }
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Fixtures/run_onnx.py").path
        let run = try ProgramRun.of(pythonProgram, [script, folder.path], timeout: 120)
        try #require(run.status == 0, "\(run)")
        #expect(run.output.contains("0 images ['N', 3, 35, 38] {'classes': '[\"ä\"]'}"), "\(run)")
        for (number, model) in Self.cases.enumerated() {
            let bytes = try Data(contentsOf: folder.appendingPathComponent("\(number).logits"))
            let found = bytes.withUnsafeBytes { raw in (0..<bytes.count / 4).map { raw.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) } }
            try #require(found.count == expected[number].count, "\(model)")
            let worst = zip(found, expected[number]).map { abs($0 - $1) }.max()!
            let largest = expected[number].map(abs).max()!
            #expect(worst < 1e-4 && largest > 0.01, "\(model): differs by \(worst), largest logit \(largest)")
        }
    }
}
