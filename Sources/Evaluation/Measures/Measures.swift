import Attacks

/// What an evaluation measures besides attacks on the likeliest class: `measures.json`.
package struct Measures: Sendable, Hashable, Codable {
    /// The label among the k likeliest classes, clean and in the worst case found.
    package struct Top: Sendable, Hashable, Codable {
        package var k: Int
        package var epsilon: Float
        package var count: Int
        package var clean: Int
        /// Under an attack on the k-th class itself; for k = 1 by the evaluation's own attacks where those were run.
        package var robust: Int

        package init(k: Int, epsilon: Float, count: Int, clean: Int, robust: Int) {
            (self.k, self.epsilon) = (k, epsilon)
            (self.count, self.clean, self.robust) = (count, clean, robust)
        }
    }

    package struct Fault: Sendable, Hashable, Codable {
        package var corruption: Corruption
        package var count: Int
        package var correct: Int

        package init(corruption: Corruption, count: Int, correct: Int) {
            self.corruption = corruption
            self.count = count
            self.correct = correct
        }

        package var accuracy: Double { count == 0 ? 0 : Double(correct) / Double(count) }
    }

    package var format = 1
    /// The hash of the evaluation's description that these belong to; nil for a model by itself.
    package var evaluation: String?
    package var norm: Norm
    package var seed: UInt64
    package var iterations: Int
    package var top: [Top]
    package var faults: [Fault]

    package init(norm: Norm, seed: UInt64, iterations: Int, top: [Top], faults: [Fault]) {
        self.norm = norm
        self.seed = seed
        self.iterations = iterations
        self.top = top
        self.faults = faults
    }
}
