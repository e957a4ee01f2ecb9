import Attacks
import Foundation
import Kernels
import NeuralNet
import Testing

/// What `Fixtures/make_official.py` recorded of the official AutoAttack.
private struct Official: Decodable {
    struct Walk: Decodable {
        let norm: String
        let epsilon: Float
        let loss: String
        let starts: [Float]
        let startLosses: [Float]
        /// [iterations, images].
        let losses: [Float]
        let halved: [[Int]]
        let bestLosses: [Float]
        let fell: [Bool]
    }

    struct Distances: Decodable {
        let norm: String
        let isTargeted: Bool
        let distances: [Float]
    }

    struct Pattern: Decodable {
        let side: Int
        let values: [Float]
    }

    let shape: [Int]
    let w1: [Float]
    let b1: [Float]
    let w2: [Float]
    let b2: [Float]
    let images: [Float]
    let labels: [Int32]
    let apgd: [Walk]
    let fab: [Distances]
    let patterns: [Pattern]

    static func load() throws -> Official {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/official.json")
        return try JSONDecoder().decode(Official.self, from: Data(contentsOf: file))
    }

    var imageShape: ImageShape { ImageShape(height: shape[0], width: shape[1], channels: shape[2]) }
    var model: TinyNetwork { TinyNetwork(w1, b1, w2, b2, imageShape: imageShape) }

    var batch: ToyBatch {
        var batch = ToyBatch(imageShape, count: labels.count, classes: b2.count, seed: 0)
        (batch.images, batch.labels) = (images, labels)
        return batch
    }
}

@Suite("Against the official AutoAttack")
struct OfficialTests {
    /// The recorded losses lead to the same halvings of the step.
    @Test func stepSizeDecisions() throws {
        let official = try Official.load()
        let count = official.labels.count
        var kinds = Set<[Int]>()
        for walk in official.apgd {
            for n in 0..<count {
                var control = StepSizeControl(iterations: 100, rho: 0.75, startLoss: walk.startLosses[n])
                var (best, halved) = (walk.startLosses[n], [Int]())
                for i in 0..<100 {
                    let loss = walk.losses[i * count + n]
                    best = max(best, loss)
                    if control.record(loss, best: best) { halved.append(i + 1) }
                }
                // The last iteration's decision is recorded by nobody.
                #expect(halved == walk.halved[n], "\(walk.norm) \(walk.loss), image \(n)")
                kinds.insert(halved)
            }
        }
        #expect(kinds.count >= 4)
    }

    /// From the same starts our walks reach the same losses. A tiny network has kinks, at which roundings part ways: all but a few.
    @Test func walksOfAPGD() throws {
        let official = try Official.load()
        let (model, batch, count) = (official.model, official.batch, official.labels.count)
        var (same, all) = (0, 0)
        for walk in official.apgd {
            let objective: APGD.Objective = ["ce": .crossEntropy, "dlr": .logitsRatio, "dlr-targeted": .targeted][walk.loss]!
            var attack = APGD(objective, ThreatModel(norm: Norm(rawValue: walk.norm)!, epsilon: walk.epsilon))
            (attack.targets, attack.stopsAtSuccess) = (1, false)
            let loss = RecordedLosses(model, attack: attack, labels: batch.labels)
            for n in 0..<count {
                let starts = Array(walk.starts[n * batch.shape.count..<(n + 1) * batch.shape.count])
                let result = try batch.selecting([n]).run(attack, model: loss.reset(image: n), capacity: 1, starts: starts)
                #expect(result[0].claim.succeeded == walk.fell[n], "\(walk.norm) \(walk.loss), image \(n)")
                let expected = [walk.startLosses[n]] + (0..<100).map { walk.losses[$0 * count + n] }
                try #require(loss.losses.count == 101)
                all += 1
                if zip(loss.losses, expected).allSatisfy({ abs($0 - $1) < 1e-3 * max(1, abs($1)) }) { same += 1 }
                #expect(abs(loss.losses[0] - expected[0]) < 1e-4 * max(1, abs(expected[0])))
            }
        }
        #expect(all == 6 * count && Double(same) >= 0.75 * Double(all), "\(same) of \(all)")
    }

    @Test func distancesOfFAB() throws {
        let official = try Official.load()
        for row in official.fab {
            var attack = FAB(ThreatModel(norm: Norm(rawValue: row.norm)!, epsilon: 0.1), isTargeted: row.isTargeted)
            (attack.targets, attack.stopsAtSuccess) = (1, false)
            for (n, result) in try official.batch.run(attack, model: official.model).enumerated() {
                let found = try #require(result.claim.boundaryDistance)
                #expect(abs(found - row.distances[n]) < 0.002 * row.distances[n], "\(row.norm), image \(n): \(found), \(row.distances[n])")
            }
        }
    }

    @Test func patternsOfSquare() throws {
        for pattern in try Official.load().patterns {
            let ours = SquarePattern.pattern(side: pattern.side)
            #expect(zip(ours, pattern.values).allSatisfy { abs($0 - $1) < 1e-6 } && ours.count == pattern.values.count)
        }
    }
}

/// Notes the loss of each point at which a gradient is asked for.
private final class RecordedLosses: DifferentiableClassifier {
    private let model: TinyNetwork
    private let attack: APGD
    private let labels: [Int32]
    private var label = 0
    private var target = 0
    private(set) var losses: [Float] = []

    init(_ model: TinyNetwork, attack: APGD, labels: [Int32]) { (self.model, self.attack, self.labels) = (model, attack, labels) }

    func reset(image: Int) -> RecordedLosses {
        label = Int(labels[image])
        losses = []
        return self
    }

    var classes: Int { model.classes }
    var imageShape: ImageShape { model.imageShape }
    var capacity: Int { 1 }

    func logits(of images: UnsafePointer<Float>, batch: Int, into logits: UnsafeMutablePointer<Float>) {
        model.logits(of: images, batch: batch, into: logits)
        target = LogitRanking.top(2, of: logits, classes: classes)[1]
    }

    func inputGradient(
        of images: UnsafePointer<Float>, batch: Int, into gradient: UnsafeMutablePointer<Float>,
        loss: (UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
    ) {
        model.inputGradient(of: images, batch: batch, into: gradient) { logits, derivative in
            let kind: LogitLoss =
                switch attack.objective {
                case .crossEntropy: .crossEntropy
                case .logitsRatio: .logitsRatio
                case .targeted: .targetedLogitsRatio(target: target)
                }
            losses.append(kind.evaluate(logits, classes: classes, label: label, derivative: nil))
            loss(logits, derivative)
        }
    }
}
