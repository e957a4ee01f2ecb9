import Kernels

/// What APGD walks up: a function of one image's logits z, larger where the label y is less likely.
package enum LogitLoss: Sendable, Hashable {
    case crossEntropy
    /// The difference-of-logits ratio, −(z(y) − z(other)) / (z(1) − z(3)), z(r) being the r-th largest logit and z(other)
    /// the largest that is not y's: neither scale nor shift of the logits changes it (Croce and Hein, ICML 2020).
    case logitsRatio
    /// −(z(y) − z(t)) / (z(1) − ½(z(3) + z(4))) for a target class t.
    case targetedLogitsRatio(target: Int)
    /// Its stand-in for three classes, where there is no z(4): −(z(y) − z(t)) / (z(1) − z(3)).
    case targetedLogitsRatioOfThree(target: Int)
    /// z(t) − z(y): the stand-in for both ratios where there are two classes, whose only difference no ratio can scale.
    case difference(target: Int)

    /// The loss of one image, and its derivative with respect to the logits.
    ///
    /// - Parameter derivative: [classes], overwritten; nil for the loss alone.
    package func evaluate(
        _ logits: UnsafePointer<Float>, classes: Int, label: Int, derivative: UnsafeMutablePointer<Float>?
    ) -> Float {
        switch self {
        case .crossEntropy:
            var (loss, label) = (Float(0), Int32(label))
            CrossEntropy.lossesAndGradient(
                logits, labels: &label, batch: 1, classes: classes, smoothing: 0, gradientScale: 1, losses: &loss,
                gradient: derivative)
            return loss
        case .logitsRatio:
            let top = LogitRanking.topFour(logits, classes: classes)
            let other = top[0] == label ? top[1] : top[0]
            return ratio(logits, classes, label, other, over: [(top[0], 1), (top[2], -1)], derivative)
        case .targetedLogitsRatio(let target):
            let top = LogitRanking.topFour(logits, classes: classes)
            return ratio(logits, classes, label, target, over: [(top[0], 1), (top[2], -0.5), (top[3], -0.5)], derivative)
        case .targetedLogitsRatioOfThree(let target):
            let top = LogitRanking.topFour(logits, classes: classes)
            return ratio(logits, classes, label, target, over: [(top[0], 1), (top[2], -1)], derivative)
        case .difference(let target):
            if let derivative {
                derivative.update(repeating: 0, count: classes)
                derivative[target] += 1
                derivative[label] -= 1
            }
            return logits[target] - logits[label]
        }
    }

    /// −(z(label) − z(other)) / (Σ factor · z(class) + 10⁻¹²).
    private func ratio(
        _ logits: UnsafePointer<Float>, _ classes: Int, _ label: Int, _ other: Int, over terms: [(index: Int, factor: Double)],
        _ derivative: UnsafeMutablePointer<Float>?
    ) -> Float {
        let difference = Double(logits[label]) - Double(logits[other])
        let scale = terms.reduce(1e-12) { $0 + $1.factor * Double(logits[$1.index]) }
        if let derivative {
            // In float64 until all terms are there: several can fall on one class.
            for c in 0..<classes {
                var slope = c == label ? -1 / scale : 0
                if c == other { slope += 1 / scale }
                for term in terms where term.index == c { slope += term.factor * difference / (scale * scale) }
                derivative[c] = Float(slope)
            }
        }
        return Float(-difference / scale)
    }
}
