import Foundation

/// mpirun and its daemons wait for hosts that do not answer any more, without end. A rank that gives up leaves word to end
/// them.
enum LingeringLauncher {
    private static let names: Set<String> = ["mpirun", "orterun", "mpiexec", "orted"]

    /// Ends the process that started this one, if it is Open MPI's and still there after `seconds`. By force: it has had its
    /// chance to end, and asked politely again it crashes.
    static func end(after seconds: Double) {
        let parent = getppid()
        guard let name = try? String(contentsOfFile: "/proc/\(parent)/comm", encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines),
            names.contains(name)
        else { return }
        // In a session of its own, for Open MPI ends all that this process has started.
        let script = """
            sleep \(seconds)
            [ "$(cat /proc/\(parent)/comm 2>/dev/null)" != \(name) ] || kill -KILL \(parent)
            """
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["setsid", "sh", "-c", script]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try? process.run()
    }
}
