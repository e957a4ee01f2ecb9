/// The training batches of one rank, epoch by epoch, assembled two steps ahead on a background thread.
///
/// ```swift
/// let loader = TrainingLoader(dataset: cifar, plan: plan, augmentation: augmentation, seed: 1) { total in 0..<total }
/// loader.start(epoch: 0)
/// while let batch = try loader.next() { … }
/// ```
///
/// What a batch holds depends on (seed, epoch, step) and the owned micro-batches only; a run that is resumed in the
/// middle of an epoch sees the same batches as one that was not. Memory: three batches.
package final class TrainingLoader: Sendable {
    private let prefetcher: Prefetcher<Batch>
    private let stepsPerEpoch: Int

    /// - Parameters:
    ///   - seed: key of crops and flips.
    ///   - owned: from the number of micro-batches in a step to those this rank owns; may be empty. Called on the
    ///     background thread.
    package init(
        dataset: any ImageSource, plan: EpochPlan, augmentation: Augmentation, seed: UInt64,
        owned: @escaping BatchAssembler.Ownership
    ) {
        let assembler = BatchAssembler(
            dataset: dataset, plan: plan, augmentation: augmentation, seed: seed, owned: owned)
        let order = EpochOrder(plan)
        stepsPerEpoch = plan.stepsPerEpoch
        prefetcher = Prefetcher(items: (0..<3).map { _ in assembler.makeBatch() }, name: "sipat data") { batch, epoch, step in
            try assembler.fill(batch, epoch: epoch, step: step, order: order.of(epoch))
        }
    }

    /// Begins an epoch at a step, giving up whatever was under way. The batch handed out last is no longer valid.
    package func start(epoch: Int, fromStep: Int = 0) {
        precondition(fromStep >= 0 && fromStep <= stepsPerEpoch, "step \(fromStep) of \(stepsPerEpoch)")
        prefetcher.start(epoch: epoch, steps: fromStep..<stepsPerEpoch)
    }

    /// The next step's batch, or nil at the end of the epoch. It is valid until the next call.
    ///
    /// - Throws: what went wrong on the background thread.
    package func next() throws -> Batch? { try prefetcher.next() }
}

/// The permutation of the epoch at hand. Used by the background thread alone: hence `@unchecked Sendable`.
private final class EpochOrder: @unchecked Sendable {
    private let plan: EpochPlan
    private var epoch: Int?
    private var order: [Int] = []

    init(_ plan: EpochPlan) { self.plan = plan }

    func of(_ epoch: Int) -> [Int] {
        if self.epoch != epoch {
            order = plan.order(epoch: epoch)
            self.epoch = epoch
        }
        return order
    }
}
