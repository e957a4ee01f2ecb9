import Foundation
import Kernels

/// BCE(p(x′), y) + β·KL(p(x)‖p(x′))·(1 − p_y(x)): more weight for images that are wrong as they are (MART: Wang et al., ICLR 2020).
///
/// BCE = −log p_y(x′) − log(1 − p_k(x′)), k the likeliest wrong class. The small constants are those of the authors' code, as is
/// that gradients go through the weight 1 − p_y(x), too. In float64 inside.
package struct MARTLoss: PairLoss {
    let beta: Double

    package init(beta: Double) { self.beta = beta }

    private static let one = 1.0001 + 1e-12
    private static let weightOne = 1.0000001
    private static let tiny = 1e-12

    package func evaluate(
        clean: UnsafePointer<Float>, adversarial: UnsafePointer<Float>, labels: UnsafePointer<Int32>, count: Int, classes: Int,
        cleanGradient: UnsafeMutablePointer<Float>, adversarialGradient: UnsafeMutablePointer<Float>
    ) -> Double {
        var sum = 0.0
        for i in 0..<count {
            let row = i * classes
            sum += evaluate(
                clean + row, adversarial + row, label: Int(labels[i]), classes: classes, cleanGradient + row, adversarialGradient + row)
        }
        return sum
    }

    private func evaluate(
        _ clean: UnsafePointer<Float>, _ adversarial: UnsafePointer<Float>, label: Int, classes: Int,
        _ cleanGradient: UnsafeMutablePointer<Float>, _ adversarialGradient: UnsafeMutablePointer<Float>
    ) -> Double {
        let (cleanSum, adversarialSum) = (
            KullbackLeibler.logSum(clean, classes: classes), KullbackLeibler.logSum(adversarial, classes: classes)
        )
        func logP(_ c: Int) -> Double { Double(clean[c]) - cleanSum }
        func logQ(_ c: Int) -> Double { Double(adversarial[c]) - adversarialSum }

        var wrong = label == 0 ? min(1, classes - 1) : 0
        for c in 0..<classes where c != label && adversarial[c] > adversarial[wrong] { wrong = c }
        let wrongQ = exp(logQ(wrong))
        let boosted = -logQ(label) - log(Self.one - wrongQ)

        // KL with q + tiny in the place of q, and what its derivative needs of q.
        var (divergence, share) = (0.0, 0.0)
        for c in 0..<classes {
            let (p, q) = (exp(logP(c)), exp(logQ(c)))
            divergence += p * (logP(c) - log(q + Self.tiny))
            share += p * q / (q + Self.tiny)
        }
        let trueP = exp(logP(label))
        let weight = Self.weightOne - trueP
        let push = wrongQ / (Self.one - wrongQ)
        // Σ p·d, d being the derivative with respect to p.
        let mean = beta * (weight * (divergence + 1) - divergence * trueP)
        for c in 0..<classes {
            let (p, q) = (exp(logP(c)), exp(logQ(c)))
            let ofBoosted = q - (c == label ? 1 : 0) + push * ((c == wrong ? 1 : 0) - q)
            adversarialGradient[c] = Float(ofBoosted + beta * weight * (q * share - p * q / (q + Self.tiny)))
            let derivative = beta * (weight * (logP(c) + 1 - log(q + Self.tiny)) - (c == label ? divergence : 0))
            cleanGradient[c] = Float(p * (derivative - mean))
        }
        return boosted + beta * divergence * weight
    }
}
