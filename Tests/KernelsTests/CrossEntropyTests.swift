import Foundation
import Kernels
import Testing

/// The sum over a batch in float64, by the definition −Σ t·log softmax.
private func loss(_ logits: [Double], _ labels: [Int32], smoothing: Double) -> Double {
    let classes = logits.count / labels.count
    return labels.indices.reduce(0) { sum, n in
        let row = logits[n * classes..<(n + 1) * classes]
        let largest = row.max()!
        let logSum = largest + log(row.reduce(0) { $0 + exp($1 - largest) })
        let average = row.reduce(0) { $0 + logSum - $1 } / Double(classes)
        return sum + (1 - smoothing) * (logSum - logits[n * classes + Int(labels[n])]) + smoothing * average
    }
}

private func lossesAndGradient(
    _ logits: [Float], _ labels: [Int32], smoothing: Float = 0, scale: Float = 1
) -> (losses: [Float], gradient: [Float]) {
    let (logits, losses, gradient) = (FloatBuffer(logits), Guarded(count: labels.count), Guarded(count: logits.count))
    defer { withExtendedLifetime(logits) {} }
    CrossEntropy.lossesAndGradient(
        logits.pointer, labels: labels, batch: labels.count, classes: logits.count / labels.count, smoothing: smoothing,
        gradientScale: scale, losses: losses.pointer, gradient: gradient.pointer)
    #expect(losses.isGuardIntact && gradient.isGuardIntact)
    return (losses.array, gradient.array)
}

private func correct(_ logits: [Float], label: Int32, top: Int) -> Bool {
    CrossEntropy.correct(logits, labels: [label], batch: 1, classes: logits.count, top: top) == 1
}

@Suite("Cross-entropy")
struct CrossEntropyTests {
    @Test("Label smoothing is PyTorch's")
    func pytorch() {
        // x = torch.tensor([[2, -1, 0.5, 0, 3], [0, 0, 0, 0, 0], [-4, 8, 1.5, -0.5, 2.5]], dtype=torch.float64,
        //                  requires_grad=True)
        // l = torch.nn.functional.cross_entropy(x, torch.tensor([4, 1, 0]), label_smoothing=0.1, reduction='none')
        // l.sum().backward(); print(l.tolist(), x.grad.flatten().tolist())
        let logits: [Float] = [2, -1, 0.5, 0, 3, 0, 0, 0, 0, 0, -4, 8, 1.5, -0.5, 2.5]
        let (losses, gradient) = lossesAndGradient(logits, [4, 1, 0], smoothing: 0.1)
        #expect(relativeError(losses, [0.6274379118897065, 1.6094379124341003, 11.455783068987971]) < 1e-7)
        #expect(
            relativeError(
                gradient,
                [
                    0.22233410352490532, -0.00793489541994052, 0.0340720473289383, 0.012796354538433686,
                    -0.2612676099723369, 0.18, -0.72, 0.18, 0.18, 0.18, -0.9199938912175052, 0.9742336207673219,
                    -0.01850523020756241, -0.019797704906766925, -0.015936794435487393,
                ]) < 1e-7)
    }

    @Test("Losses equal float64's, gradients finite differences", arguments: [Float(0), 0.3], [1, 2, 10, 33])
    func differences(_ smoothing: Float, _ classes: Int) {
        let logits = normals(4 * classes, 1).map { 3 * $0 }
        let labels = (0..<4).map { Int32(($0 * 7 + 1) % classes) }
        let expected = finiteDifferences(doubles(logits)) { loss($0, labels, smoothing: Double(smoothing)) }
        for scale in [Float(1), -1, 0.25] {
            let (losses, gradient) = lossesAndGradient(logits, labels, smoothing: smoothing, scale: scale)
            let sum = loss(doubles(logits), labels, smoothing: Double(smoothing))
            #expect(abs(doubles(losses).reduce(0, +) - sum) < 1e-6 * (sum + 1e-6))
            for (value, difference) in zip(gradient, expected) {
                #expect(abs(Double(value) - Double(scale) * difference) < 1e-7)
            }
        }
    }

    @Test("Losses alone and gradients alone are the same")
    func halves() {
        let (logits, labels) = (normals(30, 1), [Int32(3), 0, 9])
        let both = lossesAndGradient(logits, labels)
        let (x, losses, gradient) = (FloatBuffer(logits), Guarded(count: 3), Guarded(count: 30))
        defer { withExtendedLifetime(x) {} }
        CrossEntropy.lossesAndGradient(
            x.pointer, labels: labels, batch: 3, classes: 10, smoothing: 0, gradientScale: 1, losses: losses.pointer,
            gradient: nil)
        CrossEntropy.lossesAndGradient(
            x.pointer, labels: labels, batch: 3, classes: 10, smoothing: 0, gradientScale: 1, losses: nil,
            gradient: gradient.pointer)
        #expect(isIdentical(losses.array, both.losses) && isIdentical(gradient.array, both.gradient))
    }

    @Test("Large logits stay finite, a certain answer costs nothing")
    func extremes() {
        let (losses, gradient) = lossesAndGradient([1e4, -1e4, 0, 1e4, -1e4, 0, -.infinity, 2, 2], [0, 1, 1])
        #expect(losses == [0, 2e4, Float(log(2.0))])
        #expect(gradient == [0, 0, 0, 1, -1, 0, 0, -0.5, 0.5])
    }

    @Test("Not a number shows in its sample and in no other")
    func notANumber() {
        for place in 0..<3 {
            var logits: [Float] = [1, 2, 3, 1, 2, 3]
            logits[place] = .nan
            let (losses, gradient) = lossesAndGradient(logits, [1, 1])
            #expect(losses[0].isNaN && gradient[..<3].allSatisfy(\.isNaN))
            #expect(losses[1].isFinite && gradient[3...].allSatisfy(\.isFinite))
        }
    }

    @Test("Top-k counts the labels among the k largest, the lower of equal classes first")
    func top() {
        let logits: [Float] = [1, 5, 3, 5, 2]
        let ranks: [Int32: Int] = [1: 1, 3: 2, 2: 3, 4: 4, 0: 5]
        for (label, rank) in ranks {
            for top in 1...5 { #expect(correct(logits, label: label, top: top) == (rank <= top)) }
        }
        for label in 0..<3 as Range<Int32> { #expect(!correct([.nan, 1, 2], label: label, top: 3)) }
        #expect(CrossEntropy.correct([1, 2, 3, 9, 2, 3, 1, 2, 0], labels: [2, 1, 1], batch: 3, classes: 3, top: 1) == 2)
    }

    @Test("The prediction is the lowest of the largest")
    func prediction() {
        #expect(CrossEntropy.prediction([1, 5, 3, 5, 2], classes: 5) == 1)
        #expect(CrossEntropy.prediction([-3], classes: 1) == 0)
        #expect(CrossEntropy.prediction([-3, -2, -1], classes: 3) == 2)
        #expect(CrossEntropy.prediction([.nan, -2, -1], classes: 3) == -1)
        #expect(CrossEntropy.prediction([3, .nan, -1], classes: 3) == -1)
    }
}
