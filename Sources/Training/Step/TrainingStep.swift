import Attacks
import Datasets
import Diagnostics
import Kernels
import MPI
import NeuralNet
import Recipes
import Salience
import Synchronization

/// One step of SIP-AT on one rank, from a batch to new weights: freeze, attack, update, reduce, descend. Free adversarial
/// training goes through the batch several times; adversarial weight perturbation updates at perturbed weights.
///
/// Every rank holds the same weights and calls `run` for the same steps; each works on the micro-batches it owns. The
/// sums over micro-batches are formed in an order that depends on neither ranks nor threads, so neither do the weights.
/// After the first call nothing is allocated.
package final class TrainingStep {
    package let state: ModelState
    package let optimizer: Optimizer
    package let reducer: GradientReducer
    private let settings: StepSettings
    private let pool: WorkerPool
    private let filters: PreparedFilters
    /// What the attack reads: where it rounds, other filters in the memory of the step's own.
    private let attacked: FrozenModel
    private let workers: [StepWorker]
    private let perturber: WeightPerturber?
    /// The perturbation of free adversarial training.
    let free: FreePerturbation?
    /// The moving average of the weights, if one is kept. Begins with the weights that the step is made with; whoever changes
    /// them before the first step copies them here.
    let average: WeightAverage?
    private let layout: StepLayout
    private let mpi = Lock()
    private let heartbeat: Heartbeat
    /// For each owned micro-batch of the last step.
    private let outcomes: UnsafeMutablePointer<MicroBatchOutcome>

    /// - Parameters:
    ///   - channel: the ranks that train together, in a communicator that nobody else uses.
    ///   - microBatch: the most images of a micro-batch.
    ///   - batch: the most images this rank owns in a step.
    package init(
        state: ModelState, optimizer: OptimizerSettings, settings: StepSettings, channel: Communicator,
        reduction: ReductionAlgorithm, bucketBytes: Int, microBatch: Int, batch: Int, threads: Int = 1,
        heartbeat: Heartbeat = Heartbeat()
    ) {
        self.state = state
        self.heartbeat = heartbeat
        let microBatches = (batch + microBatch - 1) / microBatch
        outcomes = .allocate(capacity: max(1, microBatches))
        outcomes.initialize(repeating: MicroBatchOutcome(), count: max(1, microBatches))
        self.settings = settings
        let network = state.network
        self.optimizer = Optimizer(optimizer, network: network)
        layout = StepLayout(network)
        pool = WorkerPool(threads: threads)
        let filters = PreparedFilters(network: network, backend: settings.backend)
        let frozen = FrozenModel(network: network, filters: filters)
        self.filters = filters
        var attacked = frozen
        if let precision = settings.attack?.precision, precision != .float32 {
            attacked = FrozenModel(
                network: network,
                filters: PreparedFilters(network: network, backend: settings.backend, precision: precision, sharing: filters))
        }
        self.attacked = attacked
        workers = (0..<threads).map { [attacked] _ in
            StepWorker(
                state: state, filters: filters, frozen: frozen, attacked: attacked, settings: settings, microBatch: microBatch)
        }
        reducer = GradientReducer(
            channel: channel, count: layout.count,
            buckets: Self.buckets(layout, network, bucketBytes: bucketBytes, apart: reduction == .bfloat16),
            algorithm: reduction, exactFrom: layout.statisticsOffset)
        perturber = settings.weightPerturbation.map { WeightPerturber($0, network: network) }
        free = settings.attack.flatMap { $0.replays > 0 ? FreePerturbation(places: batch, shape: network.input) : nil }
        average = settings.averageDecay > 0 ? WeightAverage(state, decay: settings.averageDecay) : nil
        adversarial = FloatBuffer(count: settings.attack == nil ? 0 : batch * network.input.count)
        mask = FloatBuffer(count: settings.mask == nil ? 0 : batch * network.input.pixels)
    }

    deinit { outcomes.deallocate() }

    /// - Parameter apart: whether statistics, loss and counts have a bucket of their own.
    private static func buckets(_ layout: StepLayout, _ network: Network, bucketBytes: Int, apart: Bool) -> [Range<Int>] {
        let parameters = network.parameters.map(\.offset)
        guard apart else {
            return gradientBuckets(
                boundaries: parameters + [layout.statisticsOffset], count: layout.count, bucketBytes: bucketBytes)
        }
        return [layout.statisticsOffset..<layout.count]
            + gradientBuckets(boundaries: parameters, count: layout.statisticsOffset, bucketBytes: bucketBytes)
    }

    /// What a step changes, and a resumed run must get back. The same on all ranks.
    var arenas: [FloatBuffer] {
        [state.parameters, state.buffers, optimizer.momentum] + (average.map { [$0.state.parameters, $0.state.buffers] } ?? [])
    }

    /// The weights that are to be validated and evaluated: their moving average, where one is kept.
    package var resultingState: ModelState { average?.state ?? state }

    /// A frozen model for use between steps, after `freeze`; it takes no memory but the step's.
    package var idlePass: FrozenPass { workers[0].frozenPass }

    /// The perturbed images of the last step's owned samples, if it attacked.
    package let adversarial: FloatBuffer
    private let mask: FloatBuffer

    /// Takes one step.
    ///
    /// - Returns: loss and correct predictions on the (perturbed) batch, over all ranks, the mean of all passes through it, and
    ///   where the time went.
    /// - Throws: `Divergence`, on every rank alike, if a sum is not finite; weights are then as before the last update.
    package func run(_ batch: Batch, learningRate: Float) throws -> StepResult {
        var clock = PhaseClock()
        let step = batch.epoch * settings.stepsPerEpoch + batch.step
        let attackSettings = settings.attack?.settings(step: step)
        let replays = max(1, settings.attack?.replays ?? 1)
        var (loss, correct) = (0.0, 0.0)
        for replay in 0..<replays {
            heartbeat.enter(.attack)
            let images = try attack(batch, attackSettings, isFirst: replay == 0)
            clock.mark(\.attack)
            let perturber = perturber?.isActive(epoch: batch.epoch) == true ? perturber : nil
            if let perturber {
                let sums = try gradients(batch, images, ascends: nil, &clock)
                perturber.perturb(state, step: sums.pointer, samples: batch.globalCount)
                clock.mark(\.optimizer)
            }
            defer { perturber?.restore(state) }
            let sums = try gradients(batch, images, ascends: attackSettings?.stepSize, &clock)
            optimizer.update(state, step: sums.pointer, samples: batch.globalCount, learningRate: learningRate)
            loss += Double(sums[layout.lossOffset])
            correct += Double(sums[layout.correctOffset])
            clock.mark(\.optimizer)
        }
        average?.follow(state, step: step + 1)
        clock.mark(\.optimizer)
        return StepResult(
            samples: batch.globalCount, loss: loss / Double(replays), correct: correct / Double(replays), timings: clock.timings)
    }

    /// Sums over all ranks of what the objective writes of the batch.
    ///
    /// - Parameter size: of the step that free training's perturbation takes; nil for none.
    private func gradients(
        _ batch: Batch, _ images: UnsafePointer<Float>, ascends size: Float?, _ clock: inout PhaseClock
    ) throws -> FloatBuffer {
        reducer.beginStep(microBatches: batch.totalMicroBatches)
        heartbeat.enter(.update)
        // Filters are for forward and backward, but ready before either.
        TrainingPass.prepare(filters, for: state)
        clock.mark(\.forward)
        try update(batch, images: images, ascends: size)
        let own = UnsafeBufferPointer(start: outcomes, count: batch.microBatches.count)
        clock.mark(
            (\.forward, \.backward), first: own.reduce(0) { $0 + $1.forward }, second: own.reduce(0) { $0 + $1.backward })
        heartbeat.enter(.communication)
        let sums = try reducer.finish()
        heartbeat.enter(.optimizer)
        clock.mark(\.communication)
        try checkFinite(sums, batch)
        return sums
    }

    /// This rank's images in the last step whose first gradient in the attack was zero everywhere.
    package private(set) var zeroGradients = 0

    /// Writes this rank's perturbed images; returns where they are.
    ///
    /// - Parameter isFirst: whether this is the first pass through the batch.
    private func attack(_ batch: Batch, _ attackSettings: AttackSettings?, isFirst: Bool) throws -> UnsafePointer<Float> {
        guard let attack = settings.attack, let attackSettings else {
            for index in batch.microBatches.indices { outcomes[index].isFinite = true }
            return UnsafePointer(batch.images.pointer)
        }
        var mask: UnsafePointer<Float>?
        if let rule = settings.mask {
            rule.fill(
                self.mask.pointer, salience: batch.salience.pointer, annotated: batch.annotated, images: batch.count,
                pixels: state.network.input.pixels)
            mask = UnsafePointer(self.mask.pointer)
        }
        if let free {
            if isFirst { free.begin(batch, threat: attackSettings.threat, mask: mask, fullBatch: settings.fullBatch) }
            try applyFree(free, to: batch, threat: attackSettings.threat, mask: mask)
            return UnsafePointer(self.adversarial.pointer)
        }
        if attack.batchNorm == .evaluation {
            attacked.freeze(state)
        } else {
            TrainingPass.prepare(filters, for: state)
        }
        let (workers, adversarial) = (Unchecked(workers), Unchecked(adversarial.pointer))
        let (maskAddress, heartbeat, outcomes) = (Unchecked(mask), heartbeat, Unchecked(outcomes))
        let shape = state.network.input
        try pool.forEach(0..<batch.microBatches.count) { worker, index in
            let range = batch.microBatches[index]
            outcomes.value[index].isFinite = try workers.value[worker].attack(
                batch, range, mask: maskAddress.value.map { $0 + range.lowerBound * shape.pixels }, with: attackSettings,
                into: adversarial.value + range.lowerBound * shape.count, zeroGradients: &outcomes.value[index].zeroGradients,
                beat: heartbeat.beat)
            heartbeat.beat()
        }
        zeroGradients = batch.microBatches.indices.reduce(0) { $0 + self.outcomes[$1].zeroGradients }
        return UnsafePointer(self.adversarial.pointer)
    }

    /// The images under free training's perturbation, checked like any attack's.
    private func applyFree(_ free: FreePerturbation, to batch: Batch, threat: ThreatModel, mask: UnsafePointer<Float>?) throws {
        for index in batch.microBatches.indices { outcomes[index].isFinite = true }
        free.apply(to: UnsafePointer(batch.images.pointer), 0..<batch.count, into: adversarial.pointer)
        try Admissibility.check(
            UnsafePointer(batch.images.pointer), UnsafePointer(adversarial.pointer), mask: mask, threat: threat, shape: state.network.input,
            count: batch.count)
    }

    /// Forward and backward of each owned micro-batch; gradients go to the reducer as they are ready.
    private func update(_ batch: Batch, images: UnsafePointer<Float>, ascends size: Float?) throws {
        let (workers, images) = (Unchecked(workers), Unchecked(images))
        let reducer = Unchecked(reducer)
        let (mpi, heartbeat, outcomes, free) = (mpi, heartbeat, Unchecked(outcomes), Unchecked(size == nil ? nil : free))
        let shape = state.network.input
        try pool.forEach(0..<batch.microBatches.count) { worker, index in
            let range = batch.microBatches[index]
            let microBatch = MicroBatch(
                clean: UnsafePointer(batch.images.pointer) + range.lowerBound * shape.count,
                images: images.value + range.lowerBound * shape.count, labels: batch.labels + range.lowerBound, count: range.count)
            try workers.value[worker].update(
                microBatch, index: batch.firstMicroBatch + index, reducer: reducer.value, outcome: &outcomes.value[index],
                free: free.value.map { ($0, UnsafePointer(batch.images.pointer), range, size ?? 0) }
            ) {
                // Any thread may call MPI, one at a time; one that finds another at it need not wait.
                heartbeat.beat()
                _ = try mpi.withLockIfAvailable { _ in try reducer.value.progress() }
            }
        }
    }

    private func checkFinite(_ sums: FloatBuffer, _ batch: Batch) throws {
        guard let index = Elementwise.firstNonFinite(sums.pointer, count: layout.count) else { return }
        throw Divergence(
            name: layout.name(of: index, in: state.network),
            microBatches: batch.microBatches.indices.filter { !outcomes[$0].isFinite }.map { place in
                (batch.firstMicroBatch + place, batch.microBatches[place].map { batch.sampleIndices[$0] })
            })
    }
}

/// A mutex that closures can share.
final class Lock: Sendable {
    private let mutex = Mutex(())
    func withLockIfAvailable(_ body: (borrowing Void) throws -> Void) rethrows -> Bool {
        try mutex.withLockIfAvailable { _ in try body(()) } != nil
    }
}

/// Hands a value that the workers share by agreement (each touches its own part) into their closures.
struct Unchecked<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}
