import Datasets
import Diagnostics
import MPI
import NeuralNet

/// Measures a frozen model over the ranks of a communicator.
///
/// Images are cut into groups of a fixed size, and each rank takes every `size`-th group. What is computed for an image
/// depends on nothing but the image, so no number depends on groups or ranks. No attack is believed: what it returns is
/// checked against the ball and the mask, and its success is computed again from the images. Memory: activations of one
/// group.
package final class Evaluator {
    private let pass: any DifferentiableClassifier
    private let dataset: any ImageSource
    private let group: Int
    /// Whether the last call of `share` threw because the model is not finite on an image.
    package private(set) var foundNonFinite = false

    /// - Parameter batch: the most images at a time; the network's own group is taken where that is smaller.
    package convenience init(model: FrozenModel, dataset: any ImageSource, batch: Int = .max) {
        self.init(pass: FrozenPass(model, capacity: max(1, min(batch, model.network.attackGroup))), dataset: dataset)
    }

    /// - Parameters:
    ///   - pass: the model.
    ///   - batch: the most images at a time; as many as the model has room for where that is less.
    package init(pass: any DifferentiableClassifier, dataset: any ImageSource, batch: Int = .max) {
        self.pass = pass
        self.dataset = dataset
        group = max(1, min(pass.capacity, batch))
    }

    /// Evaluates the images `indices` of the data set. Collective.
    ///
    /// - Parameters:
    ///   - indices: each once, within the data set.
    ///   - beat: called on each rank after each step of an attack.
    ///   - progress: called on each rank after each group with the number of groups it has done, and has to do.
    /// - Returns: on rank 0 the report and a record for every image and radius, by radius and then by index as given;
    ///   nil on other ranks.
    /// - Throws: `Failure.badData` if the model is not finite on an image.
    package func run(
        _ settings: EvaluationProtocol, indices: [Int], communicator: Communicator, beat: () -> Void = {},
        progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
    ) throws -> (report: EvaluationReport, records: [SampleRecord])? {
        let own = try share(
            settings, indices: indices, rank: communicator.rank, size: communicator.size, beat: beat, progress: progress)
        return try collect(own, settings, indices: indices, communicator: communicator)
    }

    /// What the shares of all ranks come to: as `run` returns it. Collective.
    package func collect(
        _ own: [SampleRecord], _ settings: EvaluationProtocol, indices: [Int], communicator: Communicator
    ) throws -> (report: EvaluationReport, records: [SampleRecord])? {
        guard let all = try communicator.gather(own.flatMap(\.encoded)) else { return nil }
        let width = SampleRecord.encodedCount(classes: pass.classes)
        return try assemble(
            all.flatMap { values in
                stride(from: 0, to: values.count, by: width).map { SampleRecord(encoded: values[$0..<$0 + width]) }
            }, settings, indices: indices)
    }

    /// The records of one rank's images.
    package func share(
        _ settings: EvaluationProtocol, indices: [Int], rank: Int, size: Int, beat: () -> Void = {},
        progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
    ) throws -> [SampleRecord] {
        foundNonFinite = false
        guard dataset.imageShape == pass.imageShape, dataset.classes <= pass.classes else {
            throw Failure.internalError(
                "a model for \(pass.classes) classes and images of \(pass.imageShape) is given \(dataset.classes) classes and images of \(dataset.imageShape)")
        }
        let batches = EvaluationBatches(dataset: dataset, indices: indices, batchSize: group)
        let owned = batches.owned(by: rank, of: size)
        let total = owned.reduce(0) { count, _ in count + 1 }
        let memory = batches.makeBatch()
        let attacker = EvaluationAttacker(pass: pass, settings: settings, capacity: group)
        var records: [SampleRecord] = []
        for (done, index) in owned.enumerated() {
            try batches.fill(memory, index)
            do {
                records += try attacker.records(of: memory, beat: beat)
            } catch {
                foundNonFinite = attacker.foundNonFinite
                throw error
            }
            try progress(done + 1, total)
        }
        return records
    }

    /// The records of all ranks in their order, and what they come to.
    package func assemble(
        _ records: [SampleRecord], _ settings: EvaluationProtocol, indices: [Int]
    ) throws -> (report: EvaluationReport, records: [SampleRecord]) {
        var position = [Int: Int](minimumCapacity: indices.count)
        for (place, index) in indices.enumerated() { position[index] = place }
        let order = Dictionary(uniqueKeysWithValues: settings.epsilons.enumerated().map { ($1, $0) })
        guard records.count == indices.count * settings.epsilons.count else {
            throw Failure.internalError(
                "\(records.count) results for \(indices.count) images at \(settings.epsilons.count) radii")
        }
        let sorted = records.sorted { (order[$0.epsilon]!, position[$0.index]!) < (order[$1.epsilon]!, position[$1.index]!) }
        return (EvaluationReport(records: sorted, epsilons: settings.epsilons), sorted)
    }
}
