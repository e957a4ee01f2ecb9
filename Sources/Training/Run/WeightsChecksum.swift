import Diagnostics
import Kernels
import MPI

/// A 64-bit checksum of parameters, running statistics, momentum and averaged parameters as they lie in memory: one pass, about 1 GB/s. Not
/// cryptographic; a change of one word is seen for certain.
package func weightsChecksum(_ arenas: [FloatBuffer]) -> Int {
    var sum: UInt64 = 0x9E37_79B9_7F4A_7C15
    for arena in arenas {
        for i in 0..<arena.count {
            let product = (sum ^ UInt64(arena.pointer[i].bitPattern)) &* 0xD6E8_FEB8_6659_FD93
            sum = product ^ (product >> 32)
        }
    }
    return Int(bitPattern: UInt(sum))
}

/// Compares weights over ranks. Collective.
///
/// - Parameter checksum: this rank's `weightsChecksum`.
/// - Throws: `Failure.internalError` on all ranks, naming rank and host of those that differ from most.
package func requireEqualWeights(_ checksum: Int, step: Int, on communicator: Communicator) throws {
    let all = try communicator.allgather(checksum)
    guard Set(all).count > 1 else { return }
    let hosts = try communicator.gather(Host.name)
    try communicator.agreeing {
        guard let hosts else { return }
        let common = Dictionary(grouping: all, by: { $0 }).max { ($0.value.count, $1.key) < ($1.value.count, $0.key) }!.key
        let others = all.indices.filter { all[$0] != common }.map { "rank \($0) on \(hosts[$0])" }
        throw Failure(
            .internalError, "step \(step): the weights differ between ranks: \(others.joined(separator: ", ")) from the others",
            remedy: "a machine computes wrongly, or with other libraries: check its memory and CPU, leave it out, and go on from the last checkpoint (--resume)")
    }
}
