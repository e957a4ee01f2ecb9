/// How one bucket travels between ranks in a reproducible reduction. The sums are the same, bit for bit.
///
/// n is the bucket's size in bytes, W the number of ranks, each with the sums of b blocks.
package enum ExchangeMethod: Sendable, CaseIterable {
    /// Every rank sends its sums to all, and each adds up the whole bucket. One message time, (W−1)·b·n bytes sent per
    /// rank: for buckets so small that latency is all.
    case whole
    /// Rank r adds up slice r, which all send to it, and sends the result to all. Two message times as far as the network
    /// can overlap messages of different ranks, (W−1)/W·(b+1)·n bytes sent per rank: the least possible where b = 1
    /// (Chan, Heimlich, Purkayastha and van de Geijn, Concurrency and Computation 19, 2007).
    case direct
    /// Recursive halving, then doubling (Rabenseifner, ICCS 2004), nearest ranks first. 2·log₂W message times,
    /// 2·(W−1)/W·n bytes sent per rank: for many ranks. Only where these are 2ᵏ with one block each and neighbours in the
    /// tree; elsewhere `direct` is taken.
    case halving
}
