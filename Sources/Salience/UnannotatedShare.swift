import Kernels

/// Which samples are to be treated as if nobody had annotated them, to study how much annotation is needed.
///
/// The choice depends on the seed and the number of samples only, not on ranks or order; with the same seed, the samples
/// of a smaller share are among those of a larger one.
///
/// - Parameters:
///   - share: 0 to 1; exactly `(share · count).rounded()` samples are chosen.
/// - Returns: for each sample, whether its map is to be zeroed. O(count).
package func unannotatedSamples(share: Double, count: Int, seed: UInt64) -> [Bool] {
    precondition((0...1).contains(share), "a share of \(share)")
    var chosen = [Bool](repeating: false, count: count)
    for sample in Philox(seed: seed, purpose: .unannotated).permutation(count).prefix(Int((share * Double(count)).rounded())) {
        chosen[sample] = true
    }
    return chosen
}
