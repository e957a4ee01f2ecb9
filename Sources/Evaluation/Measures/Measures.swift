import Attacks
import Datasets
import Diagnostics
import Kernels
import MPI
import NeuralNet

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
    }

    package struct Fault: Sendable, Hashable, Codable {
        package var corruption: Corruption
        package var count: Int
        package var correct: Int

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
}

/// Measures a model on some images, each rank its share.
package struct MeasureRunner {
    package var norm: Norm
    /// Radii for the worst case among the likeliest classes; 0 is left out.
    package var epsilons: [Float]
    package var ks = [1, 3, 5]
    package var corruptions = Corruption.usual
    package var iterations = 100
    package var seed: UInt64

    package init(norm: Norm, epsilons: [Float], seed: UInt64) {
        self.norm = norm
        self.epsilons = epsilons.filter { $0 > 0 }
        self.seed = seed
    }

    /// Collective. The numbers are sums over images, so that ranks change nothing.
    ///
    /// Cost per image: a forward pass for each corruption, and up to `iterations` input gradients for each radius and k.
    ///
    /// - Parameters:
    ///   - fallen: by radius: images (of `indices`) that are known to fall in the worst case for k = 1; they are not attacked
    ///     for it again.
    ///   - beat: called often; returns whether to stop.
    /// - Returns: nil if it was stopped.
    package func run(
        model: any DifferentiableClassifier, dataset: any ImageSource, indices: [Int], fallen: [Float: Set<Int>] = [:],
        communicator: Communicator, beat: () -> Bool = { false }
    ) throws -> Measures? {
        // With k or more others above it a label can only be where there are more classes than k.
        let ks = ks.filter { $0 < model.classes }
        var counts = [Int](repeating: 0, count: 1 + ks.count + epsilons.count * ks.count + corruptions.count)
        let ranks = epsilons.map { TopRank(model, threat: ThreatModel(norm: norm, epsilon: $0), iterations: iterations, seed: seed) }
        let shape = dataset.imageShape
        var (bytes, values) = ([UInt8](repeating: 0, count: shape.count), [Float](repeating: 0, count: shape.count))
        var logits = [Float](repeating: 0, count: model.classes)
        var stopped = false
        for place in stride(from: communicator.rank, to: indices.count, by: communicator.size) {
            if beat() { stopped = true }
            if stopped { break }
            let (index, label) = (indices[place], Int(dataset.labels[indices[place]]))
            _ = try dataset.read(index, .none, into: &bytes)
            for i in values.indices { values[i] = Float(bytes[i]) / 255 }
            model.logits(of: values, batch: 1, into: &logits)
            let rank = LogitRanking.rank(logits, classes: model.classes, label: label)
            var slot = 1
            for k in ks {
                if rank < k { counts[slot] += 1 }
                slot += 1
            }
            for (epsilon, worst) in zip(epsilons, ranks) {
                // Largest k first: who is not among the first five is not among the first three.
                var hasFallen = false
                for (place, k) in ks.enumerated().reversed() {
                    let isKnown = k == 1 && fallen[epsilon]?.contains(index) == true
                    hasFallen = try hasFallen || rank >= k || isKnown || !worst.holds(values, label: label, index: index, k: k)
                    if !hasFallen { counts[slot + place] += 1 }
                }
                slot += ks.count
            }
            for corruption in corruptions {
                var corrupted = bytes
                try corruption.apply(to: &corrupted, shape: shape, index: index, seed: seed)
                for i in values.indices { values[i] = Float(corrupted[i]) / 255 }
                model.logits(of: values, batch: 1, into: &logits)
                if CrossEntropy.prediction(logits, classes: model.classes) == label { counts[slot] += 1 }
                slot += 1
            }
        }
        counts[0] = stopped ? 1 : 0
        try communicator.allreduce(&counts, .sum)
        guard counts[0] == 0 else { return nil }
        return measures(counts, ks: ks, count: indices.count)
    }

    private func measures(_ counts: [Int], ks: [Int], count: Int) -> Measures {
        let clean = Array(counts[1..<1 + ks.count])
        let robust = counts[(1 + ks.count)...]
        let top = epsilons.indices.flatMap { e in
            ks.indices.map { i in
                Measures.Top(
                    k: ks[i], epsilon: epsilons[e], count: count, clean: clean[i], robust: robust[robust.startIndex + e * ks.count + i])
            }
        }
        let first = 1 + ks.count + epsilons.count * ks.count
        let faults = corruptions.enumerated().map { Measures.Fault(corruption: $1, count: count, correct: counts[first + $0]) }
        return Measures(norm: norm, seed: seed, iterations: iterations, top: top, faults: faults)
    }
}
