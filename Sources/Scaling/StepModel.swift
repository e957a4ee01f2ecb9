import Diagnostics

/// A model of one training step, fitted to a `ScaleRun`.
package struct StepModel: Sendable {
    /// Seconds of computation per micro-batch, by the number of ranks (times threads) that share a host: memory and
    /// power are shared too.
    package var computePerMicroBatch: [(workers: Int, seconds: Double)]
    /// The share of computation that is the backward pass of one micro-batch, in which gradients become ready.
    package var backwardShare: Double
    /// Seconds of a step that do not depend on the batch.
    package var optimizer: Double
    package var spread: Double
    package var gradientBytes: Double
    package var within: Link
    package var overlap: OverlapModel

    package static let assumptions = [
        "Computation per micro-batch is what was measured with the most ranks that had a core each; hosts are like this one.",
        "Computation varies from rank to rank and step to step like independent normal deviates with the measured spread; a step waits for the slowest rank (expected maximum, Blom).",
        "Gradients become ready evenly over the backward pass of the last micro-batch, whose share of the computation was measured; buckets are reduced one at a time while it runs.",
        "A reduction is recursive halving and doubling, nearest ranks first; within a host its latency and bandwidth are fitted to the measured reductions, between hosts they are the network's nominal figures, shared by a host's ranks.",
        "No other traffic, no congestion, no operating system noise beyond the measured spread; data loading hides behind computation.",
    ]

    /// Fits the model to the points that are not oversubscribed and have at most `largest` workers.
    ///
    /// - Throws: `Failure.badData` if none is left.
    package init(_ run: ScaleRun, upTo largest: Int = .max, bucketBytes: Double) throws {
        let points = run.points.filter { !$0.isOversubscribed && $0.workers <= largest }
        guard !points.isEmpty else {
            throw Failure.badData("all points are oversubscribed: nothing to fit a model to", remedy: "measure with at most as many ranks as cores")
        }
        func microBatches(_ point: ScalePoint) -> Double {
            Double((point.rankBatch + run.work.microBatch - 1) / run.work.microBatch)
        }
        let byWorkers = Dictionary(grouping: points, by: \.workers)
        computePerMicroBatch = byWorkers.keys.sorted().map { workers in
            (workers, byWorkers[workers]!.map { ($0.compute - $0.optimizer) * Double($0.threads) / microBatches($0) }.median())
        }
        backwardShare = points.map { $0.backward / ($0.compute - $0.optimizer) }.median()
        optimizer = points.map(\.optimizer).median()
        // What ranks wait for is how they differ at the same time; a rank alone knows only how the machine drifts.
        let together = points.filter { $0.ranks > 1 }
        spread = (together.isEmpty ? points : together).map(\.spread).median()
        gradientBytes = Double(run.gradientBytes)
        let ranks = Set(run.allreduce.map(\.ranks)).filter { $0 <= max(largest, 2) && $0 <= run.cores }.max() ?? 0
        // Alone, nothing is sent, and what a host's ranks would see is not known.
        within = Link.fit(run.allreduce, ranks: ranks) ?? Link(latency: 1e-6, bandwidth: 5e9)
        overlap = OverlapModel(bucketBytes: bucketBytes)
    }

    /// Seconds per micro-batch where `workers` share a host: linear between measured numbers, the last one beyond.
    package func compute(workers: Int) -> Double {
        guard let upper = computePerMicroBatch.firstIndex(where: { $0.workers >= workers }) else {
            return computePerMicroBatch.last!.seconds
        }
        let b = computePerMicroBatch[upper]
        guard upper > 0, b.workers > workers else { return b.seconds }
        let a = computePerMicroBatch[upper - 1]
        let share = Double(workers - a.workers) / Double(b.workers - a.workers)
        return a.seconds + share * (b.seconds - a.seconds)
    }

    /// One predicted step.
    package struct Prediction: Codable, Sendable, Hashable {
        package var ranks: Int
        package var microBatchesPerRank: Int
        package var compute: Double
        package var imbalance: Double
        package var latency: Double
        package var transfer: Double
        package var optimizer: Double

        package var seconds: Double { compute + imbalance + latency + transfer + optimizer }

        /// What keeps more ranks from helping most.
        package var bottleneck: String {
            let losses = [
                ("imbalance", imbalance), ("latency", latency), ("bandwidth", transfer), ("optimizer", optimizer),
            ]
            let worst = losses.max { $0.1 < $1.1 }!
            return worst.1 > 0.02 * seconds ? worst.0 : "none"
        }
    }

    /// A step on `ranks` ranks of one thread each with `microBatches` micro-batches in all, the ranks with most of them
    /// deciding.
    package func predict(ranks: Int, microBatches: Int, ranksPerHost: Int, between: Link) -> Prediction {
        let own = (microBatches + ranks - 1) / ranks
        let perMicroBatch = compute(workers: min(ranks, ranksPerHost))
        let compute = Double(own) * perMicroBatch
        // A rank's sum over its micro-batches varies less than one of them; the spread was measured on whole steps.
        let imbalance = compute * spread * Statistics.expectedMaximum(of: ranks)
        let exposed = overlap.exposed(
            bytes: gradientBytes, ranks: ranks, backward: perMicroBatch * backwardShare,
            model: ReductionModel(within: within, between: between, ranksPerHost: ranksPerHost))
        return Prediction(
            ranks: ranks, microBatchesPerRank: own, compute: compute, imbalance: imbalance, latency: exposed.latency,
            transfer: exposed.transfer, optimizer: optimizer)
    }
}
