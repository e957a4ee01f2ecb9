import Diagnostics
import Foundation

/// The energy that this host's processors have used, where the kernel tells (RAPL in /sys/class/powercap).
struct Energy {
    private let counters: [String]
    private var last: [Double]
    private var joules = 0.0

    init() {
        let root = "/sys/class/powercap"
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []).sorted()
        // Whole packages: intel-rapl:0, but not its parts, intel-rapl:0:0.
        counters = names.filter { $0.contains("rapl:") && $0.count { $0 == ":" } == 1 }.map { root + "/" + $0 }.filter { Self.value($0 + "/energy_uj") != nil }
        last = counters.map { Self.value($0 + "/energy_uj") ?? 0 }
    }

    /// Joules since the beginning; nil where nobody tells. To be called more often than a counter turns over (minutes).
    mutating func read() -> Double? {
        guard !counters.isEmpty else { return nil }
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
