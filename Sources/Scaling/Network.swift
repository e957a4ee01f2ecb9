import Diagnostics

/// A link of the machine: the time of a message is `latency + bytes / bandwidth`.
package struct Link: Codable, Sendable, Hashable {
    /// Seconds.
    package var latency: Double
    /// Bytes per second.
    package var bandwidth: Double

    package init(latency: Double, bandwidth: Double) {
        self.latency = latency
        self.bandwidth = bandwidth
    }

    /// The link that explains measured reductions on `ranks` ranks best: least squares of relative errors in
    /// `stages · latency + volume · bytes / bandwidth`. Nil with fewer than two sizes.
    package static func fit(_ points: [AllreducePoint], ranks: Int) -> Link? {
        let rows = points.filter { $0.ranks == ranks && $0.reproducible > 0 }
        guard ranks > 1, Set(rows.map(\.bytes)).count >= 2 else { return nil }
        let stages = 2 * log2Ceiling(ranks)
        let volume = 2 * Double(ranks - 1) / Double(ranks)
        // Weighted by 1 / time²: minimise Σ (a·x + b·y − 1)².
        var (xx, xy, yy, x1, y1) = (0.0, 0.0, 0.0, 0.0, 0.0)
        for row in rows {
            let (x, y) = (Double(stages) / row.reproducible, volume * Double(row.bytes) / row.reproducible)
            xx += x * x
            xy += x * y
            yy += y * y
            x1 += x
            y1 += y
        }
        let determinant = xx * yy - xy * xy
        guard determinant > 0 else { return nil }
        let latency = max(0, (x1 * yy - y1 * xy) / determinant)
        let perByte = (y1 - latency * xy) / yy
        guard perByte > 0 else { return nil }
        return Link(latency: latency, bandwidth: 1 / perByte)
    }
}

/// A network between hosts, by its nominal figures.
package struct Network: Codable, Sendable, Hashable {
    package var name: String
    package var title: String
    /// One host's connection; its ranks share the bandwidth.
    package var link: Link

    /// Nominal bandwidth less protocol overhead, and latencies of MPI messages as they are usually reported.
    package static let known = [
        Network(name: "ethernet-1g", title: "1 Gbit Ethernet", link: Link(latency: 50e-6, bandwidth: 0.117e9)),
        Network(name: "ethernet-10g", title: "10 Gbit Ethernet", link: Link(latency: 20e-6, bandwidth: 1.17e9)),
        Network(name: "ethernet-100g", title: "100 Gbit Ethernet", link: Link(latency: 10e-6, bandwidth: 11.7e9)),
        Network(name: "hdr", title: "HDR InfiniBand (200 Gbit)", link: Link(latency: 1.5e-6, bandwidth: 24e9)),
    ]

    /// - Throws: `Failure.usage` for a name that is not in `known`.
    package static func named(_ name: String) throws -> Network {
        guard let network = known.first(where: { $0.name == name }) else {
            throw Failure.usage("there is no network \"\(name)\"", remedy: "known: \(known.map(\.name).joined(separator: ", "))")
        }
        return network
    }
}

/// ⌈log₂ n⌉.
func log2Ceiling(_ n: Int) -> Int { n <= 1 ? 0 : Int.bitWidth - (n - 1).leadingZeroBitCount }
