import Foundation

/// Bytes that something will need, added up without overflow: what is too much to count is `Int.max`.
package struct MemoryNeed: Sendable, Hashable {
    package private(set) var bytes = 0

    package init() {}

    /// Adds the product of `factors`, none of them negative.
    package mutating func add(_ factors: Int...) {
        var product = 1
        for factor in factors {
            let (value, overflow) = product.multipliedReportingOverflow(by: factor)
            product = overflow ? .max : value
        }
        let (sum, overflow) = bytes.addingReportingOverflow(product)
        bytes = overflow ? .max : sum
    }
}

/// The memory this process may still take, as Linux tells it.
package struct MemoryBudget: Sendable {
    /// Bytes, and what limits them, in words.
    package private(set) var available = Int.max
    package private(set) var limit = ""

    /// - Parameter root: where /proc and /sys are found; tests give another.
    package init(root: String = "") {
        let memory = Self.fields(root + "/proc/meminfo")
        if let kilobytes = memory["MemAvailable"] ?? memory["MemFree"] {
            lower(to: kilobytes.multipliedReportingOverflow(by: 1024).partialValue, "the memory that is free on this machine")
        }
        for line in Self.text(root + "/proc/self/cgroup").split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 3 else { continue }
            if parts[1].isEmpty {
                lower(toGroup: parts[2], under: root + "/sys/fs/cgroup", limit: "memory.max", usage: "memory.current", cache: "inactive_file")
            } else if parts[1].split(separator: ",").contains("memory") {
                lower(
                    toGroup: parts[2], under: root + "/sys/fs/cgroup/memory", limit: "memory.limit_in_bytes", usage: "memory.usage_in_bytes",
                    cache: "total_inactive_file")
            }
        }
        let status = Self.fields(root + "/proc/self/status")
        for (resource, field, name) in [(Resource.addressSpace, "VmSize", "ulimit -v"), (.data, "VmData", "ulimit -d")] {
            guard let bytes = resource.limit else { continue }
            lower(to: bytes - 1024 * (status[field] ?? 0), "the limit of this process (\(name))")
        }
    }

    private enum Resource {
        case addressSpace
        case data

        var limit: Int? {
            var limits = rlimit()
            let code = self == .addressSpace ? getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limits) : getrlimit(__rlimit_resource_t(RLIMIT_DATA.rawValue), &limits)
            return code == 0 && limits.rlim_cur < rlim_t(Int.max) ? Int(limits.rlim_cur) : nil
        }
    }

    private mutating func lower(to bytes: Int, _ what: String) {
        guard bytes < available else { return }
        (available, limit) = (max(0, bytes), what)
    }

    /// The limits of a control group and of those above it. In a container the group's own folder may be the mount itself.
    private mutating func lower(toGroup group: String, under mount: String, limit: String, usage: String, cache: String) {
        var path = group
        while true {
            let folder = mount + (path == "/" ? "" : path)
            if let most = Int(Self.text(folder + "/" + limit)), most < 1 << 60 {
                let used = Int(Self.text(folder + "/" + usage)) ?? 0
                // Pages of files that can be dropped do not count.
                let droppable = Self.fields(folder + "/memory.stat")[cache] ?? 0
                lower(to: most - max(0, used - droppable), "the limit of this control group (container or batch job)")
            }
            if path == "/" || path.isEmpty || path == "." { return }
            path = pathFolder(path)
        }
    }

    private static func text(_ path: String) -> String {
        guard let bytes = try? ReadableFile.stream(path, limit: 1 << 20) else { return "" }
        return String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Lines such as `MemFree: 123 kB` and `inactive_file 4096`.
    private static func fields(_ path: String) -> [String: Int] {
        var fields: [String: Int] = [:]
        for line in text(path).split(separator: "\n") {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == ":" })
            if words.count >= 2, let value = Int(words[1]) { fields[String(words[0])] = value }
        }
        return fields
    }
}

/// Refuses work that needs more memory than there is, before it begins.
///
/// - Parameters:
///   - processes: how many of this host will need as much.
///   - what: who needs it, in words.
/// - Throws: `Failure.usage` with what is needed and what there is.
package func requireMemory(_ need: MemoryNeed, processes: Int = 1, for what: String, remedy: String, budget: MemoryBudget = MemoryBudget()) throws {
    let (total, overflow) = need.bytes.multipliedReportingOverflow(by: max(1, processes))
    guard overflow || total > budget.available else { return }
    let needed = need.bytes == .max ? "more memory than can be counted" : "at least \(byteText(need.bytes)) of memory"
    throw Failure.usage(
        "\(what) needs \(needed)\(processes > 1 ? " on each of \(processes) ranks here" : ""), but only \(byteText(budget.available)) are left of \(budget.limit)",
        remedy: remedy)
}
