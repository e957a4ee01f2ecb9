// mpi-fixture <scenario> [arguments]: small multi-rank programs that check their own results.
//
// A scenario that finds something wrong throws; then the job ends as any session with an error does. One that finds
// all well prints "ok" from rank 0.

import Diagnostics
import Foundation
import MPI

let scenarios: [String: Scenario] = collectiveScenarios.merging(messageScenarios) { $1 }
    .merging(sessionScenarios) { $1 }
    .merging(reductionScenarios) { $1 }

guard CommandLine.arguments.count > 1, let scenario = scenarios[CommandLine.arguments[1]] else {
    print("scenarios: \(scenarios.keys.sorted().joined(separator: " "))")
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
