internal import COpenMPI
import Diagnostics
import Foundation

/// MPI between initialisation and finalisation: what the closure given to `withSession` may use, and no longer.
///
/// ```swift
/// let accuracy = try Session.withSession(requiring: .serialized) { session in
///     try train(over: session.world)
/// }
/// ```
public struct Session {
    /// All ranks of the job.
    public let world: Communicator
    /// The ranks on this host.
    public let local: Communicator
    /// What MPI provides, at least what was required.
    public let threadLevel: ThreadLevel
    /// Who started the process.
    public let launcher: Launcher

    /// Initialises MPI, runs `body`, and finalises MPI. Collective over all ranks; at most once per process.
    ///
    /// An error that leaves `body` cannot be finalised: the other ranks may wait for this one forever. It is written to
    /// standard error, prefixed by rank and host, and `MPI_Abort` ends the job with the failure's exit code (70 for an
    /// error that is not a `Failure`); then the call does not return. Only where nobody can be left waiting, in a world
    /// of one or when all ranks agreed on the failure (`Communicator.agreeing`), MPI is finalised and the call throws
    /// `ReportedFailure`: the message has been printed, once, and the program should leave with its exit code.
    ///
    /// An end that is not an error, such as "checkpointed, run me again", is a value for `body` to return.
    ///
    /// Without a launcher the world has one rank and everything works the same.
    ///
    /// - MPI-3.1 §8.7, §12.4.3: `int MPI_Init_thread(int *argc, char ***argv, int required, int *provided)`,
    ///   `int MPI_Finalize(void)`.
    /// - Throws: `ReportedFailure`, also if the thread level is not provided or the process was started by the launcher
    ///   of another MPI.
    public static func withSession<R>(
        requiring required: ThreadLevel = .serialized, _ body: (Session) throws -> R
    ) throws(ReportedFailure) -> R {
        let state = SessionState()
        let session: Session
        do {
            session = try open(requiring: required, state: state)
        } catch {
            throw ReportedFailure(reporting: error, prefix: "")
        }
        let result: R
        do {
            result = try body(session)
            try state.requireNothingAbandoned()
            try session.close()
        } catch {
            let world = session.world
            let agreement = state.agreement(on: error, worldSize: world.size)
            let prefix = world.size == 1 ? "" : "rank \(agreement?.rank ?? world.rank) on \(agreement?.host ?? Host.name): "
            let isReporter = agreement == nil || world.rank == 0
            let reported = isReporter ? ReportedFailure(reporting: error, prefix: prefix) : ReportedFailure(error)
            guard agreement != nil || world.size == 1 else { world.abort(code: reported.exitCode) }
            try? session.close()
            throw reported
        }
        return result
    }

    private static func open(requiring required: ThreadLevel, state: SessionState) throws -> Session {
        var initialized: Int32 = 0
        try check(MPI_Initialized(&initialized), "MPI_Initialized")
        guard initialized == 0 else { throw Failure.internalError("a second MPI session was opened in one process") }

        let launcher = Launcher(environment: ProcessInfo.processInfo.environment)
        try launcher.validate(worldSize: nil)
        if launcher == .none {
            // Open MPI would start a daemon to serve MPI_Comm_spawn, which is never used here.
            setenv("OMPI_MCA_ess_singleton_isolated", "1", 0)
        }
        var provided: Int32 = 0
        try check(MPI_Init_thread(nil, nil, required.raw, &provided), "MPI_Init_thread")
        do {
            let world = try Communicator(adopting: shim_comm_world(), state: state)
            try launcher.validate(worldSize: world.size)
            let threadLevel = ThreadLevel(raw: provided)
            guard threadLevel >= required else {
                throw Failure.usage(
                    "MPI provides \(threadLevel), but \(required) is required",
                    remedy: "use an Open MPI built with thread support; `ompi_info | grep Thread` shows what it has")
            }
            return Session(world: world, local: try world.splitShared(), threadLevel: threadLevel, launcher: launcher)
        } catch {
            MPI_Finalize()
            throw error
        }
    }

    private func close() throws {
        world.state.end()
        try check(MPI_Finalize(), "MPI_Finalize")
    }

    /// Name and version of the MPI library, such as "Open MPI v4.1.4, …". Needs no session.
    ///
    /// MPI-3.1 §8.1.1: `int MPI_Get_library_version(char *version, int *resultlen)`.
    public static var libraryVersion: String {
        string(capacity: Int(MPI_MAX_LIBRARY_VERSION_STRING)) { MPI_Get_library_version($0, $1) }
    }

    /// Version of the standard that the library follows, such as (3, 1). Needs no session.
    ///
    /// MPI-3.1 §8.1.1: `int MPI_Get_version(int *version, int *subversion)`.
    public static var standardVersion: (major: Int, minor: Int) {
        var major: Int32 = 0
        var minor: Int32 = 0
        MPI_Get_version(&major, &minor)
        return (Int(major), Int(minor))
    }
}
