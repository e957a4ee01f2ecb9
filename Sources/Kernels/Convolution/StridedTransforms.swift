/// Products of tiles of 81 taps.
typealias StridedProduct = PanelProduct<81>

/// The transforms of a 3 × 3 convolution with stride 2, tile by tile of 4 × 4 outputs, on sixteen channels at once.
///
/// In one dimension, four outputs are y[i] = s[2i]·w[0] + s[2i+1]·w[1] + s[2i+2]·w[2]. The even samples meet two taps of
/// the filter, which is F(4, 2) at the points ±7/16, ±5/4 and ∞ with five multiplications; the odd ones meet one tap, which
/// takes four. Nine multiplications instead of twelve, and in two dimensions 81 instead of 144. The last four of the nine
/// share the filter w[1], so that a filter has 6 × 6 taps where a tile has 9 × 9.
enum StridedTransforms: FilterTransform {
    typealias Three = WinogradTransforms.Three
    typealias Four = WinogradTransforms.Four
    typealias Five = (Vector, Vector, Vector, Vector, Vector)
    typealias Six = WinogradTransforms.Six
    typealias Nine = (Vector, Vector, Vector, Vector, Vector, Vector, Vector, Vector, Vector)
    typealias Pointer = UnsafePointer<Float>
    typealias MutablePointer = UnsafeMutablePointer<Float>

    /// Values of scratch memory that a transform of one tile needs.
    static let scratchCount = 81 * lanes

    /// The filter's tap for row or column `i` of a tile.
    @inline(__always)
    static func filterTap(_ i: Int) -> Int { min(i, 5) }

    // MARK: One dimension

    /// The points ±a and ±b: of all pairs they showed the smallest rounding error on normal deviates.
    @inline(__always) private static var a: Float { 0.4375 }
    @inline(__always) private static var b: Float { 1.25 }
    @inline(__always) private static var a2: Float { a * a }
    @inline(__always) private static var b2: Float { b * b }
    /// What the filter is divided by at a and at b; the opposite at −a and −b.
    @inline(__always) private static var na: Float { 2 * a * (a2 - b2) }
    @inline(__always) private static var nb: Float { 2 * b * (b2 - a2) }

    /// F(4, 2)'s transform of five samples.
    @inline(__always)
    private static func five(_ e: Five) -> Five {
        let (oddA, evenA) = (e.3.addingProduct(-b2, e.1), e.2.addingProduct(-b2, e.0))
        let (oddB, evenB) = (e.3.addingProduct(-a2, e.1), e.2.addingProduct(-a2, e.0))
        return (
            oddA.addingProduct(a, evenA), oddA.addingProduct(-a, evenA),
            oddB.addingProduct(b, evenB), oddB.addingProduct(-b, evenB),
            e.4.addingProduct(-(a2 + b2), e.2).addingProduct(a2 * b2, e.0)
        )
    }

    /// The inverse of `five`: sums of four outputs.
    @inline(__always)
    private static func four(_ m: Five) -> Four {
        let (evenA, oddA, evenB, oddB) = (m.0 + m.1, m.0 - m.1, m.2 + m.3, m.2 - m.3)
        return (
            evenA + evenB, (oddA * a).addingProduct(b, oddB), (evenA * a2).addingProduct(b2, evenB),
            m.4.addingProduct(a * a2, oddA).addingProduct(b * b2, oddB)
        )
    }

    /// Nine samples of the input, every second of which meets the middle tap.
    @inline(__always)
    private static func input(_ s: Nine) -> Nine {
        let e = five((s.0, s.2, s.4, s.6, s.8))
        return (e.0, e.1, e.2, e.3, e.4, s.1, s.3, s.5, s.7)
    }

    /// Four outputs from nine products.
    @inline(__always)
    private static func output(_ m: Nine) -> Four {
        let y = four((m.0, m.1, m.2, m.3, m.4))
        return (y.0 + m.5, y.1 + m.6, y.2 + m.7, y.3 + m.8)
    }

    /// Five samples of the output gradient, the first four of which meet the middle tap alone.
    @inline(__always)
    private static func gradient(_ d: Five) -> Nine {
        let e = five(d)
        return (e.0, e.1, e.2, e.3, e.4, d.0, d.1, d.2, d.3)
    }

    /// G·w: the outer taps' transform, then the middle tap.
    @inline(__always)
    private static func filter(_ w: Three) -> Six {
        (
            w.0.addingProduct(a, w.2) * (1 / na), w.0.addingProduct(-a, w.2) * (-1 / na),
            w.0.addingProduct(b, w.2) * (1 / nb), w.0.addingProduct(-b, w.2) * (-1 / nb), w.2, w.1
        )
    }

    // MARK: Two dimensions

    /// Transforms a row of nine samples to the nine vectors at `target`.
    @inline(__always)
    static func transformInputRow(_ s: Nine, to target: MutablePointer) {
        storeNine(input(s), to: target, step: lanes)
    }

    /// Transforms the columns of the [9, 9] vectors in `scratch` to the 81 taps at `target`.
    @inline(__always)
    static func transformInputColumns(_ scratch: Pointer, to target: MutablePointer) {
        for j in 0..<9 { storeNine(input(nine(scratch + j * lanes, 9 * lanes)), to: target + j * lanes, step: 9 * lanes) }
    }

