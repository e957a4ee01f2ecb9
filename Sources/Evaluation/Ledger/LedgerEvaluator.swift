import Attacks
import Datasets
import Diagnostics
import Kernels
import MPI
import NeuralNet

/// Carries out an evaluation plan over the ranks of a communicator, image by image.
///
/// Rank 0 hands out images as ranks have room (`WorkSource`) and is given a line for each image and attack. Memory: the model's
/// activations and the attacks' buffers for as many images as the model has room for; a few bytes per image and phase on
/// rank 0.
package final class LedgerEvaluator {
    /// What an evaluation came to on this rank.
    package enum Outcome: Sendable, Equatable {
        case finished
        /// Somebody asked it to stop; what was done is in the sink.
        case stopped
    }

    private struct Stopped: Error {}

    private let plan: EvaluationPlan
    private let model: any DifferentiableClassifier
    private let surrogate: (any DifferentiableClassifier)?
    private let reader: RegionReader
    private let seed: UInt64
    private let keepsImages: Bool
    private let corpus: Corpus?
    private let driver: AttackDriver
    private let image: FloatBuffer
    private let mask: FloatBuffer

    /// - Parameters:
    ///   - model: as many images as it has room for are worked on at a time.
    ///   - surrogate: the model that transfer attacks are made on, for a plan that has any.
    ///   - indices: images of the data set, each once.
    ///   - threshold: as `EvaluationProtocol.salienceThreshold`.
    ///   - keepsImages: whether the sink wants adversarial images.
    ///   - corpus: images that fooled earlier models, for a plan that tries them.
    package init(
        _ plan: EvaluationPlan, model: any DifferentiableClassifier, surrogate: (any DifferentiableClassifier)? = nil,
        dataset: any ImageSource, indices: [Int], threshold: Float = 0.5, seed: UInt64, keepsImages: Bool = false, corpus: Corpus? = nil
    ) {
        self.plan = plan
        self.model = model
        self.surrogate = surrogate
        self.seed = seed
        self.keepsImages = keepsImages
        self.corpus = corpus
        reader = RegionReader(dataset, indices: indices, threshold: threshold, seed: seed)
        driver = AttackDriver(imageShape: model.imageShape, classes: model.classes, capacity: model.capacity)
        image = FloatBuffer(count: model.imageShape.count)
        mask = FloatBuffer(count: model.imageShape.pixels)
    }

    /// Does what is left to be done. Collective.
    ///
    /// - Parameters:
    ///   - progress: what is done already (rank 0).
    ///   - communicator: nil for one rank without MPI.
    ///   - sink: takes the lines (rank 0).
    ///   - shouldStop: asked often, on each rank; a stop on one stops all.
    ///   - show: called on rank 0 after each result with the phase it was of.
    /// - Returns: on rank 0 also what is done now.
    /// - Throws: `Failure` if the model is not finite on an image, or an attack left its ball.
    package func run(
        from progress: EvaluationProgress, communicator: Communicator?, sink: any LedgerSink, shouldStop: @escaping () -> Bool = { false },
        show: @escaping (EvaluationProgress, _ phase: Int) throws -> Void = { _, _ in }
    ) throws -> (outcome: Outcome, progress: EvaluationProgress) {
        if let communicator, communicator.rank > 0 {
            let client = WorkClient(communicator, shouldStop: shouldStop)
            let outcome = try work(client)
            try client.finish()
            return (outcome, progress)
        }
        let server = WorkServer(progress, sink: sink, world: communicator, shouldStop: shouldStop, show: show)
        do {
            let outcome = try work(server)
            try server.finish()
            return (server.isStopped ? .stopped : outcome, server.progress)
        } catch {
            // What is there is kept, whatever else went wrong.
            try? sink.synchronize()
            throw error
        }
    }

    /// Whether the region holds a pixel of any of the images. Reads maps until it has found one.
    package static func hasPixels(
        _ region: EvaluationProtocol.Region, dataset: any ImageSource, indices: [Int], threshold: Float, seed: UInt64
    ) throws -> Bool {
        let reader = RegionReader(dataset, indices: indices, threshold: threshold, seed: seed)
        let (image, mask) = (FloatBuffer(count: dataset.imageShape.count), FloatBuffer(count: dataset.imageShape.pixels))
        return try indices.indices.contains {
            try reader.freePixels($0, regions: [region], image: image.pointer, mask: mask.pointer)[region.rawValue]! > 0
        }
    }

    private func work(_ source: any WorkSource) throws -> Outcome {
        var failure: (any Error)?
        func beat() -> Bool {
            guard failure == nil else { return true }
            do { return try source.beat() } catch {
                failure = error
                return true
            }
        }
        let models = Models(target: WatchedClassifier(model, beat: beat), surrogate: surrogate.map { WatchedClassifier($0, beat: beat) })
        do {
            var handout = try source.next(nil, room: model.capacity, isBusy: false)
            while case .images(let phase, let positions) = handout {
                handout = try phase == 0 ? look(at: positions, source, models) : attack(phase, positions, source, models)
            }
        } catch is Stopped {
            if let failure { throw failure }
        }
        return try source.beat() ? .stopped : .finished
    }

    /// Reads the kept images of a finished evaluation again, and completes their files.
    package func verify(_ images: KeptImages, _ progress: EvaluationProgress) throws -> KeptImagesVerification {
        try images.verify(progress, reader: reader, model: model)
    }

    private struct Models {
        let target: WatchedClassifier
        let surrogate: WatchedClassifier?
    }

    /// Phase 0: what the model makes of images as they are, and what regions hold.
    private func look(at positions: [Int], _ source: any WorkSource, _ models: Models) throws -> WorkHandout {
        let images = PositionedImages(positions: positions, reader: reader)
        let outcomes = try driver.clean(images, model: models.target)
        guard try !source.beat() else { return .over }
        for outcome in outcomes {
            let position = positions[outcome.position]
            let free = try reader.freePixels(position, regions: plan.regions, image: image.pointer, mask: mask.pointer)
            let line = LedgerLine(
                attack: LedgerLine.clean, epsilon: 0, region: .all, outcome: outcome, freePixels: free,
                candidates: candidates(outcome.index))
            try source.report(WorkResult(phase: 0, position: position, line: line), image: nil)
        }
        return try source.next(0, room: model.capacity, isBusy: false)
    }

    private func candidates(_ index: Int) -> [String: Int]? {
        guard let corpus else { return nil }
        return plan.chains.filter { $0.kind == .against }.reduce(into: [:]) { counts, chain in
            counts["\(chain.epsilon)"] = corpus.candidates(index: index, epsilon: chain.epsilon).count
        }
    }

    private func attack(_ phase: Int, _ positions: [Int], _ source: any WorkSource, _ models: Models) throws -> WorkHandout {
        guard let chain = plan.chain(of: phase), let attack = plan.phases[phase].attack else {
            throw Failure.internalError("phase \(phase) of the evaluation has no attack")
        }
        let starts = chain.kind == .against ? corpus.map { CorpusStarts($0, model: models.target, reader: reader, threat: attack.threat) } : nil
        let images = SharedImages(
            source, phase: phase, region: chain.region, positions: positions, capacity: model.capacity, reader: reader, starts: starts)
        let attacked = chain.kind == .transfer ? models.surrogate : models.target
        guard let attacked else { throw Failure.internalError("a transfer attack has no model to be made on") }
        try driver.run(attack, model: attacked, judge: models.target, on: images, expected: model.capacity, seed: seed) { outcome, image in
            guard try !source.beat() else { throw Stopped() }
            try images.noteFinished()
            let line = LedgerLine(attack: plan.phases[phase].name, epsilon: chain.epsilon, region: chain.region, outcome: outcome)
            let kept = keepsImages ? UnsafeBufferPointer(start: image, count: model.imageShape.count) : nil
            try source.report(WorkResult(phase: phase, position: images.positions[outcome.position], line: line), image: kept)
        }
        if let failure = images.failure { throw failure }
        return try images.following ?? source.next(phase, room: model.capacity, isBusy: false)
    }
}

/// Whole images at these positions.
private struct PositionedImages: AttackImages {
    let positions: [Int]
    let reader: RegionReader

    var count: Int { positions.count }

    func load(
        _ position: Int, image: UnsafeMutablePointer<Float>, mask: UnsafeMutablePointer<Float>
    ) throws -> (label: Int, index: Int) {
        try reader.load(positions[position], region: .all, image: image, mask: mask)
    }
}
