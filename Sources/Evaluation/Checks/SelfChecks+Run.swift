import Attacks
import Datasets
import Diagnostics
import Kernels
import MPI
import NeuralNet

extension SelfChecks {
    /// Checks an evaluation, or, without one, the model against attacks of the checks' own. Collective.
    ///
    /// Every rank takes the images at its places and does all of the work on them; what is found about an image follows from the
    /// image, the model and the seed alone, so that ranks change nothing. `CheckSettings` says what it costs.
    ///
    /// - Parameters:
    ///   - indices: images that may be looked at; `settings.count` of them are.
    ///   - checksum: of all that the model is made of; nil if nobody can say.
    ///   - beat: called before each stage of the work, with its name; may throw to stop, on all ranks alike.
    /// - Returns: on rank 0; nil elsewhere.
    package static func run(
        _ settings: CheckSettings, model: any DifferentiableClassifier, dataset: any ImageSource, indices: [Int],
        evaluation: CheckedEvaluation? = nil, checksum: (() -> UInt64)? = nil, communicator: Communicator,
        beat: @escaping (_ stage: String) throws -> Void = { _ in }
    ) throws -> SelfChecks? {
        let chosen = ValidationSplit.classBalanced(indices, labels: dataset.labels, limit: settings.count)
        let share = try communicator.agreeing { () -> (text: String, changed: Bool) in
            let (found, changed) = try look(
                settings, model: model, dataset: dataset, chosen: chosen, rank: communicator.rank, size: communicator.size, evaluation: evaluation,
                checksum: checksum, beat: beat)
            return (String(decoding: try jsonBytes(found, .line), as: UTF8.self), changed)
        }
        let changed = try communicator.allreduce(share.changed ? 1 : 0, .sum)
        guard let all = try communicator.gather(share.text) else { return nil }
        let images = try all.flatMap { try decodedJSON([ImageChecks].self, from: Array($0.utf8)) }
        return judged(settings, images, evaluation: evaluation, model: model, changedModels: changed)
    }

    /// The same without other ranks.
    package static func alone(
        _ settings: CheckSettings, model: any DifferentiableClassifier, dataset: any ImageSource, indices: [Int],
        evaluation: CheckedEvaluation? = nil, ranks: Int = 1
    ) throws -> SelfChecks {
        let chosen = ValidationSplit.classBalanced(indices, labels: dataset.labels, limit: settings.count)
        let shares = try (0..<ranks).map {
            try look(
                settings, model: model, dataset: dataset, chosen: chosen, rank: $0, size: ranks, evaluation: evaluation, checksum: nil, beat: { _ in })
        }
        return judged(settings, shares.flatMap(\.found), evaluation: evaluation, model: model, changedModels: shares.count(where: \.changed))
    }

    private static func judged(
        _ settings: CheckSettings, _ images: [ImageChecks], evaluation: CheckedEvaluation?, model: any DifferentiableClassifier, changedModels: Int
    ) -> SelfChecks {
        let images = images.sorted { $0.index < $1.index }
        let judge = CheckJudge(
            settings: settings, images: images, evaluation: evaluation, classes: model.classes, values: model.imageShape.count,
            changedModels: changedModels)
        return SelfChecks(settings: settings, indices: images.map(\.index), right: images.count(where: \.isRight), checks: judge.checks())
    }

    private static func look(
        _ settings: CheckSettings, model: any DifferentiableClassifier, dataset: any ImageSource, chosen: [Int], rank: Int, size: Int,
        evaluation: CheckedEvaluation?, checksum: (() -> UInt64)?, beat: @escaping (_ stage: String) throws -> Void
    ) throws -> (found: [ImageChecks], changed: Bool) {
        let places = Array(stride(from: rank, to: chosen.count, by: size))
        guard !places.isEmpty else { return ([], false) }
        let shape = dataset.imageShape
        let images = FloatBuffer(count: places.count * shape.count)
        for (i, place) in places.enumerated() { try dataset.read(chosen[place], values: images.pointer + i * shape.count) }
        let before = checksum?()
        let probe = ModelProbe(model, settings)
        let first = probe.answer(UnsafePointer(images.pointer))
        let runner = CheckRunner(
            model, settings, images: images, labels: places.map { dataset.labels[chosen[$0]] }, indices: places.map { chosen[$0] }, beat: beat)
        let found = try runner.run(evaluation: evaluation, comparesDifferences: places.map { $0 < settings.differenceCount })
        // A model that draws random numbers is told by another check; here only one that stays other than it was.
        let isRandom = found.contains { $0.repeated > 0 }
        let answers = probe.answer(UnsafePointer(images.pointer)).map(\.bitPattern) == first.map(\.bitPattern)
        return (found, checksum?() != before || (!answers && !isRandom))
    }
}
