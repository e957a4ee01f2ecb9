/// The micro-batches of `total` that `rank` of `size` computes: contiguous, ranks in order, counts that differ by at
/// most one, the larger first. Empty for the last ranks where there are fewer micro-batches than ranks.
package func ownedMicroBatches(total: Int, rank: Int, size: Int) -> Range<Int> {
    let (share, rest) = total.quotientAndRemainder(dividingBy: size)
    let start = rank * share + min(rank, rest)
    return start..<start + share + (rank < rest ? 1 : 0)
}

/// The order in which gradients of micro-batches 0..<`leaves` are added, whoever adds them.
///
/// A node at level l covers the leaves i·2ˡ ..< (i+1)·2ˡ, as far as they exist, and is the sum of its two halves, or its
/// left half alone where the right one is empty. Floating-point addition is commutative but not associative: so the
/// tree fixes the result to the last bit, and the error grows with log₂ of the number of leaves instead of with it
/// (pairwise summation, Higham, SIAM J. Sci. Comput. 14, 1993).
struct ReductionTree: Hashable {
    let leaves: Int

    struct Node: Hashable {
        var level: Int
        var index: Int

        var parent: Node { Node(level: level + 1, index: index >> 1) }
        var left: Node { Node(level: level - 1, index: 2 * index) }
        var right: Node { Node(level: level - 1, index: 2 * index + 1) }
        /// The leaf whose memory holds the node's sum.
        var firstLeaf: Int { index << level }
    }

    init(leaves: Int) {
        precondition(leaves > 0, "a step has at least one micro-batch, not \(leaves)")
        self.leaves = leaves
    }

    var root: Node {
        var level = 0
        while 1 << level < leaves { level += 1 }
        return Node(level: level, index: 0)
    }

    /// The leaves below `node`; empty where it lies beyond the last one.
    func range(of node: Node) -> Range<Int> {
        let start = min(leaves, node.firstLeaf)
        return start..<min(leaves, (node.index + 1) << node.level)
    }

    func isEmpty(_ node: Node) -> Bool { node.firstLeaf >= leaves }

    /// The fewest nodes that together cover exactly `owned`, in order. At most 2·log₂(count) of them; one if `owned` is a
    /// whole aligned block.
    func cover(_ owned: Range<Int>) -> [Node] {
        var nodes: [Node] = []
        func visit(_ node: Node) {
            let range = range(of: node)
            guard range.overlaps(owned) else { return }
            if owned.lowerBound <= range.lowerBound && range.upperBound <= owned.upperBound {
                nodes.append(node)
            } else {
                visit(node.left)
                visit(node.right)
            }
        }
        visit(root)
        return nodes
    }

    /// The additions that make the root's sum of those of `nodes`, which must cover all leaves exactly once.
    ///
    /// Operands are numbered: `nodes` first, in order, then results. The last result is the root's.
    func additions(over nodes: [Node]) -> [(left: Int, right: Int)] {
        let operands = Dictionary(uniqueKeysWithValues: zip(nodes, 0...))
        var additions: [(left: Int, right: Int)] = []
        func sum(_ node: Node) -> Int {
            if let operand = operands[node] { return operand }
            let left = sum(node.left)
            guard !isEmpty(node.right) else { return left }
            additions.append((left, sum(node.right)))
            return nodes.count + additions.count - 1
        }
        _ = sum(root)
        return additions
    }
}
