import Attacks
import Datasets
import Diagnostics
import Evaluation
import Kernels
import NeuralNet
import Salience

/// The images that a report shows: right as they are, and most wrong at the smallest radius that broke any; or at a radius that
/// is given, and there images that withstood if none broke.
///
/// Adversarial images are read where they were kept, and made again where not: an attack's draws follow from seed and image, so
/// that the same image comes out.
struct ReportPictures {
    private let experiment: LedgerExperiment
    private let view: LedgerView
    private static let limit = 8

    init(_ experiment: LedgerExperiment, _ view: LedgerView) {
        self.experiment = experiment
        self.view = view
    }

    /// - Parameter radius: nil for the smallest that broke an image.
    /// - Throws: what reading and attacking throw.
    func make(at radius: Float? = nil) throws -> [ReportPicture] {
        let channels = view.description.data.shape[2]
        guard channels == 1 || channels == 3 else { return [] }
        for epsilon in view.epsilons where radius == nil || epsilon == radius {
            guard let chain = view.chain(.region, .all, epsilon) else { continue }
            let broken = (0..<view.count).filter { view.isRight[$0] && view.hasFallen(chain, $0) }
            if broken.isEmpty, radius != nil { return try standing(chain, epsilon) }
            guard !broken.isEmpty else { continue }
            let hardest = broken.sorted { (-view.loss(chain, $0), $0) < (-view.loss(chain, $1), $1) }.prefix(Self.limit)
            let pass = view.description.keepsImages ? nil : experiment.evaluation.makePass()
            let predictions = view.predictions(epsilon)
            return try hardest.map { try picture($0, chain: chain, epsilon: epsilon, prediction: predictions[$0], pass) }
        }
        return []
    }

    /// Images that withstood, under the first of the attacks that they were given.
    private func standing(_ chain: Int, _ epsilon: Float) throws -> [ReportPicture] {
        let pass = experiment.evaluation.makePass()
        return try (0..<view.count).filter { view.isRight[$0] }.prefix(Self.limit).map {
            try picture($0, chain: chain, epsilon: epsilon, prediction: view.cleanPredictions[$0], pass)
        }
    }

    private func picture(_ position: Int, chain: Int, epsilon: Float, prediction: Int, _ pass: FrozenPass?) throws -> ReportPicture {
        let dataset = experiment.evaluation.dataset
        let (shape, index) = (dataset.imageShape, view.ledger.indices[position])
        var clean = [Float](repeating: 0, count: shape.count)
        try dataset.read(index, values: &clean)
        let phase = view.phase(chain, position) ?? view.ledger.plan.chains[chain].phases.lowerBound
        let adversarial = try pass.map { try attacked(clean, position, phase, $0) } ?? kept(position, chain, epsilon, shape)
        return try ReportPicture(
            index: index, label: view.labels[position], cleanPrediction: view.cleanPredictions[position], prediction: prediction,
            attack: view.ledger.plan.phases[phase].name, epsilon: epsilon, loss: view.loss(chain, position), clean: clean, adversarial: adversarial,
            protected: try protected(index, shape), shape: shape)
    }

    private func kept(_ position: Int, _ chain: Int, _ epsilon: Float, _ shape: ImageShape) throws -> [Float] {
        let file = try NpyFile(KeptImages.path(view.folder, view.ledger.plan.chains[chain].name, epsilon: epsilon))
        var values = [Float](repeating: 0, count: shape.count)
        try values.withUnsafeMutableBytes { try file.read(from: position * shape.count, into: $0) }
        return values
    }

    private func attacked(_ clean: [Float], _ position: Int, _ phase: Int, _ pass: FrozenPass) throws -> [Float] {
        guard let attack = experiment.plan.phases[phase].attack else { throw Failure.internalError("phase \(phase) has no attack") }
        let shape = pass.imageShape
        let images = HeldImages(
            shape, images: FloatBuffer(clean), labels: [Int32(view.labels[position])], indices: [view.ledger.indices[position]])
        var result = clean
        try AttackDriver(imageShape: shape, classes: pass.classes, capacity: 1).run(attack, model: pass, on: images, seed: view.description.seed) { _, image in
            result = (0..<shape.count).map { image[$0] }
        }
        return result
    }

    private func protected(_ index: Int, _ shape: ImageShape) throws -> [Bool]? {
        let dataset = experiment.evaluation.dataset
        var map = [Float](repeating: 0, count: shape.pixels)
        guard dataset.hasSalience, try dataset.readFittedMap(index, into: &map) else { return nil }
        var background = map
        PerturbationMask.binary(threshold: view.description.salienceThreshold).fill(&background, salience: map, images: 1, pixels: shape.pixels)
        return background.map { $0 == 0 }
    }
}
