import ArgumentParser
import Diagnostics
import Foundation
import Kernels
import MPI

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Say what the machine and the launch look like, and what is wrong with them.",
        discussion: "mpirun -n 2 sipat doctor --threads 1")

    @Option(help: "Threads per rank that a run would use.")
    var threads = 1

    /// What one rank sees of itself.
    private struct RankReport: Codable {
        let rank: Int
        let host: String
        let cores: Int
        let affinity: [Int]
        let memory: UInt64
        let blasThreads: String
    }

    func run() throws {
        try Session.withSession { session in
            let world = session.world
            let report = RankReport(
                rank: world.rank, host: Host.name, cores: ProcessInfo.processInfo.processorCount, affinity: Self.affinity(),
                memory: ProcessInfo.processInfo.physicalMemory,
                blasThreads: ProcessInfo.processInfo.environment["OPENBLAS_NUM_THREADS"] ?? "unset")
            let text = String(decoding: try jsonBytes(report, .line), as: UTF8.self)
            guard let texts = try world.gather(text) else { return }
            let reports = try texts.map { try decodedJSON(RankReport.self, from: $0.utf8) }
            let warnings = warnings(reports)
            let verdict = warnings.isEmpty ? "Nothing to complain about." : warnings.map { "warning: \($0)" }.joined(separator: "\n")
            try Output.result("\(machine(session))\n\(launch(reports))\n\n\(verdict)")
        }
    }

    private func machine(_ session: Session) -> String {
        let version = Session.libraryVersion.split(whereSeparator: { $0 == "," || $0 == "\n" }).first.map(String.init) ?? "unknown"
        let standard = Session.standardVersion
        let compiled = CPU.compiledFor.isEmpty ? "the compiler's baseline" : CPU.compiledFor.joined(separator: " ")
        let unused = ["avx2", "fma", "avx512f"].filter { CPU.here?.features.contains($0) == true && !CPU.compiledFor.contains($0) }
        return """
            | what | found |
            | :--- | :--- |
            | MPI | \(version), standard \(standard.major).\(standard.minor), thread level \(session.threadLevel), started by \(session.launcher) |
            | BLAS | \(GEMM.configuration), kernels for \(GEMM.coreType) |
            | CPU | \(CPU.here?.model ?? "unknown") |
            | compiled for | \(compiled)\(unused.isEmpty ? "" : " (this CPU also has \(unused.joined(separator: " ")): rebuild with SIPAT_MARCH=native)") |
            | ranks | \(session.world.size) on \(session.world.size / max(1, session.local.size)) host(s) like this one |
            """
    }

    private func launch(_ reports: [RankReport]) -> String {
        var text = "\n| rank | host | cores of the host | cores it may use | threads |\n| ---: | :--- | ---: | :--- | ---: |"
        for report in reports {
            text += "\n| \(report.rank) | \(report.host) | \(report.cores) | \(Self.ranges(report.affinity)) | \(threads) |"
        }
        return text
    }

    private func warnings(_ reports: [RankReport]) -> [String] {
        var warnings: [String] = []
        for (host, ranks) in Dictionary(grouping: reports, by: \.host).sorted(by: { $0.key < $1.key }) {
            let cores = ranks[0].cores
            if ranks.count * threads > cores {
                warnings.append(
                    "\(host): \(ranks.count) ranks of \(threads) thread(s) on \(cores) cores is oversubscribed; start at most \(cores / threads) ranks there")
            }
            for rank in ranks where rank.affinity.count < threads {
                warnings.append(
                    "rank \(rank.rank) on \(host) is bound to \(rank.affinity.count) core(s) but would run \(threads) threads; use --map-by slot:PE=\(threads) --bind-to core")
            }
            let bound = ranks.filter { $0.affinity.count < cores }
            if ranks.count * threads <= cores, bound.count > 1, Set(bound.flatMap(\.affinity)).count < bound.count * threads {
                warnings.append("\(host): ranks share cores although there are enough; use --map-by slot:PE=\(threads) --bind-to core")
            }
        }
        return warnings
    }

    /// The cores this process may run on, as Linux tells them.
    private static func affinity() -> [Int] {
        guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("Cpus_allowed_list:") })
        else { return [] }
        return line.dropFirst("Cpus_allowed_list:".count).split(separator: ",").flatMap { part -> [Int] in
            let ends = part.split(separator: "-").compactMap { Int($0.trimmingCharacters(in: .whitespaces)) }
            return ends.count == 2 ? Array(ends[0]...ends[1]) : ends
        }
    }

    /// Ascending numbers as people write them: 0-3,8.
    private static func ranges(_ numbers: [Int]) -> String {
        var parts: [ClosedRange<Int>] = []
        for number in numbers {
            if let last = parts.last, last.upperBound + 1 == number {
                parts[parts.count - 1] = last.lowerBound...number
            } else {
                parts.append(number...number)
            }
        }
        return parts.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: ",")
    }
}
