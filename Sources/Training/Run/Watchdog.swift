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
    /// Where ranks leave word, and how long they may make no progress, in seconds; 0 for ever.
    private let place: Mutex<(folder: String?, limit: Double)>
    private let isStopped = Atomic(false)

    /// Starts watching, before the recipe is known with the standard limit and without word in the run's folder.
    package init(_ heartbeat: Heartbeat, communicator: Communicator, minutes: Double = 10) {
        self.heartbeat = heartbeat
        rank = communicator.rank
        size = communicator.size
        place = Mutex((nil, minutes * 60))
        guard communicator.size > 1 else { return }
        let thread = Thread { [self] in watch() }
        thread.name = "watchdog"
        thread.start()
    }

    /// Goes on with what the recipe says.
    ///
    /// - Parameters:
    ///   - folder: the run's folder, on all ranks; where it is not shared, silent ranks on other hosts stay unexplained.
    ///   - minutes: 0 for no watchdog.
    package func use(folder: String, minutes: Double) {
        guard size > 1 else { return }
        let words = folder + "/.heartbeat"
        if minutes > 0 { try? PosixFileOperations().makeDirectory(words) }
        place.withLock { $0 = (minutes > 0 ? words : nil, minutes * 60) }
        // At once, for whoever is stopped in the first second.
        if minutes > 0 { leaveWord(in: words) }
    }

    /// Goes on with another limit, and without a folder for word.
    ///
    /// - Parameter minutes: 0 for no watchdog.
    package func use(minutes: Double) { place.withLock { $0.limit = minutes * 60 } }

    private func leaveWord(in folder: String) { write(status, to: "\(folder)/rank-\(rank)") }

    /// Words are worth nothing after a crash of the machine: they are not synchronised.
    private func write(_ text: String, to path: String) {
        let files = PosixFileOperations()
        guard let descriptor = try? files.create(path) else { return }
        try? Array(text.utf8).withUnsafeBytes { try files.write($0, to: descriptor, path: path) }
        try? files.close(descriptor, path: path)
    }

    /// Stops watching, and removes this rank's word from the folder.
    package func stop() {
        isStopped.store(true, ordering: .relaxed)
        guard let folder = place.withLock({ $0.folder }) else { return }
        try? PosixFileOperations().removeFile("\(folder)/rank-\(rank)")
        rmdir(folder)
    }

    private func watch() {
        var last = heartbeat.count
        var changed = monotonicSeconds()
        var written = -Double.infinity
        var signs = SignsOfLife()
        while !isStopped.load(ordering: .relaxed) {
            let (folder, limit) = place.withLock { $0 }
            let pause = limit > 0 ? min(max(limit / 20, 0.05), 5) : 1
            // Many ranks on a shared file system had better not write often.
            let interval = size <= 64 ? min(4 * pause, 1) : 4 * pause
            let now = monotonicSeconds()
            // Reading data does not beat; it reads, or computes.
            if heartbeat.phase == .loading, signs.haveChanged { heartbeat.beat() }
            if heartbeat.count != last {
                last = heartbeat.count
                changed = now
            }
            if let folder, now - written > interval {
                written = now
                leaveWord(in: folder)
            }
            // Those who have loaded their data wait for those who still do, whom their own watchdogs watch.
            let patience = heartbeat.phase == .meeting ? 6 * limit : limit
            if limit > 0, now - changed > patience { giveUp(after: now - changed, folder: folder, limit: limit) }
            Thread.sleep(forTimeInterval: min(pause, interval))
        }
    }

    private var status: String { "on \(Host.name), step \(heartbeat.step), \(heartbeat.phase.text)" }

    private func giveUp(after seconds: Double, folder: String?, limit: Double) -> Never {
        func file(_ rank: Int) -> String { "\(folder ?? "")/rank-\(rank)" }
        say("rank \(rank) \(status): no progress for \(duration(seconds)) (communication.watchdogMinutes)")
        // Everybody's own word first; then one of those who are left speaks for the others.
        guard folder != nil else { _exit(Failure.Kind.internalError.rawValue) }
        write("\(status)\(Self.reported)", to: file(rank))
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
}

/// Whether this process computes or reads, as Linux tells it.
private struct SignsOfLife {
    private var last = ""

    /// Since the last time it was asked.
    var haveChanged: Bool {
        mutating get {
            let input = (try? String(contentsOfFile: "/proc/self/io", encoding: .utf8))?.split(separator: "\n").first { $0.hasPrefix("read_bytes") }
            // The watchdog's own time is well below a tick.
            let now = "\(input ?? "") \(clock() / (CLOCKS_PER_SEC / 10))"
            defer { last = now }
            return now != last
        }
    }
}
