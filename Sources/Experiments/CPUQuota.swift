import Foundation

/// CPU limits of Linux control groups, which neither the number of cores nor the affinity shows.
package enum CPUQuota {
    /// Cores' worth of time that this process's groups allow together with their parents; nil without a limit.
    package static func current() -> Double? {
        guard let groups = try? String(contentsOfFile: "/proc/self/cgroup", encoding: .utf8) else { return nil }
        return limit(groups: groups, root: "/sys/fs/cgroup")
    }

    /// - Parameters:
    ///   - groups: as in /proc/self/cgroup: `0::/path` for version 2, `4:cpu,cpuacct:/path` for version 1.
    ///   - root: where the hierarchies are mounted.
    package static func limit(groups: String, root: String) -> Double? {
        groups.split(separator: "\n").compactMap { line -> Double? in
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { return nil }
            if parts[1].isEmpty { return least(root, String(parts[2]), unified) }
            guard parts[1].split(separator: ",").contains("cpu") else { return nil }
            return least("\(root)/\(parts[1])", String(parts[2]), legacy) ?? least("\(root)/cpu", String(parts[2]), legacy)
        }.min()
    }

    /// The least limit of a group and those above it. In a container the path may be one of the host's: then the root counts.
    private static func least(_ root: String, _ path: String, _ read: (String) -> Double?) -> Double? {
        let names = path.split(separator: "/")
        return (0...names.count).compactMap { read(([root] + names.prefix($0).map(String.init)).joined(separator: "/")) }.min()
    }

    /// `cpu.max` of version 2: quota and period in microseconds, or `max`.
    private static func unified(_ folder: String) -> Double? {
        let words = text("\(folder)/cpu.max")?.split(separator: " ") ?? []
        guard words.count == 2, let quota = Double(words[0]), let period = Double(words[1]), quota > 0, period > 0 else { return nil }
        return quota / period
    }

    /// Version 1; −1 is no limit.
    private static func legacy(_ folder: String) -> Double? {
        guard let quota = text("\(folder)/cpu.cfs_quota_us").flatMap(Double.init), quota > 0,
            let period = text("\(folder)/cpu.cfs_period_us").flatMap(Double.init), period > 0
        else { return nil }
        return quota / period
    }

    private static func text(_ path: String) -> String? {
        try? String(contentsOfFile: path, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
