import Attacks
import Datasets
import Diagnostics
import Kernels
import MPI
import NeuralNet
import Salience

/// Measures a frozen model over the ranks of a communicator.
///
/// Images are cut into batches of a fixed size, and each rank takes every `size`-th batch, so that no number depends on
/// how many ranks there are. No attack is believed: what it returns is checked against the ball and the mask, and its
/// success is computed again from the images.
package final class Evaluator {
    private let model: FrozenModel
    private let pass: FrozenPass
    private let dataset: ImageDataset
    private let batch: Int

    /// - Parameter batch: images at a time; memory grows with it, and results belong to it.
    package init(model: FrozenModel, dataset: ImageDataset, batch: Int) {
        self.model = model
        self.dataset = dataset
        self.batch = batch
        pass = FrozenPass(model, capacity: batch)
    }

    /// Evaluates the images `indices` of the data set.
    ///
    /// - Parameters:
    ///   - progress: called on each rank after each batch with the number of batches it has done, and has to do.
    /// - Returns: on rank 0 the report and a record for every image and radius, by radius and then by index as given;
    ///   nil on other ranks.
    package func run(
        _ settings: EvaluationProtocol, indices: [Int], communicator: Communicator,
        progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
    ) throws -> (report: EvaluationReport, records: [SampleRecord])? {
        let batches = EvaluationBatches(dataset: dataset, indices: indices, batchSize: batch)
        let owned = batches.owned(by: communicator.rank, of: communicator.size)
        let total = owned.reduce(0) { count, _ in count + 1 }
        let memory = batches.makeBatch()
        let attacker = EvaluationAttacker(pass: pass, dataset: dataset, settings: settings, batch: batch)
        var encoded: [Double] = []
        for (done, index) in owned.enumerated() {
            batches.fill(memory, index)
            for record in try attacker.records(of: memory) { encoded += record.encoded }
            try progress(done + 1, total)
        }
        guard let gathered = try communicator.gather(encoded) else { return nil }
        let width = SampleRecord.encodedCount(classes: model.network.classes)
        var position = [Int: Int](minimumCapacity: indices.count)
        for (place, index) in indices.enumerated() { position[index] = place }
        let order = Dictionary(uniqueKeysWithValues: settings.epsilons.enumerated().map { ($1, $0) })
        let records = gathered.flatMap { values in
            stride(from: 0, to: values.count, by: width).map { SampleRecord(encoded: values[$0..<$0 + width]) }
        }.sorted { (order[$0.epsilon]!, position[$0.index]!) < (order[$1.epsilon]!, position[$1.index]!) }
        guard records.count == indices.count * settings.epsilons.count else {
            throw Failure.internalError(
                "\(records.count) results for \(indices.count) images at \(settings.epsilons.count) radii")
        }
        return (EvaluationReport(records: records, epsilons: settings.epsilons), records)
    }
}
