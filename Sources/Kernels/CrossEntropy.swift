import Foundation

/// Cross-entropy of logits [batch, classes] against labels, in float64 inside.
package enum CrossEntropy {
    /// Each sample's loss, and the gradient of their sum with respect to the logits.
    ///
    /// - Parameters:
    ///   - smoothing: share of the target spread evenly over all classes, as PyTorch's `label_smoothing`.
    ///   - gradientScale: factor of the gradient; −1 to descend towards the labels.
    ///   - losses: [batch], or nil; `gradient`: [batch, classes], or nil.
    package static func lossesAndGradient(
        _ logits: UnsafePointer<Float>, labels: UnsafePointer<Int32>, batch: Int, classes: Int, smoothing: Float,
        gradientScale: Float, losses: UnsafeMutablePointer<Float>?, gradient: UnsafeMutablePointer<Float>?
    ) {
        let spread = Double(smoothing) / Double(classes)
        for n in 0..<batch {
            let row = logits + n * classes
            let label = Int(labels[n])
            var largest = row[0]
            for c in 1..<classes { largest = max(largest, row[c]) }
            var sum = 0.0
            for c in 0..<classes { sum += exp(Double(row[c]) - Double(largest)) }
            let logSum = Double(largest) + log(sum)
            var loss = (1 - Double(smoothing)) * (logSum - Double(row[label]))
            if smoothing > 0 { for c in 0..<classes { loss += spread * (logSum - Double(row[c])) } }
            losses?[n] = Float(loss)
            guard let gradient else { continue }
            for c in 0..<classes {
                let target = spread + (c == label ? 1 - Double(smoothing) : 0)
                gradient[n * classes + c] = gradientScale * Float(exp(Double(row[c]) - logSum) - target)
            }
        }
    }

    /// Samples whose label is among the `top` largest logits; of equal logits the lower class comes first, and where
    /// a logit is not a number, nothing is right.
    package static func correct(
        _ logits: UnsafePointer<Float>, labels: UnsafePointer<Int32>, batch: Int, classes: Int, top: Int
    ) -> Int {
        var correct = 0
        for n in 0..<batch {
            let row = logits + n * classes
            let label = Int(labels[n])
            guard !(0..<classes).contains(where: { row[$0].isNaN }) else { continue }
            var before = 0
            for c in 0..<classes where row[c] > row[label] || (row[c] == row[label] && c < label) { before += 1 }
            if before < top { correct += 1 }
        }
        return correct
    }

    /// The class with the largest logit of one sample; the lowest of equals, and −1 where a logit is not a number.
    package static func prediction(_ logits: UnsafePointer<Float>, classes: Int) -> Int {
        var best = 0
        for c in 0..<classes {
            if logits[c].isNaN { return -1 }
            if logits[c] > logits[best] { best = c }
        }
        return best
    }
}
