import Kernels

/// Who holds which part of the tree, for steps of a number of micro-batches. The same on all ranks, except for `rank`.
final class ReductionPlan {
    let tree: ReductionTree
    let rank: Int
    let size: Int
    let owned: Range<Int>
    /// For each rank, the blocks whose sums it holds.
    let blocks: [[ReductionTree.Node]]
    /// From all ranks' blocks, in order of ranks, to the root.
    let global: SumProgram
    /// From this rank's blocks, one after the other, to their sum: for MPI's reduction, which has no order to keep.
    let local: SumProgram
    /// Whether the additions above the blocks are those of recursive halving: 2ᵏ ranks, one block each, neighbours first.
    let isButterfly: Bool

    init(total: Int, rank: Int, size: Int) {
        let tree = ReductionTree(leaves: total)
        let blocks = (0..<size).map { tree.cover(ownedMicroBatches(total: total, rank: $0, size: size)) }
        let all = blocks.flatMap { $0 }
        let additions = tree.additions(over: all)
        self.tree = tree
        self.rank = rank
        self.size = size
        self.blocks = blocks
        owned = ownedMicroBatches(total: total, rank: rank, size: size)
        global = SumProgram(inputs: all.count, additions: additions)
        let own = blocks[rank].count
        local = SumProgram(inputs: own, additions: (1..<max(1, own)).map { ($0 == 1 ? 0 : own + $0 - 2, $0) })
        isButterfly =
            blocks.allSatisfy { $0.count == 1 }
            && additions.elementsEqual(ReductionTree(leaves: size).butterfly, by: { $0.left == $1.left && $0.right == $1.right })
    }

    /// The part of a bucket that `rank` adds up: multiples of 16 values, a cache line, as far as possible.
    func slice(of bucket: Range<Int>, rank: Int) -> Range<Int> {
        let share = ((bucket.count + size - 1) / size + 15) & ~15
        let start = min(bucket.upperBound, bucket.lowerBound + rank * share)
        return start..<min(bucket.upperBound, start + share)
    }

    /// All other ranks, beginning with the next, so that not all send to the same one first.
    var others: some Sequence<Int> {
        (1..<max(1, size)).lazy.map { [rank, size] in (rank + $0) % size }
    }

    var ownBlocks: [ReductionTree.Node] { blocks[rank] }
    /// Blocks of the rank that has most.
    var mostBlocks: Int { blocks.map(\.count).max()! }
    var blockCount: Int { blocks.reduce(0) { $0 + $1.count } }
}

extension ReductionTree {
    /// The additions over single leaves if their number is a power of two; empty otherwise.
    fileprivate var butterfly: [(left: Int, right: Int)] {
        guard 1 << root.level == leaves else { return [] }
        return additions(over: (0..<leaves).map { Node(level: 0, index: $0) })
    }
}
