import Foundation

/// Where rank 0's lines end up.
package enum Terminal {
    /// Whether a person watches standard output on a terminal.
    ///
    /// mpirun gives its ranks pseudo-terminals wherever its own output goes, so under mpirun it is mpirun's output that
    /// is looked at; on another host than mpirun's the answer is no.
    package static var isInteractive: Bool {
        guard ProcessInfo.processInfo.environment["OMPI_COMM_WORLD_RANK"] != nil else { return isatty(STDOUT_FILENO) == 1 }
        let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(getppid())/fd/1")
        return target.map { $0.hasPrefix("/dev/pts/") || $0.hasPrefix("/dev/tty") } ?? false
    }
}
