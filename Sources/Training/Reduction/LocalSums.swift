import Foundation
import Kernels

/// Gradients of one rank's micro-batches, and their sums over the largest aligned blocks that the rank owns.
///
/// Each micro-batch writes into an arena; as soon as both halves of a node have a bucket, the right one's is added to
/// the left one's, so that few arenas are alive at once: log₂(k) + 1 for k micro-batches in order, and those of the
/// rank's other blocks. Arenas come from a pool that grows until it suffices.
///
/// `arena(for:)` and `completed` may be called from several threads at once.
final class LocalSums: @unchecked Sendable {
    private let lock = NSLock()
    private let count: Int
    private let buckets: [Range<Int>]

    private var tree = ReductionTree(leaves: 1)
    private(set) var owned = 0..<0
    private(set) var blocks: [ReductionTree.Node] = []

    private var pool: [FloatBuffer] = []
    /// Arenas there are, in use or in the pool.
    private(set) var allocated = 0
    /// By micro-batch, from the first owned one.
    private var arenas: [FloatBuffer?] = []
    /// How many buckets of the arena have been added to another.
    private var merged: [Int] = []
    /// By owned leaf and bucket: whether it was reported.
    private var reported: [Bool] = []
    /// By level, index and bucket: whether one half of the node is there.
    private var halfReady: [Bool] = []
    /// By bucket: blocks whose sum is not there yet.
    private var missing: [Int] = []
    private var ready: [Int] = []

    init(count: Int, buckets: [Range<Int>]) {
        self.count = count
        self.buckets = buckets
    }

    /// Starts over: all arenas of the step before return to the pool.
    func begin(tree: ReductionTree, owned: Range<Int>, blocks: [ReductionTree.Node]) {
        lock.withLock {
            for arena in arenas { if let arena { pool.append(arena) } }
            self.tree = tree
            self.owned = owned
            self.blocks = blocks
            arenas.reset(to: nil, count: owned.count)
            merged.reset(to: 0, count: owned.count)
            reported.reset(to: false, count: owned.count * buckets.count)
            halfReady.reset(to: false, count: (2 << tree.root.level) * buckets.count)
            missing.reset(to: blocks.count, count: buckets.count)
            ready.removeAll(keepingCapacity: true)
            if blocks.isEmpty { ready.append(contentsOf: buckets.indices) }
        }
    }

    /// The arena of an owned micro-batch, `count` values, undefined before they are written.
    func arena(for microBatch: Int) -> FloatBuffer {
        precondition(owned.contains(microBatch), "micro-batch \(microBatch) is not among the owned \(owned)")
        return lock.withLock {
            let i = microBatch - owned.lowerBound
            if let arena = arenas[i] { return arena }
            precondition(merged[i] == 0, "micro-batch \(microBatch) was already added up")
            let arena = pool.popLast() ?? newArena()
            arenas[i] = arena
            return arena
        }
    }

    private func newArena() -> FloatBuffer {
        allocated += 1
        return FloatBuffer(count: count)
    }

    /// The arena that holds a block's sum.
    func sum(of block: ReductionTree.Node) -> FloatBuffer { arena(for: block.firstLeaf) }

    /// Notes that `bucket` of `microBatch` is written, and adds up what can be.
    func completed(microBatch: Int, bucket: Int) {
        precondition(owned.contains(microBatch), "micro-batch \(microBatch) is not among the owned \(owned)")
        lock.withLock {
            let i = (microBatch - owned.lowerBound) * buckets.count + bucket
            precondition(!reported[i], "bucket \(bucket) of micro-batch \(microBatch) is reported twice")
            reported[i] = true
        }
        var node = ReductionTree.Node(level: 0, index: microBatch)
        while !blocks.contains(node) {
            let parent = node.parent
            if !tree.isEmpty(parent.right) {
                guard isSecond(of: parent, bucket: bucket) else { return }
                merge(parent, bucket: bucket)
            }
            node = parent
        }
        lock.withLock {
            missing[bucket] -= 1
            if missing[bucket] == 0 { ready.append(bucket) }
        }
    }

    /// The next bucket of which all sums are there, each once; in the order in which they became ready.
    func takeReady() -> Int? {
        lock.withLock { ready.isEmpty ? nil : ready.removeFirst() }
    }

    /// The one that comes second finds both halves written; the lock makes them visible to it.
    private func isSecond(of node: ReductionTree.Node, bucket: Int) -> Bool {
        let i = ((1 << (tree.root.level - node.level)) + node.index) * buckets.count + bucket
        return lock.withLock {
            defer { halfReady[i] = true }
            return halfReady[i]
        }
    }

    private func merge(_ node: ReductionTree.Node, bucket: Int) {
        let range = buckets[bucket]
        let left = sum(of: node.left).pointer + range.lowerBound
        let right = sum(of: node.right).pointer + range.lowerBound
        add(left, right, into: left, count: range.count)
        lock.withLock {
            let i = node.right.firstLeaf - owned.lowerBound
            merged[i] += 1
            if merged[i] == buckets.count {
                pool.append(arenas[i]!)
                arenas[i] = nil
            }
        }
    }
}

extension Array {
    /// Refills without giving memory back.
    fileprivate mutating func reset(to value: Element, count: Int) {
        removeAll(keepingCapacity: true)
        for _ in 0..<count { append(value) }
    }
}
