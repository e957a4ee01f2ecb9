import Diagnostics
import Foundation
import Synchronization

/// The energy that this host's processors have used, where the kernel tells (RAPL in /sys/class/powercap).
package struct Energy: Sendable {
    private let counters: [String]
    private var last: [Double]
    private var joules = 0.0

    /// - Parameter root: where the kernel keeps its counters.
    package init(root: String = "/sys/class/powercap") {
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []).sorted()
        // Whole packages: intel-rapl:0, but not its parts, intel-rapl:0:0.
        counters = names.filter { $0.contains("rapl:") && $0.count { $0 == ":" } == 1 }.map { root + "/" + $0 }.filter { Self.value($0 + "/energy_uj") != nil }
        last = counters.map { Self.value($0 + "/energy_uj") ?? 0 }
    }

    package var isKnown: Bool { !counters.isEmpty }

    /// Joules since the beginning; nil where nobody tells. To be called more often than a counter turns over (at 100 W within the
    /// hour), which `EnergyMeter` does.
    package mutating func read() -> Double? {
        guard isKnown else { return nil }
        for (place, counter) in counters.enumerated() {
            guard let now = Self.value(counter + "/energy_uj") else { return nil }
            let passed = now - last[place]
            joules += (passed >= 0 ? passed : passed + (Self.value(counter + "/max_energy_range_uj") ?? 0)) * 1e-6
            last[place] = now
        }
        return joules
    }

    private static func value(_ path: String) -> Double? {
        (try? ReadableFile.stream(path, limit: 100)).flatMap { Double(String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)) }
    }
}

/// Measures from its making to `stop()`, and looks at the counters every minute meanwhile.
final class EnergyMeter: Sendable {
    private let energy: Mutex<Energy>
    private let isStopped = Atomic(false)

    init() {
        let energy = Energy()
        let isKnown = energy.isKnown
        self.energy = Mutex(energy)
        guard isKnown else { return }
        let thread = Thread { [self] in watch() }
        thread.name = "energy"
        thread.start()
    }

    private func watch() {
        var waited = 0
        while !isStopped.load(ordering: .relaxed) {
            Thread.sleep(forTimeInterval: 1)
            waited += 1
            if waited % 60 == 0 { _ = energy.withLock { $0.read() } }
        }
    }

    /// Joules; nil where nobody tells.
    func stop() -> Double? {
        isStopped.store(true, ordering: .relaxed)
        return energy.withLock { $0.read() }
    }
}
