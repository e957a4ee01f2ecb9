import Diagnostics

extension Communicator {
    /// Throws on all ranks alike where they were started with different commands, and names those that differ from rank 0.
    /// Collective: one allreduce of two integers if all is well.
    func requireSameCommand(_ words: [String]) throws {
        guard size > 1 else { return }
        let text = words.joined(separator: " ")
        // FNV-1a; the separator keeps words apart.
        let hash = words.joined(separator: "\u{1F}").utf8.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        var bounds = [Int64(bitPattern: hash), Int64(bitPattern: ~hash)]
        try allreduce(&bounds, .min)
        // The least hash and the least complement are each other's only if there is one hash.
        guard bounds[0] != ~bounds[1] else { return }
        let (texts, hosts) = (try gather(text), try gather(Host.name))
        try agreeing {
            guard let texts, let hosts else { return }
            let others = texts.indices.filter { texts[$0] != texts[0] }
            let named = others.prefix(8).map { "rank \($0) on \(hosts[$0]): \(texts[$0])" }
            throw Failure.usage(
                "the ranks were started with different commands\n  rank 0 on \(hosts[0]): \(texts[0])\n  \(named.joined(separator: "\n  "))"
                    + (others.count > 8 ? "\n  and \(others.count - 8) more" : ""),
                remedy: "start all ranks of a job with the same command: mpirun -n \(size) sipat …")
        }
    }
}
