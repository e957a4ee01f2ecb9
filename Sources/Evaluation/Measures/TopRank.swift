import Attacks
import Kernels
import NeuralNet

/// Whether a class stays among the k likeliest whatever an attacker does: a worst case of its own.
///
/// What an ordinary attack leaves behind says little about it: it stops, or turns, where the likeliest class has changed. So
/// here the attack is on the k-th: it walks up z(k-th largest of the other classes) − z(label) by APGD's steps.
package final class TopRank {
    private let model: any DifferentiableClassifier
    private let driver: AttackDriver
    private let attack: APGD
    private let seed: UInt64

    package init(_ model: any DifferentiableClassifier, threat: ThreatModel, iterations: Int = 100, seed: UInt64) {
        self.model = model
        self.seed = seed
        var attack = APGD(.crossEntropy, threat)
        attack.iterations = iterations
        self.attack = attack
        driver = AttackDriver(imageShape: model.imageShape, classes: 2, capacity: 1)
    }

    /// Whether the label keeps fewer than `k` classes above it.
    ///
    /// - Parameters:
    ///   - image: [height, width, channels].
    ///   - k: from 1 to one less than the number of classes.
    /// - Throws: what the attack throws.
    package func holds(_ image: UnsafePointer<Float>, label: Int, index: Int, k: Int) throws -> Bool {
        let classes = model.classes
        let readout = BinaryReadout(model) { logits in
            // The k-th largest of the others: of the k + 1 largest, what is left without the label, or without the last.
            let others = LogitRanking.top(k + 1, of: logits, classes: classes).filter { $0 != label }
            return BinaryReadout.Sides(zero: [(index: label, factor: 1)], one: [(index: others[k - 1], factor: 1)])
        }
        var stands = false
        try driver.run(attack, model: readout, on: LoneImage(image: image, shape: model.imageShape, index: index), seed: seed) { outcome, _ in
            stands = !outcome.succeeded
        }
        return stands
    }
}
