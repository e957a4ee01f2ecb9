/// What a gradient reduction costs on hosts of `ranksPerHost` ranks.
///
/// Recursive halving and doubling, nearest ranks first, as `GradientReducer` does it for more than eight ranks, and what
/// its direct exchange costs too as long as messages overlap: n bytes travel 2·(1 − 1/R)·n per rank within a host of R
/// ranks, then 2·(1 − R/W)·n per host over the network, whose ranks share it. Latency is paid once per round.
package struct ReductionModel: Sendable {
    package var within: Link
    package var between: Link
    package var ranksPerHost: Int

    package init(within: Link, between: Link, ranksPerHost: Int) {
        self.within = within
        self.between = between
        self.ranksPerHost = ranksPerHost
    }

    /// Seconds of latency and of transfer for `bytes` on `ranks` ranks.
    package func cost(bytes: Double, ranks: Int) -> (latency: Double, transfer: Double) {
        let local = min(ranks, ranksPerHost)
        let hosts = (ranks + local - 1) / local
        let latency = 2 * Double(log2Ceiling(local)) * within.latency + 2 * Double(log2Ceiling(hosts)) * between.latency
        var transfer = 2 * (1 - 1 / Double(local)) * bytes / within.bandwidth
        if hosts > 1 { transfer += 2 * (1 - 1 / Double(hosts)) * bytes / between.bandwidth }
        return (latency, transfer)
    }

    /// For comparison: a ring over all ranks, 2·(W − 1) rounds of n / W bytes, each as slow as its slowest link.
    package func ring(bytes: Double, ranks: Int) -> Double {
        let slowest = ranks > ranksPerHost ? between : within
        return 2 * Double(ranks - 1) * (slowest.latency + bytes / Double(ranks) / slowest.bandwidth)
    }

    /// For comparison: a binary tree that sums whole buckets to one rank and sends them back.
    package func tree(bytes: Double, ranks: Int) -> Double {
        let local = min(ranks, ranksPerHost)
        let hosts = (ranks + local - 1) / local
        return 2 * Double(log2Ceiling(local)) * (within.latency + bytes / within.bandwidth)
            + 2 * Double(log2Ceiling(hosts)) * (between.latency + bytes / between.bandwidth)
    }
}

/// Buckets that become ready one after the other while the backward pass of the last micro-batch runs, and are reduced
/// one at a time.
package struct OverlapModel: Sendable {
    package var bucketBytes: Double

    package init(bucketBytes: Double) { self.bucketBytes = bucketBytes }

    /// Communication that is left when the backward pass is over: its latency and transfer, in seconds.
    ///
    /// - Parameter backward: seconds over which `bytes` of gradients become ready, evenly.
    package func exposed(bytes: Double, ranks: Int, backward: Double, model: ReductionModel) -> (latency: Double, transfer: Double) {
        guard ranks > 1, bytes > 0 else { return (0, 0) }
        let buckets = max(1, Int((bytes / bucketBytes).rounded(.up)))
        let each = bytes / Double(buckets)
        let cost = model.cost(bytes: each, ranks: ranks)
        var end = 0.0
        for i in 1...buckets {
            end = max(end, backward * Double(i) / Double(buckets)) + cost.latency + cost.transfer
        }
        let left = max(0, end - backward)
        let whole = cost.latency + cost.transfer
        return whole > 0 ? (left * cost.latency / whole, left * cost.transfer / whole) : (0, 0)
    }
}
