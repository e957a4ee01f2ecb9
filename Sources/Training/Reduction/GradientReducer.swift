import Foundation
import Kernels
import MPI
import Recipes

/// Sums the gradients of a step's micro-batches over threads and ranks, while backward still runs.
///
/// ```swift
/// reducer.beginStep(microBatches: 8)
/// for i in reducer.owned {                     // here, or on several threads
///     let gradients = reducer.arena(forMicroBatch: i)
///     backward(into: gradients) { bucket in
///         reducer.completed(microBatch: i, bucket: bucket)
///         try reducer.progress()               // on the thread that may call MPI
///     }
/// }
/// let sums = try reducer.finish()
/// ```
///
/// With `.reproducible`, the result is the sum of the micro-batches in the tree of `ReductionTree`, bit for bit, on any
/// number of ranks and threads and whatever completes first; 3 ranks and ranks that own nothing included. A rank forms
/// the sums of the largest aligned blocks of micro-batches that it owns, and only these travel: one if the number of
/// ranks divides that of micro-batches and both are powers of two. Then a rank sends 2·(W−1)/W times the arena's size
/// for W ranks, the least possible. See `BucketExchange` for the ways in which a bucket travels.
///
/// Memory for k owned micro-batches in order and n values: n·(log₂k + 1) for one block, and for more than one rank up to
/// n·b received values, b the blocks of a rank. The sums over ranks are written over those of the rank's first block. Nothing
/// is allocated after the first step unless later ones have more micro-batches or complete in another order.
///
/// A world of one does not communicate.
package final class GradientReducer: @unchecked Sendable {
    /// A bucket size at which messages are long and still several buckets can overlap, in bytes.
    package static let defaultBucketBytes = 4 << 20

    private let communicator: Communicator
    private let count: Int
    private let buckets: [Range<Int>]
    private let algorithm: ReductionAlgorithm
    private let exchangeMethod: ExchangeMethod?
    private let sums: LocalSums
    private var exchanges: [any Exchange] = []
    /// Where the sums over ranks go: the arena of the rank's first block, or one of its own if it has no micro-batch.
    private var result: FloatBuffer
    private var plans: [Int: ReductionPlan] = [:]

    private var spare = FloatBuffer(count: 0)
    private var plan: ReductionPlan
    private var inputs: [FloatBuffer] = []
    /// MPI wants collectives in the same order on all ranks: then a bucket waits for those before it.
    private var isReady: [Bool]
    private var nextCollective = 0
    private var active: [Int] = []
    private var started = 0
    private var lastPoll = ContinuousClock.now
    private var isStepOpen = false

    /// Since the reducer was made or the statistics were taken.
    private var collected = ReductionStatistics()

    /// - Parameters:
    ///   - channel: a communicator of its own (`Communicator.duplicate()`), so that no other messages mix with its own.
    ///   - count: values in an arena.
    ///   - buckets: disjoint ranges that cover `0..<count`, in the order in which backward completes them; see
    ///     `gradientBuckets(boundaries:count:bucketBytes:)`.
    ///   - exchangeMethod: for `.reproducible`; nil for what measures best.
    ///   - exactFrom: buckets that begin here or later are never compressed: statistics and counts, not gradients.
    package init(
        channel communicator: Communicator, count: Int, buckets: [Range<Int>], algorithm: ReductionAlgorithm = .reproducible,
        exchangeMethod: ExchangeMethod? = nil, exactFrom: Int = .max
    ) {
        precondition(
            buckets.sorted { $0.lowerBound < $1.lowerBound }.reduce(0) { $0 == $1.lowerBound ? $1.upperBound : -1 } == count,
            "buckets must cover 0..<\(count)")
        self.communicator = communicator
        self.buckets = buckets
        self.algorithm = algorithm
        self.exchangeMethod = exchangeMethod
        sums = LocalSums(count: count, buckets: buckets)
        isReady = Array(repeating: false, count: buckets.count)
        plan = ReductionPlan(total: 1, rank: communicator.rank, size: communicator.size)
        self.count = count
        result = FloatBuffer(count: 0)
        guard communicator.size > 1 else { return }
        if algorithm == .bfloat16 { errorFeedback = FloatBuffer(count: count) }
        exchanges = buckets.enumerated().map { [communicator = self.communicator, plan, errorFeedback] i, range in
            guard let errorFeedback, range.lowerBound < exactFrom else {
                return BucketExchange(communicator: communicator, range: range, tag: i, plan: plan)
            }
            return CompressedExchange(communicator: communicator, range: range, tag: i, plan: plan, errors: errorFeedback)
        }
    }

    /// The micro-batches of this step that this rank computes.
    package var owned: Range<Int> { plan.owned }

    /// With `.bfloat16` and more than one rank: what rounding has taken from the sums so far, `count` values, other ones on
    /// each rank. Part of the state of a run: a resumed run is the same to the last bit only if it gets these back, on as
    /// many ranks; with zeros instead, one step's rounding is lost. May be read and written between steps.
    package private(set) var errorFeedback: FloatBuffer?

    /// Arenas that micro-batches have needed so far, `count` values each. Between steps only.
    package var arenaCount: Int { sums.allocated }

    /// The buckets, in the order of completion.
    package var ranges: [Range<Int>] { buckets }

    /// Begins a step. What `finish()` returned before is no longer valid.
    ///
    /// - Parameter total: micro-batches of the step on all ranks together, at least 1, the same on all ranks.
    package func beginStep(microBatches total: Int) {
        precondition(!isStepOpen, "a step begins before the last one is finished")
        if let known = plans[total] {
            plan = known
        } else {
            plan = ReductionPlan(total: total, rank: communicator.rank, size: communicator.size)
            plans[total] = plan
        }
        sums.begin(tree: plan.tree, owned: plan.owned, blocks: plan.ownBlocks)
        for i in isReady.indices { isReady[i] = false }
        nextCollective = 0
        started = 0
        isStepOpen = true
        lastPoll = .now
    }

    /// Where the gradients of an owned micro-batch are written; the contents are undefined before. Thread-safe.
    package func arena(forMicroBatch microBatch: Int) -> FloatBuffer {
        sums.arena(for: microBatch)
    }

    /// Tells that `bucket` of `microBatch` is written and will not be touched again; adds up what can be. Thread-safe.
    ///
    /// Calls no MPI: the exchange of a bucket starts with the next `progress()` or `finish()`. Costs, amortised, one
    /// addition per value: 12 bytes of memory traffic.
    package func completed(microBatch: Int, bucket: Int) {
        sums.completed(microBatch: microBatch, bucket: bucket)
    }

    /// Starts the exchange of buckets that are ready and pushes on those under way. Waits for nothing.
    ///
    /// For one thread at a time, one that may call MPI. Cheap enough to call after every layer; MPI is called only while an
    /// exchange is under way. Messages move on only in such calls (and in `finish()`): the more often, the more is hidden.
    package func progress() throws {
        guard communicator.size > 1 else { return }
        let now = ContinuousClock.now
        if !active.isEmpty { collected.inFlight += now - lastPoll }
        lastPoll = now
        try startReady()
        var i = 0
        while i < active.count {
            if try exchanges[active[i]].advance() {
                collected.bytesSent += exchanges[active[i]].bytesSent
                active.remove(at: i)
            } else {
                i += 1
            }
        }
    }

    /// Waits until all ranks' gradients are summed and returns the sums, which are valid until the next step begins.
    ///
    /// All owned micro-batches must be completed. All ranks get the same bits, with `.mpi` as far as MPI sees to it.
    package func finish() throws -> FloatBuffer {
        precondition(isStepOpen, "a step is finished before it begins")
        isStepOpen = false
        collected.steps += 1
        guard communicator.size > 1 else {
            while sums.takeReady() != nil { started += 1 }
            precondition(started == buckets.count, "finish() is called before all micro-batches are completed")
            return sums.sum(of: plan.tree.root)
        }
        let start = ContinuousClock.now
        try progress()
        precondition(started == buckets.count, "finish() is called before all micro-batches are completed")
        while !active.isEmpty { try progress() }
        collected.exposed += .now - start
        return result
    }

    /// What communication cost since the last call.
    package func takeStatistics() -> ReductionStatistics {
        defer { collected = ReductionStatistics() }
        return collected
    }

    /// Gives the communicator back. Collective.
    package func close() throws {
        try communicator.free()
    }

    private func startReady() throws {
        while let bucket = sums.takeReady() {
            switch algorithm {
            case .reproducible, .bfloat16:
                try start(bucket, method: method(for: buckets[bucket]))
            case .mpi:
                isReady[bucket] = true
                while nextCollective < buckets.count, isReady[nextCollective] {
                    try start(nextCollective, method: nil)
                    nextCollective += 1
                }
            }
        }
    }

    private func start(_ bucket: Int, method: ExchangeMethod?) throws {
        if started == 0 {
            inputs.removeAll(keepingCapacity: true)
            for block in plan.ownBlocks { inputs.append(sums.sum(of: block)) }
            if let first = inputs.first {
                result = first
            } else {
                if spare.count < count { spare = FloatBuffer(count: count) }
                result = spare
            }
        }
        try exchanges[bucket].start(plan, method: method, sums: inputs, result: result)
        active.append(bucket)
        started += 1
    }

    private func method(for bucket: Range<Int>) -> ExchangeMethod {
        let preferred: ExchangeMethod
        if let exchangeMethod {
            preferred = exchangeMethod
        } else if 4 * bucket.count * plan.mostBlocks <= 8192 && plan.size <= 8 {
            preferred = .whole
        } else {
            preferred = plan.size > 8 ? .halving : .direct
        }
        return preferred == .halving && !plan.isButterfly ? .direct : preferred
    }
}

/// What a `GradientReducer`'s communication cost.
package struct ReductionStatistics: Sendable {
    package var steps = 0
    /// Time in `finish()`: waiting for other ranks and for messages that computation did not hide.
    package var exposed = Duration.zero
    /// Time during which an exchange was under way, as far as polling sees; what exceeds `exposed` was hidden.
    package var inFlight = Duration.zero
    /// Bytes that this rank sent.
    package var bytesSent = 0

    /// Communication that ran behind computation.
    package var hidden: Duration { max(.zero, inFlight - exposed) }
}
