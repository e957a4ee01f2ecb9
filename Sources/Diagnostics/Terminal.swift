import Foundation

/// Where rank 0's lines end up.
///
/// mpirun gives its ranks pseudo-terminals wherever its own output goes, so under mpirun it is mpirun's output that is
/// looked at; on another host than mpirun's the answer is that nobody watches.
package enum Terminal {
    /// Whether a person watches standard output on a terminal.
    package static var isInteractive: Bool {
        guard isUnderMPIRun else { return isatty(STDOUT_FILENO) == 1 }
        return launcherTerminal != nil
    }

    /// Columns of that terminal; 80 where there is none, or it does not say.
    package static var width: Int {
        var size = winsize()
        if !isUnderMPIRun {
            return ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
        }
        guard let path = launcherTerminal else { return 80 }
        let descriptor = open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { return 80 }
        defer { close(descriptor) }
        return ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
    }

    private static var isUnderMPIRun: Bool { ProcessInfo.processInfo.environment["OMPI_COMM_WORLD_RANK"] != nil }

    /// The terminal that mpirun, the parent of this process, writes to.
    private static var launcherTerminal: String? {
        let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(getppid())/fd/1")
        return target.flatMap { $0.hasPrefix("/dev/pts/") || $0.hasPrefix("/dev/tty") ? $0 : nil }
    }
}
