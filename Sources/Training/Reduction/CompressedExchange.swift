import Kernels
import MPI

/// The exchange of one bucket in bfloat16 with error feedback (Karimireddy, Rebjock, Stich and Jaggi, ICML 2019).
///
/// Like `ExchangeMethod.direct`, with half the bytes: each rank's sum travels to the owners of slices, and the totals
/// back to all, rounded to bfloat16. What rounding takes away is kept, and added before the next rounding of the same
/// value: errors do not pile up over steps. A rank keeps one error for each value, that of its own sum where another rank
/// owns the slice, and that of the total where it does itself.
///
/// All ranks get the same bits, which depend on the number of ranks.
final class CompressedExchange: Exchange {
    private let communicator: Communicator
    private let range: Range<Int>
    private let tag: Int
    private let errors: FloatBuffer
    private let batch: MessageBatch
    /// The bucket: first what is sent, then the totals.
    private let wire: BFloat16Buffer
    /// Own slices of the other ranks' sums.
    private let arrived: BFloat16Buffer

    private var plan: ReductionPlan
    private var result = FloatBuffer(count: 0)
    private var own = 0..<0
    private var stage = 0
    private var operands: [UnsafePointer<Float>] = []
    private(set) var bytesSent = 0

    /// - Parameter errors: one value for each of the arena; what is left of the step before.
    init(
        communicator: Communicator, range: Range<Int>, tag: Int, plan: ReductionPlan, errors: FloatBuffer
    ) {
        self.communicator = communicator
        self.range = range
        self.tag = tag
        self.plan = plan
        self.errors = errors
        batch = MessageBatch(communicator)
        wire = BFloat16Buffer(count: range.count)
        arrived = BFloat16Buffer(count: (plan.size - 1) * plan.slice(of: range, rank: plan.rank).count)
    }

    func start(_ plan: ReductionPlan, method: ExchangeMethod?, sums: [FloatBuffer], result: FloatBuffer) throws {
        self.plan = plan
        self.result = result
        own = plan.slice(of: range, rank: plan.rank)
        stage = 0
        bytesSent = 0
        // The rank's sum goes to the result, where the total replaces it.
        operands.removeAll(keepingCapacity: true)
        for sum in sums { operands.append(UnsafePointer(sum.pointer + range.lowerBound)) }
        plan.local.run(operands, into: result.pointer + range.lowerBound, count: range.count)

        for (i, peer) in plan.others.enumerated() {
            let slice = plan.slice(of: range, rank: peer)
            if !own.isEmpty { try receive(arrived, i * own.count..<(i + 1) * own.count, from: peer) }
            guard !slice.isEmpty else { continue }
            compress(
                result.pointer + slice.lowerBound, errors: errors.pointer + slice.lowerBound, into: onWire(slice),
                count: slice.count)
            try send(slice, to: peer)
        }
    }

    func advance() throws -> Bool {
        if stage == 0 {
            guard try batch.test() else { return false }
            let total = result.pointer + own.lowerBound
            // In the order of ranks, but own first: the order that all steps have.
            for i in 0..<plan.size - 1 { add(arrived.pointer + i * own.count, to: total, count: own.count) }
            compress(total, errors: errors.pointer + own.lowerBound, into: onWire(own), count: own.count)
            for peer in plan.others {
                let slice = plan.slice(of: range, rank: peer)
                if !slice.isEmpty {
                    try receive(wire, slice.lowerBound - range.lowerBound..<slice.upperBound - range.lowerBound, from: peer)
                }
                if !own.isEmpty { try send(own, to: peer) }
            }
            stage = 1
        }
        guard try batch.test() else { return false }
        expand(wire.pointer, into: result.pointer + range.lowerBound, count: range.count)
        return true
    }

    private func onWire(_ slice: Range<Int>) -> UnsafeMutablePointer<UInt16> {
        wire.pointer + (slice.lowerBound - range.lowerBound)
    }

    private func send(_ slice: Range<Int>, to peer: Int) throws {
        bytesSent += 2 * slice.count
        try batch.send(
            UnsafeBufferPointer(start: onWire(slice), count: slice.count), to: peer, tag: tag, keeping: wire)
    }

    private func receive(_ buffer: BFloat16Buffer, _ range: Range<Int>, from peer: Int) throws {
        try batch.receive(
            into: UnsafeMutableBufferPointer(start: buffer.pointer + range.lowerBound, count: range.count), from: peer,
            tag: tag, keeping: buffer)
    }
}
