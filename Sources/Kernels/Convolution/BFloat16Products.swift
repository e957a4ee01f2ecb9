import CBFloat16

/// What a convolution multiplies.
package enum ProductPrecision: String, Sendable, CaseIterable, Codable {
    case float32
    /// Values rounded to bfloat16, whose products are summed in float32: twice as many at a time on CPUs with AVX512-BF16.
    case bfloat16
}

/// Whether this CPU multiplies bfloat16 values itself. Where it does not, results are the same, and slower than float32's.
package var hasBFloat16Instructions: Bool { sipat_bf16_has_instructions() != 0 }

/// Pairs of bfloat16 values of neighbouring channels, each in the place of one float32 value: what a `DirectPass` of this
/// precision has for images and panels. Nobody but this type looks into them.
struct BFloat16Pairs: Sendable {
    private let instructions: Int32

    /// - Parameter usesInstructions: false for the portable code, which gives the same bits.
    init(usesInstructions: Bool = hasBFloat16Instructions) { instructions = usesInstructions ? 1 : 0 }

    /// Rounds `2 · count` values to `count` pairs.
    func round(_ values: UnsafePointer<Float>, to pairs: UnsafeMutablePointer<Float>, count: Int) {
        sipat_bf16_round(values, UnsafeMutableRawPointer(pairs).assumingMemoryBound(to: UInt16.self), 2 * count, instructions)
    }

    /// `DirectTile.multiply` of pairs.
    func multiply(
        _ sources: DirectTile.Sources, runs: Int, runLength: Int, pitch: Int, _ panel: UnsafePointer<Float>, blocks: Int,
        to tile: UnsafeMutablePointer<Float>
    ) {
        func raw(_ row: Int) -> UnsafeRawPointer { UnsafeRawPointer(sources[row]) }
        var rows = sipat_bf16_rows(start: (raw(0), raw(1), raw(2), raw(3), raw(4), raw(5), raw(6), raw(7)))
        sipat_bf16_multiply(&rows, runs, runLength, pitch, panel, Int32(blocks), tile, instructions)
    }

    /// Copies `count` images, rounded, with zeros around them. They have twice the channels that `padded` has: pairs.
    func copy(
        _ images: UnsafePointer<Float>, images count: Int, to target: UnsafeMutablePointer<Float>, _ padded: PaddedImages
    ) {
        guard padded.isNeeded else { return round(images, to: target, count: count * padded.imageCount) }
        let (image, channels) = (padded.image, padded.image.channels)
        let rowCount = image.width * channels
        target.update(repeating: 0, count: count * padded.imageCount)
        for index in 0..<count {
            for y in 0..<image.height {
                let place = (index * padded.height + padded.top + y) * padded.width + padded.left
                round(images + 2 * (index * image.height + y) * rowCount, to: target + place * channels, count: rowCount)
            }
        }
    }
}
