import Kernels
import NeuralNet

/// A 64-bit checksum of parameters, running statistics, momentum and averaged parameters as they lie in memory: one pass, about 1 GB/s. Not
/// cryptographic; a change of one word is seen for certain.
func weightsChecksum(_ step: TrainingStep) -> Int {
    var sum: UInt64 = 0x9E37_79B9_7F4A_7C15
    for arena in step.arenas {
        for i in 0..<arena.count {
            let product = (sum ^ UInt64(arena.pointer[i].bitPattern)) &* 0xD6E8_FEB8_6659_FD93
            sum = product ^ (product >> 32)
        }
    }
    return Int(bitPattern: UInt(sum))
}
