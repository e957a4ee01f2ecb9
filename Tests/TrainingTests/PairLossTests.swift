import Checkpoints
import Foundation
import Kernels
import Testing
import Training

/// The losses of TRADES and MART and their derivatives, against PyTorch's autograd in float64 (Fixtures/make_methods.py).
@Suite struct PairLossTests {
    private static let file: String = {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        return "\(tests.path)/NeuralNetTests/Fixtures/methods-cnn-w4.safetensors"
    }()

    @Test(arguments: ["trades", "mart"]) func lossAndDerivativesArePyTorchs(_ name: String) throws {
        let file = try SafetensorsFile(Self.file)
        let loss: any PairLoss = name == "trades" ? TRADESLoss(beta: 6) : MARTLoss(beta: 5)
        let (clean, adversarial) = (try file.floats(of: "loss/clean"), try file.floats(of: "loss/adversarial"))
        let labels = try file.integers(of: "loss/y").map { Int32($0) }
        let (count, classes) = (labels.count, clean.count / labels.count)
        // What is there is overwritten.
        var (ofClean, ofAdversarial) = ([Float](repeating: 7, count: clean.count), [Float](repeating: 7, count: clean.count))
        let sum = loss.evaluate(
            clean: clean, adversarial: adversarial, labels: labels, count: count, classes: classes, cleanGradient: &ofClean,
            adversarialGradient: &ofAdversarial)
        #expect(abs(sum / Double(try file.floats(of: "loss/\(name)")[0]) - 1) < 1e-6)
        for (found, part) in [(ofClean, "clean"), (ofAdversarial, "adversarial")] {
            let expected = try file.floats(of: "loss/\(name)/\(part)")
            #expect(expected.map(abs).max()! > 0.5)
            for i in found.indices { #expect(abs(found[i] - expected[i]) < 1e-6 * max(1, abs(expected[i])), "\(part) \(i)") }
        }
    }

    /// An image that nothing was done to has no divergence: TRADES is the cross-entropy then.
    @Test func withoutAPerturbationTradesIsCrossEntropy() {
        let logits: [Float] = [0.3, -2, 5, 1, 1, 1]
        let labels: [Int32] = [2, 0]
        var (clean, adversarial, expected, losses) = ([Float](repeating: 1, count: 6), [Float](repeating: 1, count: 6), [Float](repeating: 0, count: 6), [Float](repeating: 0, count: 2))
        let sum = TRADESLoss(beta: 6, smoothing: 0.1).evaluate(
            clean: logits, adversarial: logits, labels: labels, count: 2, classes: 3, cleanGradient: &clean, adversarialGradient: &adversarial)
        CrossEntropy.lossesAndGradient(
            logits, labels: labels, batch: 2, classes: 3, smoothing: 0.1, gradientScale: 1, losses: &losses, gradient: &expected)
        #expect(abs(sum - Double(losses[0] + losses[1])) < 1e-6)
        #expect(clean == expected && adversarial.allSatisfy { $0 == 0 })
    }

    /// Logits far apart: probabilities are 0 and 1 to the last bit, and nothing is infinite.
    @Test(arguments: ["trades", "mart"]) func certainAnswersStayFinite(_ name: String) {
        let loss: any PairLoss = name == "trades" ? TRADESLoss(beta: 6) : MARTLoss(beta: 5)
        let (clean, adversarial): ([Float], [Float]) = ([2000, 0, -2000], [-2000, 2000, 0])
        for label in 0..<3 {
            var (a, b) = ([Float](repeating: 0, count: 3), [Float](repeating: 0, count: 3))
            let sum = loss.evaluate(
                clean: clean, adversarial: adversarial, labels: [Int32(label)], count: 1, classes: 3, cleanGradient: &a, adversarialGradient: &b)
            #expect(sum.isFinite && a.allSatisfy(\.isFinite) && b.allSatisfy(\.isFinite), "\(label)")
        }
    }
}
