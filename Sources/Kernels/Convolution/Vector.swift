import COpenBLAS

/// Sixteen float32 lanes: one AVX-512 register, two of AVX2, four of NEON. Kernels vectorise over channels in blocks of
/// this many.
typealias Vector = SIMD16<Float>

/// Channels of a block.
let lanes = 16

/// Whether a vector is one of 32 registers, as with AVX-512. Elsewhere, two or four registers make a vector, and products
/// are made in smaller tiles.
@inline(__always)
var hasWideRegisters: Bool { SIPAT_AVX512 != 0 }

/// Whether our own loops were tuned for CPUs such as this program was compiled for.
var hasTunedLoops: Bool { SIPAT_TUNED != 0 }

/// The number of channel blocks that hold `channels`.
@inline(__always)
func channelBlocks(_ channels: Int) -> Int { (channels + lanes - 1) / lanes }

@inline(__always)
func load(_ pointer: UnsafePointer<Float>) -> Vector {
    UnsafeRawPointer(pointer).loadUnaligned(as: Vector.self)
}

@inline(__always)
func load(_ pointer: UnsafeMutablePointer<Float>) -> Vector {
    UnsafeRawPointer(pointer).loadUnaligned(as: Vector.self)
}

@inline(__always)
func store(_ vector: Vector, to pointer: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(pointer).storeBytes(of: vector, as: Vector.self)
}

/// The first `count` < 16 values at `pointer`, then zeros; reads nothing beyond them.
@inline(never)
func load(_ pointer: UnsafePointer<Float>, count: Int) -> Vector {
    var vector = Vector()
    for lane in 0..<count { vector[lane] = pointer[lane] }
    return vector
}

/// Writes the first `count` < 16 lanes.
@inline(never)
func store(_ vector: Vector, to pointer: UnsafeMutablePointer<Float>, count: Int) {
    for lane in 0..<count { pointer[lane] = vector[lane] }
}

/// The first `count` ≤ 16 values at `pointer`, then zeros.
@inline(__always)
func loadChannels(_ pointer: UnsafePointer<Float>, _ count: Int) -> Vector {
    count == lanes ? load(pointer) : load(pointer, count: count)
}
