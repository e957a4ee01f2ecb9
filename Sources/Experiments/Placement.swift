import Diagnostics
import Foundation
import MPI

/// Where a rank may compute: what `doctor` shows, and `train` warns of.
package struct Placement: Codable, Sendable {
    package let rank: Int
    package let host: String
    /// Cores of the host.
    package let cores: Int
    /// The cores that this process may run on.
    package let affinity: [Int]
    /// Cores' worth of time that its cgroup may use; nil without a limit.
    package let quota: Double?
    package let memory: UInt64
    package let blasThreads: String

    package init(rank: Int, host: String, cores: Int, affinity: [Int], quota: Double?, memory: UInt64 = 0, blasThreads: String = "") {
        self.rank = rank
        self.host = host
        self.cores = cores
        self.affinity = affinity
        self.quota = quota
        self.memory = memory
        self.blasThreads = blasThreads
    }

    /// This process's own, gathered on rank 0; nil elsewhere. Collective.
    package static func gather(_ world: Communicator) throws -> [Placement]? {
        let own = Placement(
            rank: world.rank, host: Host.name, cores: ProcessInfo.processInfo.processorCount, affinity: currentAffinity(),
            quota: CPUQuota.current(), memory: ProcessInfo.processInfo.physicalMemory,
            blasThreads: ProcessInfo.processInfo.environment["OPENBLAS_NUM_THREADS"] ?? "unset")
        guard let texts = try world.gather(String(decoding: try jsonBytes(own, .line), as: UTF8.self)) else { return nil }
        return try texts.map { try decodedJSON(Placement.self, from: $0.utf8) }
    }

    /// What is wrong with ranks of `threads` threads each.
    package static func warnings(_ placements: [Placement], threads: Int) -> [String] {
        var warnings: [String] = []
        for (host, ranks) in Dictionary(grouping: placements, by: \.host).sorted(by: { $0.key < $1.key }) {
            let (cores, wanted) = (ranks[0].cores, ranks.count * threads)
            if wanted > cores {
                warnings.append(
                    "\(host): \(ranks.count) rank(s) of \(threads) thread(s) on \(cores) cores is oversubscribed; start at most \(max(1, cores / threads)) there, or fewer threads")
            }
            if let quota = ranks.compactMap(\.quota).min(), wanted <= cores, Double(wanted) > quota + 0.05 {
                warnings.append(
                    "\(host): \(ranks.count) rank(s) of \(threads) thread(s), but the cgroup (container, job) may use \(decimal(quota, 1)) cores only; start fewer, or raise its CPU limit")
            }
            for rank in ranks where !rank.affinity.isEmpty && rank.affinity.count < threads && wanted <= cores {
                warnings.append(
                    "rank \(rank.rank) on \(host) is bound to \(rank.affinity.count) core(s) but runs \(threads) threads, which share them; use --map-by slot:PE=\(threads) --bind-to core")
            }
            let bound = ranks.filter { $0.affinity.count < cores }
            if wanted <= cores, bound.count > 1, Set(bound.flatMap(\.affinity)).count < bound.count * threads {
                warnings.append("\(host): ranks share cores although there are enough; use --map-by slot:PE=\(threads) --bind-to core")
            }
        }
        return warnings
    }

    /// The cores this process may run on, as Linux tells them.
    private static func currentAffinity() -> [Int] {
        guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("Cpus_allowed_list:") })
        else { return [] }
        return line.dropFirst("Cpus_allowed_list:".count).split(separator: ",").flatMap { part -> [Int] in
            let ends = part.split(separator: "-").compactMap { Int($0.trimmingCharacters(in: .whitespaces)) }
            return ends.count == 2 && ends[0] <= ends[1] ? Array(ends[0]...ends[1]) : ends
        }
    }
}
