import Attacks
import Datasets
import Diagnostics
import Evaluation
import Foundation
import Kernels
import NeuralNet

let thresholdOfLine = 100.5 / 255

/// Radii 2, 4 and 8 of 255.
let radii = [2, 4, 8].map { Float($0) / 255 }

/// AutoAttack over these regions, at each radius.
func standardPlan(_ epsilons: [Float] = radii, regions: [EvaluationProtocol.Region] = [.all]) -> EvaluationPlan {
    var plan = EvaluationPlan()
    for region in regions {
        for epsilon in epsilons {
            let attacks = AutoAttack.attacks(.standard, ThreatModel(norm: .linf, epsilon: epsilon))
            plan.add(region: region, epsilon: epsilon, attacks: attacks.map { ($0.name, $0) })
        }
    }
    return plan
}

struct LedgerRun {
    let lines: [LedgerLine]
    let progress: EvaluationProgress
    let outcome: LedgerEvaluator.Outcome
    let sums: LedgerSums

    /// Runs a plan in memory, on this process alone.
    ///
    /// - Parameters:
    ///   - begun: lines of an earlier run, as far as it came.
    ///   - beats: how often the evaluation may look up before it is told to stop; nil for to its end.
    init(
        _ plan: EvaluationPlan, _ model: any DifferentiableClassifier, _ data: any ImageSource, indices: [Int]? = nil, begun: [LedgerLine] = [],
        beats: Int? = nil, seed: UInt64 = 0
    ) throws {
        let indices = indices ?? Array(0..<data.count)
        var start = EvaluationProgress(plan, count: indices.count, norm: .linf)
        for line in begun { start.restore(plan.phase(of: line)!, indices.firstIndex(of: line.index)!, line) }
        start.begin()
        let sink = MemorySink(plan)
        for line in begun { sink.append(line, phase: plan.phase(of: line)!, position: 0, image: nil) }
        var left = beats ?? .max
        let evaluator = LedgerEvaluator(plan, model: model, dataset: data, indices: indices, seed: seed)
        (outcome, progress) = try evaluator.run(
            from: start, communicator: nil, sink: sink,
            shouldStop: {
                left -= 1
                return left < 0
            })
        lines = sink.sortedLines
        sums = sink.sums
    }
}

/// An attack that gives up.
struct Idle: Attack {
    var name = "idle"
    let threat: ThreatModel

    func description(classes: Int) -> AttackDescription { AttackDescription(name: name, threat: threat, settings: [:]) }

    func makeRunner(imageShape: ImageShape, classes: Int, capacity: Int) throws -> any AttackRunner {
        var attack = PGDAttack(name: name, AttackSettings(threat: threat, stepSize: 0, steps: 1, randomStart: false))
        attack.restarts = 1
        return try attack.makeRunner(imageShape: imageShape, classes: classes, capacity: capacity)
    }
}

/// What a plan and a toy model would be asked for on a command line.
func description(_ plan: EvaluationPlan, count: Int, model: String = "m", keepsImages: Bool = false, epsilons: [Float] = radii, against: [Corpus.Member] = []) -> EvaluationDescription {
    EvaluationDescription(
        program: "test",
        model: .init(name: "line", settings: [:], weights: "\(model).safetensors", sha256: model, classes: 2),
        data: .init(
            name: "pixels", split: "test", count: count, fingerprint: "pixels", salienceFingerprint: nil, classNames: ["above", "below"], shape: [1, 1, 1]),
        images: "0:\(count)", attack: "autoattack", norm: .linf, epsilons: [0] + epsilons, regions: plan.regions, salienceThreshold: 0.5, seed: 0,
        keepsImages: keepsImages, plan: plan, against: against)
}

/// A folder that disappears with its owner.
final class TemporaryFolder {
    let path = NSTemporaryDirectory() + "sipat-test-" + UUID().uuidString

    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
