/// Where the activations and gradients of a pass lie in one block of memory: two tensors share a place when they are
/// never needed at the same time.
struct MemoryPlan {
    /// A tensor's size and the first and last moment it is needed.
    struct Lifetime {
        var count: Int
        var first: Int
        var last: Int
    }

    /// Offsets in floats, multiples of 16; nil for tensors that were not asked for.
    private(set) var offsets: [Int]
    private(set) var count = 0

    /// Greedy: the largest tensor first, each at the lowest place where it meets no contemporary. O(n²).
    init(_ lifetimes: [Lifetime]) {
        offsets = [Int](repeating: 0, count: lifetimes.count)
        var placed: [Int] = []
        for index in lifetimes.indices.sorted(by: { (lifetimes[$0].count, $1) > (lifetimes[$1].count, $0) }) {
            let tensor = lifetimes[index]
            guard tensor.count > 0 else { continue }
            let size = (tensor.count + 15) & ~15
            var offset = 0
            for other in placed.sorted(by: { offsets[$0] < offsets[$1] })
            where lifetimes[other].first <= tensor.last && tensor.first <= lifetimes[other].last {
                if offset + size <= offsets[other] { break }
                offset = max(offset, offsets[other] + ((lifetimes[other].count + 15) & ~15))
            }
            offsets[index] = offset
            placed.append(index)
            count = max(count, offset + size)
        }
    }
}
