import Kernels
import MPI

/// The exchange of one bucket in float32.
///
/// The ways are those of `ExchangeMethod`, which add in the order of the tree, and MPI_Iallreduce of the ranks' sums. One
/// thread at a time may use an exchange; all calls are MPI calls.
final class BucketExchange: Exchange {
    private let communicator: Communicator
    private let range: Range<Int>
    private let tag: Int
    private let arriving: MessageBatch
    private let spreading: MessageBatch
    private var scratch = FloatBuffer(count: 0)
    private var operands: [UnsafePointer<Float>] = []

    private var plan: ReductionPlan
    private var method: ExchangeMethod? = .direct
    private var result = FloatBuffer(count: 0)
    private var stage = 0
    private(set) var bytesSent = 0

    init(communicator: Communicator, range: Range<Int>, tag: Int, plan: ReductionPlan) {
        self.communicator = communicator
        self.range = range
        self.tag = tag
        self.plan = plan
        arriving = MessageBatch(communicator)
        spreading = MessageBatch(communicator)
    }

    func start(_ plan: ReductionPlan, method: ExchangeMethod?, sums: [FloatBuffer], result: FloatBuffer) throws {
        self.plan = plan
        self.method = method
        self.result = result
        stage = 0
        bytesSent = 0
        switch method {
        case .whole: try startDirect(sums, slice: { _ in self.range })
        case .direct: try startDirect(sums, slice: { self.plan.slice(of: self.range, rank: $0) })
        case .halving: try startHalving()
        case nil: try startLibrary(sums)
        }
    }

    func advance() throws -> Bool {
        switch method {
        case .whole, .direct: try advanceDirect()
        case .halving: try advanceHalving()
        case nil: try spreading.test()
        }
    }

    // MARK: Whole and direct

    private func startDirect(_ sums: [FloatBuffer], slice: (Int) -> Range<Int>) throws {
        let own = slice(plan.rank)
        let stride = (own.count + 15) & ~15
        reserveScratch(stride * (plan.blockCount - sums.count))
        operands.removeAll(keepingCapacity: true)
        var offset = 0
        for peer in 0..<plan.size {
            if peer == plan.rank {
                for sum in sums { operands.append(UnsafePointer(sum.pointer + own.lowerBound)) }
                continue
            }
            for _ in plan.blocks[peer] {
                operands.append(UnsafePointer(scratch.pointer + offset))
                if !own.isEmpty { try receive(scratch, offset..<offset + own.count, from: peer, in: arriving) }
                offset += stride
            }
        }
        for peer in plan.others where !slice(peer).isEmpty {
            for sum in sums { try send(sum, slice(peer), to: peer, in: arriving) }
        }
    }

    private func advanceDirect() throws -> Bool {
        if stage == 0 {
            guard try arriving.test() else { return false }
            let own = method == .whole ? range : plan.slice(of: range, rank: plan.rank)
            plan.global.run(operands, into: result.pointer + own.lowerBound, count: own.count)
            // Only now that the rank's sums are sent may those over ranks take their place.
            if method == .direct {
                for peer in plan.others {
                    let slice = plan.slice(of: range, rank: peer)
                    if !slice.isEmpty { try receive(result, slice, from: peer, in: spreading) }
                    if !own.isEmpty { try send(result, own, to: peer, in: spreading) }
                }
            }
            stage = 1
        }
        return try spreading.test()
    }

    // MARK: Halving

    /// What this rank, or its partner of round `depth` − 1, still adds up after `depth` rounds.
    private func segment(depth: Int, of rank: Int) -> Range<Int> {
        var segment = range
        for round in 0..<depth {
            let middle = segment.lowerBound + min(segment.count, (segment.count / 2 + 15) & ~15)
            segment = rank >> round & 1 == 0 ? segment.lowerBound..<middle : middle..<segment.upperBound
        }
        return segment
    }

    private var rounds: Int { plan.size.trailingZeroBitCount }

    private func startHalving() throws {
        reserveScratch(range.count / 2 + 16)
        try postHalving()
    }

    private func postHalving() throws {
        let halving = stage < rounds
        let depth = halving ? stage : 2 * rounds - 1 - stage
        let partner = plan.rank ^ (1 << depth)
        let mine = segment(depth: depth + 1, of: plan.rank)
        let theirs = segment(depth: depth + 1, of: partner)
        if halving {
            if !mine.isEmpty { try receive(scratch, 0..<mine.count, from: partner, in: arriving) }
            if !theirs.isEmpty { try send(result, theirs, to: partner, in: arriving) }
        } else {
            if !theirs.isEmpty { try receive(result, theirs, from: partner, in: arriving) }
            if !mine.isEmpty { try send(result, mine, to: partner, in: arriving) }
        }
    }

    private func advanceHalving() throws -> Bool {
        while stage < 2 * rounds {
            guard try arriving.test() else { return false }
            if stage < rounds {
                let mine = segment(depth: stage + 1, of: plan.rank)
                let sum = result.pointer + mine.lowerBound
                add(sum, scratch.pointer, into: sum, count: mine.count)
            }
            stage += 1
            if stage < 2 * rounds { try postHalving() }
        }
        return true
    }

    // MARK: Library

    private func startLibrary(_ sums: [FloatBuffer]) throws {
        operands.removeAll(keepingCapacity: true)
        for sum in sums { operands.append(UnsafePointer(sum.pointer + range.lowerBound)) }
        plan.local.run(operands, into: result.pointer + range.lowerBound, count: range.count)
        try spreading.allreduce(
            UnsafeMutableBufferPointer(start: result.pointer + range.lowerBound, count: range.count), .sum, keeping: result)
        bytesSent = 2 * 4 * range.count * (plan.size - 1) / plan.size
    }

    // MARK: Messages

    private func reserveScratch(_ count: Int) {
        if scratch.count < count { scratch = FloatBuffer(count: count) }
    }

    private func send(_ buffer: FloatBuffer, _ range: Range<Int>, to peer: Int, in batch: MessageBatch) throws {
        bytesSent += 4 * range.count
        try batch.send(
            UnsafeBufferPointer(start: buffer.pointer + range.lowerBound, count: range.count), to: peer, tag: tag,
            keeping: buffer)
    }

    private func receive(_ buffer: FloatBuffer, _ range: Range<Int>, from peer: Int, in batch: MessageBatch) throws {
        try batch.receive(
            into: UnsafeMutableBufferPointer(start: buffer.pointer + range.lowerBound, count: range.count), from: peer,
            tag: tag, keeping: buffer)
    }
}
