import Diagnostics
import Foundation
import MPI
import Synchronization

/// Ends a job that makes no progress, and says which rank holds it up.
///
/// A thread on each rank looks at its own heartbeat, writes it into the run's folder now and then, and acts when it has
/// not changed for too long: every rank that still can says where it is; then rank by rank the last word of those that
/// said nothing (stopped, or cut off) is read from the folder. The job ends with exit code 70, which makes the launcher
/// end the other ranks. The thread calls no MPI: the rank's own thread may hang in it.
package final class Watchdog: Sendable {
    private let heartbeat: Heartbeat
    private let rank: Int
    private let size: Int
    private let folder: String
    private let limit: Double
    private let isStopped = Atomic(false)

    /// Starts watching, unless `minutes` is 0.
    ///
    /// - Parameters:
    ///   - folder: the run's folder, on all ranks; where it is not shared, silent ranks on other hosts stay unexplained.
    package init(_ heartbeat: Heartbeat, communicator: Communicator, folder: String, minutes: Double) {
        self.heartbeat = heartbeat
        rank = communicator.rank
        size = communicator.size
        self.folder = folder + "/.heartbeat"
        limit = minutes * 60
        guard minutes > 0, communicator.size > 1 else { return }
        try? FileManager.default.createDirectory(atPath: self.folder, withIntermediateDirectories: true)
        let thread = Thread { [self] in watch() }
        thread.name = "watchdog"
        thread.start()
    }

    /// Stops watching, and removes this rank's word from the folder.
    package func stop() {
        isStopped.store(true, ordering: .relaxed)
        try? FileManager.default.removeItem(atPath: file(rank))
        rmdir(folder)
    }

    private func watch() {
        let pause = min(max(limit / 20, 0.05), 5)
        // Many ranks on a shared file system had better not write often.
        let interval = size <= 64 ? min(4 * pause, 1) : 4 * pause
        var last = heartbeat.count
        var changed = monotonicSeconds()
        var written = -Double.infinity
        while !isStopped.load(ordering: .relaxed) {
            let now = monotonicSeconds()
            if heartbeat.count != last {
                last = heartbeat.count
                changed = now
            }
            if now - written > interval {
                written = now
                try? Data(status.utf8).write(to: URL(fileURLWithPath: file(rank)))
            }
            if now - changed > limit { giveUp(after: now - changed) }
            Thread.sleep(forTimeInterval: min(pause, interval))
        }
    }

    private var status: String { "on \(Host.name), step \(heartbeat.step), \(heartbeat.phase.text)" }

    private func giveUp(after seconds: Double) -> Never {
        say("rank \(rank) \(status): no progress for \(duration(seconds)) (communication.watchdogMinutes)")
        // Everybody's own word first; then one of those who are left speaks for the others.
        try? Data("\(status)\(Self.reported)".utf8).write(to: URL(fileURLWithPath: file(rank)))
        Thread.sleep(forTimeInterval: min(max(limit / 4, 0.5), 10))
        let words = (0..<size).map { try? String(contentsOfFile: file($0), encoding: .utf8) }
        if words.firstIndex(where: { $0?.hasSuffix(Self.reported) == true }) == rank { speak(for: words) }
        LingeringLauncher.end(after: min(max(limit, 2), 20))
        _exit(Failure.Kind.internalError.rawValue)
    }

    /// Follows the last word of a rank that has said it itself, as far as its host is still connected.
    private static let reported = " (and found no progress)"

    private func speak(for words: [String?]) {
        let silent = words.indices.filter { words[$0]?.hasSuffix(Self.reported) != true }
        for other in silent {
            say("rank \(other) says nothing; last heard of \(words[other] ?? "never"): it is probably the one that holds up the job")
        }
        guard silent.isEmpty else { return }
        // What ranks on a host that is cut off say may not reach anybody.
        say("all ranks wait for one another: a connection between them is probably broken")
        for other in words.indices.filter({ $0 != rank }).prefix(16) { say("rank \(other) was last seen \(words[other]!)") }
    }

    private func say(_ text: String) { Output.complain(text) }

    private func file(_ rank: Int) -> String { "\(folder)/rank-\(rank)" }
}
