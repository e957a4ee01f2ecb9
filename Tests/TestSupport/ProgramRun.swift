import Foundation

/// What a program that a test started did.
package struct ProgramRun: Sendable, CustomStringConvertible {
    /// Exit code, or 128 + signal number.
    package let status: Int32
    package let output: String
    package let errors: String
    package let timedOut: Bool
    package let seconds: Double

    package var description: String {
        "status \(status)\(timedOut ? " (timed out)" : "") after \(seconds) s\n--- stdout\n\(output)\n--- stderr\n\(errors)"
    }

    /// Runs `executable` (a path, or a name found in PATH) and waits for it.
    ///
    /// - Parameters:
    ///   - environment: added to this process's; an empty value removes the variable.
    ///   - timeout: in seconds; then the program gets SIGTERM, and SIGKILL three seconds later.
    package static func of(
        _ executable: String, _ arguments: [String], environment: [String: String] = [:], directory: URL? = nil,
        timeout: Double = 60
    ) throws -> ProgramRun {
        // Files, not pipes: a grandchild that lives on would keep a pipe open, and a full one would stop the program.
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("run-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let outputFile = folder.appendingPathComponent("stdout")
        let errorFile = folder.appendingPathComponent("stderr")
        try Data().write(to: outputFile)
        try Data().write(to: errorFile)

        let process = Process()
        // A thread of Dispatch, which this may be, blocks SIGTERM, and whatever it starts would inherit that.
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["--default-signal", executable] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }.filter { !$1.isEmpty }
        process.currentDirectoryURL = directory
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: outputFile)
        process.standardError = try FileHandle(forWritingTo: errorFile)

        let ended = DispatchSemaphore(value: 0)
        process.terminationHandler = { _ in ended.signal() }
        let start = ContinuousClock.now
        try process.run()
        var timedOut = false
        if ended.wait(timeout: .now() + timeout) == .timedOut {
            timedOut = true
            process.terminate()
            if ended.wait(timeout: .now() + 3) == .timedOut {
                kill(process.processIdentifier, SIGKILL)
                ended.wait()
            }
        }
        let elapsed = (ContinuousClock.now - start).components
        return ProgramRun(
            status: process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus,
            output: try String(decoding: Data(contentsOf: outputFile), as: UTF8.self),
            errors: try String(decoding: Data(contentsOf: errorFile), as: UTF8.self),
            timedOut: timedOut, seconds: Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18)
    }

    /// Runs `program` on `ranks` ranks of this machine under mpirun, with MPI's parameter checks on.
    ///
    /// - Parameter options: further options of mpirun, such as `--mca name value`.
    package static func mpirun(
        ranks: Int, _ program: String, _ arguments: [String], options: [String] = [], environment: [String: String] = [:],
        directory: URL? = nil, timeout: Double = 60
    ) throws -> ProgramRun {
        try of(
            "mpirun", ["-n", "\(ranks)", "--oversubscribe"] + options + [program] + arguments,
            environment: launchEnvironment.merging(environment) { $1 }, directory: directory, timeout: timeout)
    }

    /// What lets mpirun work in a container, as root, with more ranks than cores.
    package static let launchEnvironment = [
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "OMPI_MCA_mpi_param_check": "1",
        "OMPI_MCA_mpi_yield_when_idle": "1",
        "OMPI_MCA_hwloc_base_binding_policy": "none",
        "OMPI_MCA_btl_vader_single_copy_mechanism": "none",
    ]
}

/// The path of an executable that was built together with the tests.
package func builtProgram(_ name: String) throws -> String {
    let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    let path = URL(fileURLWithPath: tests).deletingLastPathComponent().appendingPathComponent(name).path
    guard FileManager.default.isExecutableFile(atPath: path) else { throw MissingProgram(path: path) }
    return path
}

/// A program that should stand beside the tests and does not.
package struct MissingProgram: Error, CustomStringConvertible {
    let path: String
    package var description: String { "\(path) is not built: the test target must depend on it" }
}
