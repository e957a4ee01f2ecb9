import Diagnostics
import Foundation

/// Predicted scaling on named networks. Everything here is a prediction; only `heldOut` compares with measurements.
package struct ScalePrediction: Codable, Sendable {
    package struct Row: Codable, Sendable, Hashable {
        package var step: StepModel.Prediction
        package var imagesPerSecond: Double
        /// Speed per rank as a share of one rank's.
        package var efficiency: Double
        /// What would have been the same reduction as a ring and as a binary tree, without overlap, in seconds.
        package var ring: Double
        package var tree: Double
        /// Strong scaling: more ranks than micro-batches, so that some have nothing to do.
        package var hasIdleRanks: Bool

        package var bottleneck: String { hasIdleRanks ? "too few micro-batches" : step.bottleneck }
    }

    package struct Series: Codable, Sendable {
        package var network: Network
        package var scaling: ScalePoint.Scaling
        package var rows: [Row]
        /// The most ranks, of powers of two, whose efficiency is good enough.
        package var largestEfficient: Int
    }

    /// A measured point that the model was not fitted to.
    package struct HeldOut: Codable, Sendable, Hashable {
        package var scaling: ScalePoint.Scaling
        package var ranks: Int
        package var measured: Double
        package var predicted: Double
        package var error: Double { predicted / measured - 1 }
    }

    package struct Settings: Sendable {
        package var networks: [Network]
        package var ranksPerHost: Int
        package var globalBatch: Int
        package var rankBatch: Int
        package var largest: Int
        /// What counts as efficient.
        package var efficiency: Double
        package var bucketBytes: Double

        package init(
            networks: [Network], ranksPerHost: Int, globalBatch: Int, rankBatch: Int, largest: Int = 4096,
            efficiency: Double = 0.8, bucketBytes: Double
        ) {
            self.networks = networks
            self.ranksPerHost = ranksPerHost
            self.globalBatch = globalBatch
            self.rankBatch = rankBatch
            self.largest = largest
            self.efficiency = efficiency
            self.bucketBytes = bucketBytes
        }
    }

    package var kind = "prediction, not a measurement"
    package var assumptions: [String]
    package var ranksPerHost: Int
    package var globalBatch: Int
    package var rankBatch: Int
    package var microBatch: Int
    package var efficiency: Double
    package var within: Link
    package var spread: Double
    package var heldOut: [HeldOut]
    package var series: [Series]

    /// Fits the model, checks it on what it has not seen, and extrapolates in powers of two.
    ///
    /// - Throws: `Failure.badData` if the run has no usable points.
    package init(_ run: ScaleRun, _ settings: Settings) throws {
        let model = try StepModel(run, bucketBytes: settings.bucketBytes)
        assumptions = StepModel.assumptions
        ranksPerHost = settings.ranksPerHost
        globalBatch = settings.globalBatch
        rankBatch = settings.rankBatch
        microBatch = run.work.microBatch
        efficiency = settings.efficiency
        within = model.within
        spread = model.spread
        heldOut = try Self.check(run, settings)
        series = settings.networks.flatMap { network in
            ScalePoint.Scaling.allCases.map {
                Self.extrapolate(model, network, $0, settings, microBatch: run.work.microBatch)
            }
        }
    }

    /// Every measured number of ranks is predicted from the points with fewer.
    private static func check(_ run: ScaleRun, _ settings: Settings) throws -> [HeldOut] {
        let usable = run.points.filter { !$0.isOversubscribed && $0.threads == 1 }
        let counts = Set(usable.map(\.workers)).sorted()
        return try counts.dropFirst().flatMap { count in
            let model = try StepModel(run, upTo: counts.last { $0 < count }!, bucketBytes: settings.bucketBytes)
            return usable.filter { $0.workers == count }.map { point in
                let microBatches = (point.rankBatch + run.work.microBatch - 1) / run.work.microBatch * point.ranks
                let predicted = model.predict(
                    ranks: point.ranks, microBatches: microBatches, ranksPerHost: point.ranks, between: model.within)
                return HeldOut(
                    scaling: point.scaling, ranks: point.ranks, measured: point.stepSeconds, predicted: predicted.seconds)
            }
        }
    }

    private static func extrapolate(
        _ model: StepModel, _ network: Network, _ scaling: ScalePoint.Scaling, _ settings: Settings, microBatch: Int
    ) -> Series {
        func microBatches(_ batch: Int) -> Int { (batch + microBatch - 1) / microBatch }
        let reduction = ReductionModel(within: model.within, between: network.link, ranksPerHost: settings.ranksPerHost)
        var rows: [Row] = []
        var ranks = 1
        while ranks <= settings.largest {
            let batch = scaling == .strong ? settings.globalBatch : settings.rankBatch * ranks
            let total = scaling == .strong ? microBatches(batch) : microBatches(settings.rankBatch) * ranks
            let step = model.predict(
                ranks: ranks, microBatches: total, ranksPerHost: settings.ranksPerHost, between: network.link)
            let speed = Double(batch) / step.seconds
            rows.append(
                Row(
                    step: step, imagesPerSecond: speed,
                    efficiency: rows.isEmpty ? 1 : speed / Double(ranks) / rows[0].imagesPerSecond,
                    ring: reduction.ring(bytes: model.gradientBytes, ranks: ranks),
                    tree: reduction.tree(bytes: model.gradientBytes, ranks: ranks), hasIdleRanks: ranks > total))
            ranks *= 2
        }
        return Series(
            network: network, scaling: scaling, rows: rows,
            largestEfficient: rows.last { $0.efficiency >= settings.efficiency }?.step.ranks ?? 1)
    }

    // MARK: - As text

    package var text: String {
        var lines = [
            "PREDICTION, not a measurement. \(ranksPerHost) ranks per host; strong scaling: \(globalBatch) images per step; "
                + "weak: \(rankBatch) per rank; micro-batches of \(microBatch).",
            "Within a host: latency \(decimals(within.latency * 1e6, 1)) µs, \(decimals(within.bandwidth / 1e9, 2)) GB/s; "
                + "computation varies by \(decimals(100 * spread, 1)) %.",
            "", "Assumptions:",
        ]
        lines += assumptions.map { "- \($0)" }
        lines += ["", "Check on points that the model was not fitted to:"]
        if heldOut.isEmpty { lines.append("none: only one number of ranks was measured") }
        if !heldOut.isEmpty {
            lines += ["| scaling | ranks | measured | predicted | error |", "| :--- | ---: | ---: | ---: | ---: |"]
            lines += heldOut.map {
                "| \($0.scaling.rawValue) | \($0.ranks) | \(decimals($0.measured, 3)) s | \(decimals($0.predicted, 3)) s | \(decimals(100 * $0.error, 1)) % |"
            }
        }
        for one in series {
            lines += [
                "", "\(one.network.title), \(one.scaling.rawValue) scaling: efficient (≥ \(decimals(efficiency, 2))) up to \(one.largestEfficient) ranks",
                "| ranks | step | images/s | efficiency | exposed communication | bottleneck |",
                "| ---: | ---: | ---: | ---: | ---: | :--- |",
            ]
            lines += one.rows.map {
                "| \($0.step.ranks) | \(decimals($0.step.seconds, 3)) s | \(decimals($0.imagesPerSecond, 0)) | \(decimals($0.efficiency, 2)) "
                    + "| \(decimals(1000 * ($0.step.latency + $0.step.transfer), 1)) ms | \($0.bottleneck) |"
            }
        }
        return lines.joined(separator: "\n")
    }
}

func decimals(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }
