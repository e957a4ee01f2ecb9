import Foundation

/// Memory of this process, as Linux tells it.
package enum ProcessMemory {
    /// The most memory that was ever resident, in bytes; 0 where it is not known.
    package static var peakResidentBytes: Int {
        guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
            let kilobytes = line.split(separator: " ").compactMap({ Int($0) }).first
        else { return 0 }
        return kilobytes * 1024
    }
}
