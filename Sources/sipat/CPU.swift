import Foundation
import Kernels

/// This machine's processor against the one the program was built for.
enum CPU {
    /// Extensions the program uses, under the names of /proc/cpuinfo.
    static var compiledFor: [String] {
        String(cString: kernelInstructionSet()).split(separator: " ").map(String.init)
    }

    /// Extensions and name of this processor, as Linux tells them; nil where it does not.
    static var here: (features: Set<String>, model: String)? {
        guard let text = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8) else { return nil }
        func value(_ key: String) -> String? {
            text.split(separator: "\n").first { $0.hasPrefix(key) }.flatMap { $0.split(separator: ":").last }
                .map { $0.trimmingCharacters(in: .whitespaces) }
        }
        guard let flags = value("flags") else { return nil }
        return (Set(flags.split(separator: " ").map(String.init)), value("model name") ?? "unknown")
    }

    /// What to tell the user if the program cannot run here; nil if it can.
    static var complaint: String? {
        guard let here else { return nil }
        let missing = compiledFor.filter { !here.features.contains($0) }
        guard !missing.isEmpty else { return nil }
        return """
            this sipat was built for a CPU with \(missing.joined(separator: ", ")), which \(here.model) does not have
              → rebuild it for this machine: swift build -c release; or for all machines of a cluster: \
            SIPAT_MARCH=x86-64-v3 swift build -c release
            """
    }
}
