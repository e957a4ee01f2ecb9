/// Cuts the gradient arena into the pieces that are reduced one by one, in the order in which backward completes them:
/// the tail of the arena, the last layers' gradients, first.
///
/// A bucket begins where a parameter begins and is closed once it has `bucketBytes` or more; what is left at the front
/// of the arena is the last one.
///
/// - Parameters:
///   - boundaries: where parameters start in the arena, ascending, the first 0.
///   - count: values in the arena.
package func gradientBuckets(boundaries: [Int], count: Int, bucketBytes: Int) -> [Range<Int>] {
    var buckets: [Range<Int>] = []
    var end = count
    for start in boundaries.reversed() where 4 * (end - start) >= bucketBytes && start < end {
        buckets.append(start..<end)
        end = start
    }
    if end > 0 { buckets.append(0..<end) }
    return buckets
}
