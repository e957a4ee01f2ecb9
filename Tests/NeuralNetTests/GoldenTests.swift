import Foundation
import Kernels
import NeuralNet
import Testing

/// A golden file, shown by its name in the tests' output.
struct GoldenPath: Sendable, CustomTestStringConvertible {
    let path: String
    /// How far gradients in training mode may lie from PyTorch's, the network's own amplification of rounding included.
    var trainingTolerance = 1e-4
    var testDescription: String { (path as NSString).lastPathComponent }
}

/// The project's own files, and a larger one where it is at hand.
private let goldenFiles: [GoldenPath] = {
    let fixtures = Bundle.module.url(forResource: "Fixtures", withExtension: nil)!.path
    var files = ["resnet18-w4", "cnn-w4-imagenet", "densenet121-w4", "preact-resnet18-w4", "wide-resnet-10-1-w8"].map {
        GoldenPath(path: "\(fixtures)/\($0).safetensors")
    }
    files.append(GoldenPath(path: "\(fixtures)/resnet50-w4.safetensors", trainingTolerance: 1e-3))
    if let large = sharedGoldenFile { files.append(large) }
    return files
}()

private let filesWithSteps = goldenFiles[..<3] + (sharedGoldenFile.map { [$0] } ?? [])

private let sharedGoldenFile: GoldenPath? = {
    let shared = ProcessInfo.processInfo.environment["SIPAT_SHARED"] ?? "../shared"
    let path = "\(shared)/golden/resnet18-w8.safetensors"
    return FileManager.default.fileExists(atPath: path) ? GoldenPath(path: path) : nil
}()

@Suite("Against PyTorch in float64")
struct GoldenTests {
    @Test("A larger golden file is at hand", .enabled(if: sharedGoldenFile != nil, "set SIPAT_SHARED to the folder that holds golden/"))
    func sharedFile() throws {
        #expect(try GoldenFile(#require(sharedGoldenFile).path).configuration.width == 8)
    }

    @Test(arguments: goldenFiles)
    func evaluationMode(_ file: GoldenPath) throws {
        let golden = try GoldenFile(file.path)
        let model = FrozenModel(network: try golden.state().network)
        model.freeze(try golden.state())
        let pass = FrozenPass(model, capacity: golden.batch)
        let logits = FloatBuffer(count: golden.batch * 10)
        pass.logits(of: golden.images.pointer, batch: golden.batch, into: logits.pointer)
        #expect(largestDifference(logits.array, try golden.file.floats(of: "eval/logits")) < 1e-5)
        #expect(relativeDistance(inputGradient(pass, golden), try golden.images("eval/input_grad")) < 1e-4)
    }

    @Test(arguments: goldenFiles)
    func trainingMode(_ file: GoldenPath) throws {
        let golden = try GoldenFile(file.path)
        let state = try golden.state()
        let filters = PreparedFilters(network: state.network)
        let pass = TrainingPass(state, filters: filters, capacity: golden.batch)
        TrainingPass.prepare(filters, for: state)
        let logits = FloatBuffer(count: golden.batch * 10)
        pass.logits(of: golden.images.pointer, batch: golden.batch, into: logits.pointer)
        #expect(largestDifference(logits.array, try golden.file.floats(of: "train/logits")) < 1e-5)
        if golden.file.shape(of: "train/input_grad") != nil {
            let expected = try golden.images("train/input_grad")
            #expect(relativeDistance(inputGradient(pass, golden), expected) < file.trainingTolerance)
        }

        let step = FloatBuffer(count: pass.layout.count)
        pass.run(images: golden.images.pointer, labels: golden.labels, batch: golden.batch, step: step.pointer) { _ in }
        let loss = step[pass.layout.lossOffset] / Float(golden.batch)
        #expect(abs(loss - (try golden.file.floats(of: "train/loss")[0])) < 1e-5)
        let stored = golden.names("train/grad")
        #expect(stored.count > state.network.parameters.count * (file.path.contains("densenet") ? 1 : 8) / 10 && stored.contains(state.network.parameters[0].name))
        for layout in state.network.parameters where stored.contains(layout.name) {
            var gradient = [Float](repeating: 0, count: layout.count)
            layout.export(from: step.pointer, into: &gradient)
            let expected = try golden.file.floats(of: "train/grad/\(layout.name)")
            let distance = relativeDistance(gradient.map { $0 / Float(golden.batch) }, expected)
            #expect(distance < file.trainingTolerance, "\(layout.name)")
        }
    }

    @Test(arguments: filesWithSteps)
    func attack(_ file: GoldenPath) throws {
        let golden = try GoldenFile(file.path)
        let state = try golden.state()
        let model = FrozenModel(network: state.network)
        model.freeze(state)
        let pass = FrozenPass(model, capacity: golden.batch)
        let adversarial = try golden.pgd(pass)
        let expected = try golden.images("pgd/adv")
        // A gradient that is zero but for rounding may take either sign.
        let different = zip(adversarial.array, expected).count { abs($0 - $1) > 1e-6 }
        #expect(Double(different) < 0.001 * Double(expected.count))

        func loss(_ images: UnsafePointer<Float>) -> Float {
            let logits = FloatBuffer(count: golden.batch * 10)
            var losses = [Float](repeating: 0, count: golden.batch)
            pass.logits(of: images, batch: golden.batch, into: logits.pointer)
            CrossEntropy.lossesAndGradient(
                logits.pointer, labels: golden.labels, batch: golden.batch, classes: 10, smoothing: 0, gradientScale: 1,
                losses: &losses, gradient: nil)
            return losses.reduce(0, +)
        }
        #expect(loss(adversarial.pointer) >= 0.999 * loss(expected))
        #expect(loss(adversarial.pointer) > loss(golden.images.pointer))
    }

    /// The attack of TRADES, from the stored noise.
    @Test func attackOnTheDivergence() throws {
        let fixtures = Bundle.module.url(forResource: "Fixtures", withExtension: nil)!.path
        let golden = try GoldenFile("\(fixtures)/methods-cnn-w4.safetensors")
        let state = try golden.state()
        let model = FrozenModel(network: state.network)
        model.freeze(state)
        // Two groups, so that each image is compared with its own answer.
        let adversarial = try golden.pgd(FrozenPass(model, capacity: 4), loss: .divergence)
        let expected = try golden.images("trades/adv")
        let different = zip(adversarial.array, expected).count { abs($0 - $1) > 1e-6 }
        #expect(Double(different) < 0.001 * Double(expected.count), "\(different)")
        #expect(zip(adversarial.array, try golden.pgd(FrozenPass(model, capacity: 4)).array).contains { $0 != $1 })
    }

    private func inputGradient(_ pass: some DifferentiableClassifier, _ golden: GoldenFile) -> [Float] {
        let gradient = FloatBuffer(count: golden.images.count)
        pass.inputGradient(of: golden.images.pointer, batch: golden.batch, into: gradient.pointer) { logits, derivative in
            CrossEntropy.lossesAndGradient(
                logits, labels: golden.labels, batch: golden.batch, classes: 10, smoothing: 0, gradientScale: 1, losses: nil,
                gradient: derivative)
        }
        return gradient.array
    }
}