    /// Transforms a row of five samples of the output gradient to the nine vectors at `target`.
    @inline(__always)
    static func transformGradientRow(_ d: Five, to target: MutablePointer) {
        storeNine(gradient(d), to: target, step: lanes)
    }

    /// Transforms the columns of the [5, 9] vectors in `scratch` to the 81 taps at `target`.
    @inline(__always)
    static func transformGradientColumns(_ scratch: Pointer, to target: MutablePointer) {
        for j in 0..<9 {
            let column = scratch + j * lanes
            let d = (
                load(column), load(column + 9 * lanes), load(column + 18 * lanes), load(column + 27 * lanes),
                load(column + 36 * lanes)
            )
            storeNine(gradient(d), to: target + j * lanes, step: 9 * lanes)
        }
    }

    /// Transforms the columns of the 81 products at `source` to the [4, 9] vectors in `scratch`.
    @inline(__always)
    static func transformOutputColumns(_ source: Pointer, to scratch: MutablePointer) {
        for j in 0..<9 {
            let y = output(nine(source + j * lanes, 9 * lanes))
            store(y.0, to: scratch + j * lanes)
            store(y.1, to: scratch + (9 + j) * lanes)
            store(y.2, to: scratch + (18 + j) * lanes)
            store(y.3, to: scratch + (27 + j) * lanes)
        }
    }

    /// Four outputs from the nine vectors at `row`.
    @inline(__always)
    static func transformOutputRow(_ row: Pointer) -> Four { output(nine(row, lanes)) }

    /// Transforms the columns of the 81 products at `source` to the [8, 9] vectors in `scratch`.
    @inline(__always)
    static func transformInputGradientColumns(_ source: Pointer, to scratch: MutablePointer) {
        for j in 0..<9 {
            let m = nine(source + j * lanes, 9 * lanes)
            let y = four((m.0, m.1, m.2, m.3, m.4))
            let target = scratch + j * lanes
            store(m.5, to: target)
            store(y.0, to: target + 9 * lanes)
            store(m.6, to: target + 18 * lanes)
            store(y.1, to: target + 27 * lanes)
            store(m.7, to: target + 36 * lanes)
            store(y.2, to: target + 45 * lanes)
            store(m.8, to: target + 54 * lanes)
            store(y.3, to: target + 63 * lanes)
        }
    }

    /// Eight inputs' gradients from the nine vectors at `row`, four by four.
    @inline(__always)
    static func transformInputGradientRow(_ row: Pointer) -> (Four, Four) {
        let m = nine(row, lanes)
        let y = four((m.0, m.1, m.2, m.3, m.4))
        return ((m.5, y.0, m.6, y.1), (m.7, y.2, m.8, y.3))
    }

    /// G·w·Gᵀ of nine vectors at `source`, `step` values apart; tap t of 36 goes to `target + t · tapPitch`.
    @inline(__always)
    static func transformFilter(_ source: Pointer, step: Int, to target: MutablePointer, tapPitch: Int) {
        @inline(__always) func row(_ i: Int) -> Six {
            let row = source + 3 * i * step
            return filter((load(row), load(row + step), load(row + 2 * step)))
        }
        let (a, b, c) = (row(0), row(1), row(2))
        storeSix(filter((a.0, b.0, c.0)), to: target, step: 6 * tapPitch)
        storeSix(filter((a.1, b.1, c.1)), to: target + tapPitch, step: 6 * tapPitch)
        storeSix(filter((a.2, b.2, c.2)), to: target + 2 * tapPitch, step: 6 * tapPitch)
        storeSix(filter((a.3, b.3, c.3)), to: target + 3 * tapPitch, step: 6 * tapPitch)
        storeSix(filter((a.4, b.4, c.4)), to: target + 4 * tapPitch, step: 6 * tapPitch)
        storeSix(filter((a.5, b.5, c.5)), to: target + 5 * tapPitch, step: 6 * tapPitch)
    }

    @inline(__always)
    private static func nine(_ pointer: Pointer, _ step: Int) -> Nine {
        (
            load(pointer), load(pointer + step), load(pointer + 2 * step), load(pointer + 3 * step),
            load(pointer + 4 * step), load(pointer + 5 * step), load(pointer + 6 * step), load(pointer + 7 * step),
            load(pointer + 8 * step)
        )
    }

    @inline(__always)
    private static func storeNine(_ values: Nine, to target: MutablePointer, step: Int) {
        store(values.0, to: target)
        store(values.1, to: target + step)
        store(values.2, to: target + 2 * step)
        store(values.3, to: target + 3 * step)
        store(values.4, to: target + 4 * step)
        store(values.5, to: target + 5 * step)
        store(values.6, to: target + 6 * step)
        store(values.7, to: target + 7 * step)
        store(values.8, to: target + 8 * step)
    }
}

/// Stores six vectors, `step` values apart.
@inline(__always)
func storeSix(_ values: WinogradTransforms.Six, to target: UnsafeMutablePointer<Float>, step: Int) {
    store(values.0, to: target)
    store(values.1, to: target + step)
    store(values.2, to: target + 2 * step)
    store(values.3, to: target + 3 * step)
    store(values.4, to: target + 4 * step)
    store(values.5, to: target + 5 * step)
}
