import Foundation
import Kernels
import NeuralNet
import Testing

/// Golden files: the project's own small one, and a larger one where it is at hand.
private let goldenFiles: [String] = {
    var paths = [Bundle.module.url(forResource: "Fixtures", withExtension: nil)!.appendingPathComponent("resnet18-w4.safetensors").path]
    let shared = ProcessInfo.processInfo.environment["SIPAT_SHARED"] ?? "../shared"
    let large = "\(shared)/golden/resnet18-w8.safetensors"
    if FileManager.default.fileExists(atPath: large) {
        paths.append(large)
    } else {
        print("skipped: golden values in \(large) (set SIPAT_SHARED to the folder that holds golden/)")
    }
    return paths.filter { FileManager.default.fileExists(atPath: $0) }
}()

@Suite("Against PyTorch in float64")
struct GoldenTests {
    @Test(arguments: goldenFiles)
    func evaluationMode(_ path: String) throws {
        let golden = try GoldenFile(path)
        let model = FrozenModel(network: try golden.state().network)
        model.freeze(try golden.state())
        let pass = FrozenPass(model, capacity: golden.batch)
        let logits = FloatBuffer(count: golden.batch * 10)
        pass.logits(of: golden.images.pointer, batch: golden.batch, into: logits.pointer)
        #expect(largestDifference(logits.array, try golden.file.floats(of: "eval/logits")) < 1e-5)

        let gradient = FloatBuffer(count: golden.images.count)
        pass.inputGradient(of: golden.images.pointer, batch: golden.batch, into: gradient.pointer) { logits, derivative in
            CrossEntropy.lossesAndGradient(
                logits, labels: golden.labels, batch: golden.batch, classes: 10, smoothing: 0, gradientScale: 1, losses: nil,
                gradient: derivative)
        }
        let expected = GoldenFile.nhwc(try golden.file.floats(of: "eval/input_grad"), golden.file.shape(of: "x")!)
        let distance = relativeDistance(gradient.array, expected)
        print("input gradient", distance, "logits", largestDifference(logits.array, try golden.file.floats(of: "eval/logits")))
        #expect(distance < 1e-4)
    }

    @Test(arguments: goldenFiles)
    func trainingMode(_ path: String) throws {
        let golden = try GoldenFile(path)
        let state = try golden.state()
        let filters = PreparedFilters(network: state.network)
        let pass = TrainingPass(state, filters: filters, capacity: golden.batch)
        TrainingPass.prepare(filters, for: state)
        let logits = FloatBuffer(count: golden.batch * 10)
        pass.logits(of: golden.images.pointer, batch: golden.batch, into: logits.pointer)
        let d = largestDifference(logits.array, try golden.file.floats(of: "train/logits"))
        #expect(d < 1e-5)

        let step = FloatBuffer(count: pass.layout.count)
        var offsets: [Int] = []
        pass.run(images: golden.images.pointer, labels: golden.labels, batch: golden.batch, step: step.pointer) {
            offsets.append($0)
        }
        #expect(offsets == offsets.sorted(by: >) && offsets.last == 0)
        let loss = step[pass.layout.lossOffset] / Float(golden.batch)
        #expect(abs(loss - (try golden.file.floats(of: "train/loss")[0])) < 1e-5)
        var worst = (0.0, "")
        for layout in state.network.parameters {
            var gradient = [Float](repeating: 0, count: layout.count)
            layout.export(from: step.pointer, into: &gradient)
            let expected = try golden.file.floats(of: "train/grad/\(layout.name)")
            let distance = relativeDistance(gradient.map { $0 / Float(golden.batch) }, expected)
            if distance > worst.0 { worst = (distance, layout.name) }
            #expect(distance < 1e-4, "\(layout.name)")
        }
        print("training", d, worst)
    }

    @Test(arguments: goldenFiles)
    func attack(_ path: String) throws {
        let golden = try GoldenFile(path)
        let state = try golden.state()
        let model = FrozenModel(network: state.network)
        model.freeze(state)
        let pass = FrozenPass(model, capacity: golden.batch)
        let adversarial = try golden.pgd(pass)
        let expected = GoldenFile.nhwc(try golden.file.floats(of: "pgd/adv"), golden.file.shape(of: "x")!)
        let different = zip(adversarial.array, expected).count { abs($0 - $1) > 1e-6 }
        print("pgd differs in", different, "of", expected.count)
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
    }

    /// `step1`: one SIP-AT step; `clean3`: three steps without attack.
    @Test(arguments: goldenFiles, [("step1", 1, Float(0.1), true, 5e-2), ("clean3", 3, Float(0.01), false, 1e-3)])
    func steps(_ path: String, _ run: (name: String, steps: Int, rate: Float, attack: Bool, tolerance: Double)) throws {
        let golden = try GoldenFile(path)
        let state = try golden.state()
        let filters = PreparedFilters(network: state.network)
        let pass = TrainingPass(state, filters: filters, capacity: golden.batch)
        let optimizer = Optimizer(OptimizerSettings(momentum: 0.9, weightDecay: 5e-4), network: state.network)
        let step = FloatBuffer(count: pass.layout.count)
        for _ in 0..<run.steps {
            var images = golden.images
            if run.attack {
                let frozen = FrozenModel(network: state.network)
                frozen.freeze(state)
                images = try golden.pgd(FrozenPass(frozen, capacity: golden.batch))
            }
            TrainingPass.prepare(filters, for: state)
            pass.run(images: images.pointer, labels: golden.labels, batch: golden.batch, step: step.pointer) { _ in }
            optimizer.update(state, step: step.pointer, samples: golden.batch, learningRate: run.rate)
        }
        var worst = (0.0, "")
        for (index, layout) in state.layouts.enumerated() {
            let distance = relativeDistance(state.exported(index), try golden.file.floats(of: "\(run.name)/\(layout.name)"))
            if distance > worst.0 { worst = (distance, layout.name) }
            #expect(distance < run.tolerance, "\(layout.name)")
        }
        print(run.name, worst)
    }
}
