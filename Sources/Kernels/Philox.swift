import Foundation

/// Philox 4×32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw (SC 2011).
///
/// Randomness here is a function, not a state: `Philox(seed:purpose:epoch:sample:)` names a stream, and block `i` of it
/// is the same number whoever asks, in whatever order, on whatever rank or thread. The key is the seed; the counter is
/// (block, sample, epoch and purpose).
package struct Philox: Sendable, Hashable {
    /// What a stream is for. Streams of different purposes are independent; raw values are part of the file format
    /// (a resumed run must draw the same numbers), so never renumber.
    package enum Purpose: UInt32, Sendable {
        case initialization = 1
        case shuffle = 2
        case crop = 3
        case flip = 4
        case randomStart = 5
        case validationSplit = 6
        case unannotated = 7
        case synthetic = 8
        case evaluation = 9
        case controlBlob = 20
        case controlShuffle = 21
        case bootstrap = 22
        /// The order of a review's images, and its honeypots.
        case review = 14
        case salienceNoise = 30
        /// Which images a contact sheet shows.
        case sheet = 60
        /// Images, order and sides of a study of what people notice.
        case study = 90
        case test = 255
    }

    private let key: SIMD2<UInt32>
    private let high: SIMD2<UInt32>
    private let sample: UInt32

    /// - Parameters:
    ///   - seed: the run's seed; all 64 bits count.
    ///   - epoch: 0 to 2²⁴−1 (the low 24 bits are used).
    ///   - sample: the global index of the sample, image, parameter tensor or whatever `purpose` draws for.
    package init(seed: UInt64, purpose: Purpose, epoch: Int = 0, sample: Int = 0) {
        key = SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
        high = SIMD2(
            UInt32(truncatingIfNeeded: UInt64(bitPattern: Int64(sample)) >> 32) ^ (UInt32(truncatingIfNeeded: epoch) << 8),
            purpose.rawValue)
        self.sample = UInt32(truncatingIfNeeded: sample)
    }

    /// Block `index` of the stream: four independent uniform 32-bit words. About 10 ns.
    @inlinable
    package func block(_ index: UInt32) -> SIMD4<UInt32> {
        Philox.generate(counter: counter(index), key: words)
    }

    @usableFromInline
    package func counter(_ index: UInt32) -> SIMD4<UInt32> { SIMD4(index, sample, high.x, high.y) }

    @usableFromInline
    package var words: SIMD2<UInt32> { key }

    /// The bijection itself (ten rounds), for the published test vectors.
    @inlinable
    package static func generate(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
        var c = counter
        var k = key
        for _ in 0..<10 {
            let p0 = UInt64(0xD251_1F53) &* UInt64(c.x)
            let p1 = UInt64(0xCD9E_8D57) &* UInt64(c.z)
            c = SIMD4(
                UInt32(truncatingIfNeeded: p1 >> 32) ^ c.y ^ k.x, UInt32(truncatingIfNeeded: p1),
                UInt32(truncatingIfNeeded: p0 >> 32) ^ c.w ^ k.y, UInt32(truncatingIfNeeded: p0))
            k = SIMD2(k.x &+ 0x9E37_79B9, k.y &+ 0xBB67_AE85)
        }
        return c
    }

    /// Word `index` of the stream as a uniform integer in 0..<bound, by multiplication (bias below bound/2³²).
    package func uniform(_ index: Int, below bound: Int) -> Int {
        Int((UInt64(word(index)) &* UInt64(bound)) >> 32)
    }

    /// Word `index` of the stream as a uniform float in [0, 1), a multiple of 2⁻²⁴.
    package func uniform(_ index: Int) -> Float {
        Float(word(index) >> 8) * 0x1p-24
    }

    private func word(_ index: Int) -> UInt32 {
        block(UInt32(truncatingIfNeeded: index >> 2))[index & 3]
    }

    /// Fills `output` with uniforms in [low, high): words 0, 1, 2 … of the stream.
    package func fillUniform(_ output: UnsafeMutablePointer<Float>, count: Int, low: Float, high: Float) {
        let scale = (high - low) * 0x1p-24
        var i = 0
        while i < count {
            let b = block(UInt32(truncatingIfNeeded: i >> 2))
            for j in 0..<min(4, count - i) { output[i + j] = low + Float(b[j] >> 8) * scale }
            i += 4
        }
    }

    /// Fills `output` with normal deviates (Box–Muller on words 0, 1, 2 …), computed in float64.
    package func fillNormal(_ output: UnsafeMutablePointer<Float>, count: Int, mean: Float = 0, standardDeviation: Float) {
        var i = 0
        while i < count {
            let b = block(UInt32(truncatingIfNeeded: i >> 2))
            for pair in 0..<2 {
                let u = (Double(b[2 * pair]) + 1) * 0x1p-32
                let v = Double(b[2 * pair + 1]) * 0x1p-32
                let radius = (-2 * log(u)).squareRoot()
                for (j, z) in [radius * cos(2 * .pi * v), radius * sin(2 * .pi * v)].enumerated() where i + 2 * pair + j < count {
                    output[i + 2 * pair + j] = mean + standardDeviation * Float(z)
                }
            }
            i += 4
        }
    }

    /// A uniform permutation of 0..<count (Fisher–Yates on words 0, 1, 2 …). O(count).
    package func permutation(_ count: Int) -> [Int] {
        var order = Array(0..<count)
        for i in stride(from: count - 1, through: 1, by: -1) {
            order.swapAt(i, uniform(count - 1 - i, below: i + 1))
        }
        return order
    }
}
