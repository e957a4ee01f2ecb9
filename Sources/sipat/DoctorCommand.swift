import ArgumentParser
import Diagnostics
import Experiments
import Foundation
import Kernels
import MPI

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Say what the machine and the launch look like, and what is wrong with them.",
        discussion: "mpirun -n 2 sipat doctor --threads 1")

    @Option(help: "Threads per rank that a run would use.")
    var threads = 1

    func run() throws {
        try Session.withSession { session in
            let world = session.world
            guard let reports = try Placement.gather(world) else { return }
            let warnings = Placement.warnings(reports, threads: threads)
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

    private func launch(_ reports: [Placement]) -> String {
        var text = "\n| rank | host | cores of the host | cores it may use | CPU limit | threads |\n| ---: | :--- | ---: | :--- | ---: | ---: |"
        for report in reports {
            text += "\n| \(report.rank) | \(report.host) | \(report.cores) | \(Self.ranges(report.affinity)) | \(report.quota.map { decimal($0, 1) } ?? "none") | \(threads) |"
        }
        return text
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
