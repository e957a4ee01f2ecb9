import Attacks
import Diagnostics
import Foundation

/// A finished evaluation as reports look at it: what became of each image, a few bytes for each, by position.
package struct LedgerView {
    package let folder: String
    package let ledger: Ledger
    package let labels: [Int]
    /// The class of each image as it is.
    package let cleanPredictions: [Int]
    package let isRight: [Bool]
    /// By chain of the plan, then by position: the class under the attack that the image fell to, else of the image as it is.
    private let chainPredictions: [[Int32]]
    /// The phase it fell in, or 0.
    private let chainPhases: [[Int32]]
    /// Cross-entropy there.
    private let chainLosses: [[Float]]
    /// The size of the largest perturbation relative to what is allowed, over all lines, and how many there are.
    package let largest: Double
    package let perturbed: Int

    /// Reads the ledger twice, a line at a time.
    ///
    /// - Throws: `Failure` if the folder holds no evaluation, or an unfinished one.
    package init(_ folder: String) throws {
        self.folder = folder
        ledger = try Ledger(folder)
        guard ledger.progress.isFinished else {
            throw Failure.badData("\(folder): the evaluation is not finished", remedy: "go on with it: sipat evaluate --output \(folder) --resume")
        }
        let (plan, count) = (ledger.plan, ledger.indices.count)
        let positions = Dictionary(uniqueKeysWithValues: ledger.indices.enumerated().map { ($1, $0) })
        let phases = plan.phaseOfKey
        let values = ledger.description.data.shape.reduce(1, *)
        var labels = [Int](repeating: 0, count: count)
        var clean = [Int](repeating: 0, count: count)
        var predictions = plan.chains.map { _ in [Int32](repeating: -1, count: count) }
        var fallen = plan.chains.map { _ in [Int32](repeating: 0, count: count) }
        var losses = plan.chains.map { _ in [Float](repeating: 0, count: count) }
        var (largest, perturbed) = (0.0, 0)
        let norm = ledger.description.norm
        try ledger.forEachLine { line in
            guard let position = positions[line.index], let phase = phases[.init(attack: line.attack, epsilon: line.epsilon, region: line.region)] else { return }
            guard let chain = plan.phases[phase].chain else {
                (labels[position], clean[position]) = (line.label, line.prediction)
                return
            }
            perturbed += 1
            largest = max(largest, CheckSettings.relativeSize(linf: line.linf, l2: line.l2, norm, epsilon: line.epsilon, values: values))
            guard line.success else { return }
            predictions[chain][position] = Int32(line.prediction)
            fallen[chain][position] = Int32(phase)
            losses[chain][position] = line.loss
        }
        (self.labels, cleanPredictions) = (labels, clean)
        isRight = zip(labels, clean).map { $0 == $1 }
        (chainPredictions, chainPhases, chainLosses) = (predictions, fallen, losses)
        (self.largest, self.perturbed) = (largest, perturbed)
    }

    package var description: EvaluationDescription { ledger.description }
    package var count: Int { ledger.indices.count }
    package var epsilons: [Float] { description.epsilons.filter { $0 > 0 }.sorted() }

    package func chain(_ kind: EvaluationPlan.Kind, _ region: EvaluationProtocol.Region, _ epsilon: Float) -> Int? {
        ledger.plan.chains.firstIndex { $0.kind == kind && $0.region == region && $0.epsilon == epsilon }
    }

    package func hasFallen(_ chain: Int, _ position: Int) -> Bool { chainPhases[chain][position] > 0 }

    /// The phase in which an image fell; nil if it stands.
    package func phase(_ chain: Int, _ position: Int) -> Int? { hasFallen(chain, position) ? Int(chainPhases[chain][position]) : nil }
    package func loss(_ chain: Int, _ position: Int) -> Float { chainLosses[chain][position] }

    /// Whether each image is right, and withstands all attacks at this radius; radius 0 is the images as they are.
    package func robust(_ epsilon: Float) -> [Bool] {
        guard epsilon > 0 else { return isRight }
        let positions = ledger.robustPositions(epsilon)
        return (0..<count).map { positions.contains($0) }
    }

    /// The class of each image under the worst that was found at this radius: by the whole image's attacks where they broke it.
    package func predictions(_ epsilon: Float) -> [Int] {
        guard epsilon > 0 else { return cleanPredictions }
        let chains = ledger.plan.chains.indices.filter { ledger.plan.chains[$0].epsilon == epsilon }
        return (0..<count).map { position in
            chains.first { hasFallen($0, position) }.map { Int(chainPredictions[$0][position]) } ?? cleanPredictions[position]
        }
    }

    /// Positions of the images that a region's attacker has something to do with.
    package func members(_ chain: Int) -> [Int] { (0..<count).filter { !ledger.progress.isLeftOut(chain, $0) } }
}
