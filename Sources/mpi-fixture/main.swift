// mpi-fixture <scenario> [arguments]: small multi-rank programs that check their own results.
//
// A scenario that finds something wrong throws; then the job ends as any session with an error does. One that finds
// all well prints "ok" from rank 0.

import Diagnostics
import Foundation
import Kernels
import MPI

let scenarios: [String: Scenario] = collectiveScenarios.merging(messageScenarios) { $1 }
    .merging(sessionScenarios) { $1 }
    .merging(reductionScenarios) { $1 }
    .merging(allocationScenarios) { $1 }
    .merging(goldenScenarios) { $1 }

/// `mpi-fixture checks <scenario> …` runs several in one launch, at the highest thread level.
let several = Scenario(threadLevel: .multiple) { session, names in
    for name in names {
        guard let scenario = scenarios[name] else { throw Failure.usage("no scenario '\(name)'") }
        if session.world.rank == 0 { FileHandle.standardError.write(Data("scenario \(name)\n".utf8)) }
        let code = try scenario.run(session, [])
        guard code == 0 else { return code }
    }
    return 0
}

// As the program does.
GEMM.useOneThread()
let name = CommandLine.arguments.dropFirst().first ?? ""
guard let scenario = name == "checks" ? several : scenarios[name] else {
    print("scenarios: checks \(scenarios.keys.sorted().joined(separator: " "))")
    exit(Failure.Kind.usage.rawValue)
}
do {
    let code = try Session.withSession(requiring: scenario.threadLevel) { session in
        let code = try scenario.run(session, Array(CommandLine.arguments.dropFirst(2)))
        if session.world.rank == 0 { print("ok") }
        return code
    }
    exit(code)
} catch {
    exit(error.exitCode)
}
