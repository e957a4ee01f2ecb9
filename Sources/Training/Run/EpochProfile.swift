import Diagnostics
import Foundation
import MPI

/// Where the time of an epoch's steps went on each rank.
package struct EpochProfile: Sendable {
    /// One rank's sums over the epoch, in seconds and bytes.
    package struct Rank: Codable, Sendable {
        package var host: String
        package var timings: StepTimings
        /// Communication that ran behind the backward pass.
        package var hidden: Double
        package var bytesSent: Int

        package init(host: String, timings: StepTimings, hidden: Double, bytesSent: Int) {
            self.host = host
            self.timings = timings
            self.hidden = hidden
            self.bytesSent = bytesSent
        }

        /// What the rank did on its own, without waiting for others.
        package var compute: Double { timings.total - timings.communication }
    }

    package let steps: Int
    package let ranks: [Rank]

    package init(steps: Int, ranks: [Rank]) {
        self.steps = steps
        self.ranks = ranks
    }

    /// Brings the ranks' sums together on rank 0; nil elsewhere. Collective; a few hundred bytes per rank.
    package static func gather(
        _ timings: StepTimings, _ statistics: ReductionStatistics, steps: Int, communicator: Communicator
    ) throws -> EpochProfile? {
        let own = Rank(
            host: Host.name, timings: timings, hidden: statistics.hidden / .seconds(1), bytesSent: statistics.bytesSent)
        let encoded = String(decoding: try jsonBytes(own, .line), as: UTF8.self)
        guard let all = try communicator.gather(encoded) else { return nil }
        return EpochProfile(steps: steps, ranks: try all.map { try decodedJSON(Rank.self, from: $0.utf8) })
    }

    /// The rank that computes longest: the others wait for it.
    package var slowest: Int { ranks.indices.max { ranks[$0].compute < ranks[$1].compute }! }

    /// How much longer the slowest rank computes than the median one: 0.1 is a tenth.
    package var imbalance: Double {
        let middle = median(\.compute)
        return middle > 0 ? ranks[slowest].compute / middle - 1 : 0
    }

    /// Names the slowest rank if the others wait for it for more than a tenth of their time. Epochs of seconds say nothing.
    package var warning: String? {
        guard ranks.count > 1, imbalance > 0.1, median(\.timings.total) > 5 else { return nil }
        let rank = ranks[slowest]
        return "rank \(slowest) on \(rank.host) computes \(decimal(100 * imbalance, 0)) % longer than the median rank; "
            + "the others wait \(decimal(1000 * median(\.timings.communication) / Double(max(1, steps)), 0)) ms per step"
    }

    /// A table of the parts of a step: the median rank's and the longest time, and whose that is.
    package var table: String {
        let total = median(\.timings.total)
        func row(_ name: String, _ part: (Rank) -> Double) -> String {
            let longest = ranks.indices.max { part(ranks[$0]) < part(ranks[$1]) }!
            func perStep(_ seconds: Double) -> String { "\(decimal(1000 * seconds / Double(max(1, steps)), 1)) ms" }
            return "| \(name) | \(perStep(median(part))) | \(total > 0 ? percent(median(part) / total) : "") | "
                + "\(perStep(part(ranks[longest]))) (rank \(longest)) |"
        }
        return """
            | part of a step | median rank | share | longest |
            | :--- | ---: | ---: | ---: |
            \(row("waiting for data", \.timings.data))
            \(row("attack", \.timings.attack))
            \(row("forward", \.timings.forward))
            \(row("backward", \.timings.backward))
            \(row("communication, exposed", \.timings.communication))
            \(row("communication, hidden", \.hidden))
            \(row("optimizer", \.timings.optimizer))
            | sent per step | \(decimal(median { Double($0.bytesSent) } / Double(max(1, steps)) / 1e6, 2)) MB | | |
            """
    }

    /// The median rank's value.
    package func median(_ value: (Rank) -> Double) -> Double {
        ranks.map(value).median()
    }
}
