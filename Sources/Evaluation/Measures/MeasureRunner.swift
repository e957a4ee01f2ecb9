import Attacks
import Datasets
import Kernels
import MPI
import NeuralNet

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
    ///   - beat: called for each image; returns whether to stop.
    /// - Returns: nil if it was stopped.
    package func run(
        model: any DifferentiableClassifier, dataset: any ImageSource, indices: [Int], fallen: [Float: Set<Int>] = [:],
        communicator: Communicator, beat: () -> Bool = { false }
    ) throws -> Measures? {
        let counts = try communicator.agreeing {
            try share(
                model: model, dataset: dataset, indices: indices, fallen: fallen, rank: communicator.rank, size: communicator.size, beat: beat)
        }
        guard try communicator.all(counts != nil), var counts else { return nil }
        try communicator.allreduce(&counts, .sum)
        return total([counts], classes: model.classes, count: indices.count)
    }

    /// What one rank counts; nil if it was stopped.
    package func share(
        model: any DifferentiableClassifier, dataset: any ImageSource, indices: [Int], fallen: [Float: Set<Int>], rank: Int, size: Int,
        beat: () -> Bool = { false }
    ) throws -> [Int]? {
        // With k or more others above it a label can only be where there are more classes than k.
        let ks = ks.filter { $0 < model.classes }
        var counts = [Int](repeating: 0, count: ks.count + epsilons.count * ks.count + corruptions.count)
        let worstCases = epsilons.map { TopRank(model, threat: ThreatModel(norm: norm, epsilon: $0), iterations: iterations, seed: seed) }
        let shape = dataset.imageShape
        var (bytes, values) = ([UInt8](repeating: 0, count: shape.count), [Float](repeating: 0, count: shape.count))
        var logits = [Float](repeating: 0, count: model.classes)
        for place in stride(from: rank, to: indices.count, by: size) {
            if beat() { return nil }
            let (index, label) = (indices[place], Int(dataset.labels[indices[place]]))
            _ = try dataset.read(index, .none, into: &bytes)
            for i in values.indices { values[i] = Float(bytes[i]) / 255 }
            model.logits(of: values, batch: 1, into: &logits)
            let above = LogitRanking.rank(logits, classes: model.classes, label: label)
            var slot = 0
            for k in ks {
                if above < k { counts[slot] += 1 }
                slot += 1
            }
            for (epsilon, worst) in zip(epsilons, worstCases) {
                // Largest k first: who is not among the first five is not among the first three.
                var hasFallen = false
                for (place, k) in ks.enumerated().reversed() {
                    let isKnown = k == 1 && fallen[epsilon]?.contains(index) == true
                    hasFallen = try hasFallen || above >= k || isKnown || !worst.holds(values, label: label, index: index, k: k)
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
        return counts
    }

    package func total(_ shares: [[Int]?], classes: Int, count: Int) -> Measures {
        let ks = ks.filter { $0 < classes }
        let shares = shares.compactMap { $0 }
        let counts = (shares.first ?? []).indices.map { slot in shares.reduce(0) { $0 + $1[slot] } }
        let clean = Array(counts[..<ks.count])
        let robust = counts[ks.count...]
        let top = epsilons.indices.flatMap { e in
            ks.indices.map { i in
                Measures.Top(
                    k: ks[i], epsilon: epsilons[e], count: count, clean: clean[i], robust: robust[robust.startIndex + e * ks.count + i])
            }
        }
        let first = ks.count + epsilons.count * ks.count
        let faults = corruptions.enumerated().map { Measures.Fault(corruption: $1, count: count, correct: counts[first + $0]) }
        return Measures(norm: norm, seed: seed, iterations: iterations, top: top, faults: faults)
    }
}
