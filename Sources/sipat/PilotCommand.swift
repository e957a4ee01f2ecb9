import ArgumentParser
import Diagnostics
import MPI
import Pilot
import Training

struct PilotCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pilot",
        abstract: "Find out on your own images whether SIP-AT is worth it: plan, run, report.",
        discussion: """
            mpirun -n 2 sipat pilot plan --data steel.pack --maps steel-boxes --budget 2h --output pilot
            mpirun -n 2 sipat pilot run pilot
            sipat pilot report pilot --language ja
            """,
        subcommands: [PilotPlanCommand.self, PilotRunCommand.self, PilotReportCommand.self, PilotExportCommand.self, PilotCompareCommand.self])
}

struct PilotRunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Do what a plan says, or go on with it.",
        discussion: """
            Killed at any moment it goes on where it was, on any number of ranks, to the same report. Finished parts are not done again \
            (ledger.json). A signal, or a file stop in the pilot's folder between two parts, ends it with 75.
            """)

    @Argument(help: "The pilot's folder.")
    var pilot: String
    @Option(help: "Threads per rank.")
    var threads = 1

    mutating func validate() throws { pilot = try expandingTilde(pilot) }

    func run() throws {
        StopRequest.watchSignals()
        let outcome = try Session.withSession { session -> PilotRun.Outcome in
            let run = try session.world.agreeing { () -> PilotRun in
                guard threads >= 1, threads <= 1024 else { throw Failure.usage("--threads is \(threads), expected 1 to 1024") }
                return PilotRun(pilot, threads: threads, program: Sipat.configuration.version)
            }
            let outcome = try run.run(communicator: session.world, local: session.local)
            if session.world.rank == 0 {
                if case .finished = outcome {
                    try Output.result("done; now: sipat pilot report \(shellQuoted(pilot))")
                } else {
                    Output.progress("stopped; go on with: sipat pilot run \(shellQuoted(pilot))\n")
                }
            }
            return outcome
        }
        if case .stopped = outcome { throw ExitCode(Failure.Kind.requeue.rawValue) }
    }
}
