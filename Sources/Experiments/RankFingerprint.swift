import Diagnostics
import Digests
import Kernels
import MPI

/// What must be the same on all ranks, and is read by each for itself.
package struct RankFingerprint: Codable {
    var host: String
    var data: String
    /// SHA-256 of the executable.
    var program: String
    /// What multiplies its matrices; nil where nothing is computed that must be the same.
    var compute: ComputeEnvironment?

    package init(host: String, data: String, program: String, compute: ComputeEnvironment? = nil) {
        self.host = host
        self.data = data
        self.program = program
        self.compute = compute
    }

    /// Throws, on all ranks alike, where ranks differ, and names them. Collective; reads the executable once.
    ///
    /// - Parameter compute: what this rank computes with; nil where ranks compute nothing together.
    package static func compare(data: String, compute: ComputeEnvironment?, communicator: Communicator) throws {
        guard communicator.size > 1 else { return }
        let program = (try? SHA256.hex(ofFile: "/proc/self/exe")) ?? "unknown"
        let own = RankFingerprint(host: Host.name, data: data, program: program, compute: compute)
        let texts = try communicator.gather(String(decoding: try jsonBytes(own, .line), as: UTF8.self))
        try communicator.agreeing {
            guard let texts else { return }
            let all = try texts.map { try decodedJSON(RankFingerprint.self, from: $0.utf8) }
            if let complaint = complaint(all) { throw complaint }
        }
    }

    /// What to say of ranks that differ from rank 0; nil if none does.
    package static func complaint(_ all: [RankFingerprint]) -> Failure? {
        func others(_ what: KeyPath<RankFingerprint, String>) -> [String] {
            all.indices.filter { all[$0][keyPath: what] != all[0][keyPath: what] }
                .map { "rank \($0) on \(all[$0].host) has \(all[$0][keyPath: what].prefix(120))" }
        }
        let data = others(\.data)
        if !data.isEmpty {
            return .badData(
                "ranks read different data: rank 0 on \(all[0].host) has \(all[0].data), \(data.prefix(8).joined(separator: ", "))",
                remedy: "give all hosts the same files (data.directory, salience.maps)")
        }
        let program = others(\.program)
        guard program.isEmpty else {
            return .usage(
                "ranks run different programs (SHA-256): rank 0 on \(all[0].host) has \(all[0].program), \(program.prefix(8).joined(separator: ", "))",
                remedy: "copy one sipat to all hosts; for mixed CPUs build it with SIPAT_MARCH=x86-64-v3")
        }
        let products = others(\.products)
        guard !products.isEmpty else { return nil }
        func differ<Value: Equatable>(_ what: KeyPath<ComputeEnvironment, Value>) -> Bool {
            all.contains { $0.compute?[keyPath: what] != all[0].compute?[keyPath: what] }
        }
        let remedy =
            if differ(\.backend) {
                "give all ranks the same command line"
            } else if differ(\.blas) {
                "install the same version of OpenBLAS on all hosts"
            } else {
                "give all hosts the same OPENBLAS_CORETYPE, one that every CPU has: mpirun -x OPENBLAS_CORETYPE=Haswell … for CPUs with AVX2"
            }
        return .usage(
            "ranks would round differently: rank 0 on \(all[0].host) has \(all[0].products), \(products.prefix(8).joined(separator: ", "))",
            remedy: remedy)
    }

    /// Whose matrix products a rank has.
    private var products: String { compute.map { "\($0.blas) with kernels for \($0.blasKernels) (kernels.backend \($0.backend.rawValue))" } ?? "none" }
}
