import Foundation

/// The Kullback–Leibler divergence KL(p‖q) of the class probabilities that two sets of logits stand for, in float64 inside.
package enum KullbackLeibler {
    /// Each sample's divergence, and the gradients of `scale` times their sum with respect to both sets of logits.
    ///
    /// - Parameters:
    ///   - first, second: [batch, classes]; p = softmax(first), q = softmax(second).
    ///   - losses: [batch], the divergences times `scale`, or nil.
    ///   - firstGradient: [batch, classes], added to what is there, or nil.
    ///   - secondGradient: [batch, classes], overwritten, or nil.
    package static func lossesAndGradients(
        _ first: UnsafePointer<Float>, _ second: UnsafePointer<Float>, batch: Int, classes: Int, scale: Double = 1,
        losses: UnsafeMutablePointer<Float>?, firstGradient: UnsafeMutablePointer<Float>?, secondGradient: UnsafeMutablePointer<Float>?
    ) {
        for n in 0..<batch {
            let (a, b) = (first + n * classes, second + n * classes)
            let (logSumA, logSumB) = (logSum(a, classes: classes), logSum(b, classes: classes))
            var divergence = 0.0
            for c in 0..<classes {
                let logP = Double(a[c]) - logSumA
                divergence += exp(logP) * (logP - (Double(b[c]) - logSumB))
            }
            losses?[n] = Float(scale * divergence)
            guard firstGradient != nil || secondGradient != nil else { continue }
            for c in 0..<classes {
                let (logP, logQ) = (Double(a[c]) - logSumA, Double(b[c]) - logSumB)
                let p = exp(logP)
                // Σ p (log p − log q) is the divergence itself, so the softmax's derivative needs no other sum.
                if let firstGradient { firstGradient[n * classes + c] += Float(scale * p * (logP - logQ - divergence)) }
                if let secondGradient { secondGradient[n * classes + c] = Float(scale * (exp(logQ) - p)) }
            }
        }
    }

    /// log Σ exp of one sample's logits: what turns them into logarithms of probabilities.
    package static func logSum(_ logits: UnsafePointer<Float>, classes: Int) -> Double {
        var largest = logits[0]
        for c in 1..<classes { largest = max(largest, logits[c]) }
        var sum = 0.0
        for c in 0..<classes { sum += exp(Double(logits[c]) - Double(largest)) }
        return Double(largest) + log(sum)
    }
}
