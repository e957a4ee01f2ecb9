import Kernels

/// CE(z(x), y) + β·KL(p(x)‖p(x′)): right on clean images, and the same answer under attack (TRADES: Zhang et al., ICML 2019).
package struct TRADESLoss: PairLoss {
    let beta: Double
    /// Share of the cross-entropy's target spread over all classes.
    let smoothing: Float

    package init(beta: Double, smoothing: Float = 0) {
        self.beta = beta
        self.smoothing = smoothing
    }

    package func evaluate(
        clean: UnsafePointer<Float>, adversarial: UnsafePointer<Float>, labels: UnsafePointer<Int32>, count: Int, classes: Int,
        cleanGradient: UnsafeMutablePointer<Float>, adversarialGradient: UnsafeMutablePointer<Float>
    ) -> Double {
        var sum = 0.0
        for i in 0..<count {
            let (row, label) = (i * classes, labels + i)
            var (loss, divergence) = (Float(0), Float(0))
            CrossEntropy.lossesAndGradient(
                clean + row, labels: label, batch: 1, classes: classes, smoothing: smoothing, gradientScale: 1, losses: &loss,
                gradient: cleanGradient + row)
            KullbackLeibler.lossesAndGradients(
                clean + row, adversarial + row, batch: 1, classes: classes, scale: beta, losses: &divergence,
                firstGradient: cleanGradient + row, secondGradient: adversarialGradient + row)
            sum += Double(loss) + Double(divergence)
        }
        return sum
    }
}
