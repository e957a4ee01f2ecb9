/// Products of tiles of 36 taps. One tap more makes the tiles an odd number of cache lines apart, so that those of one tap
/// spread over all sets of a cache.
typealias WinogradProduct = PanelProduct<37>
typealias TapProduct = PanelProduct<1>

/// The transforms of F(4×4, 3×3), Lavin and Gray's minimal filtering (CVPR 2016), on sixteen channels at once. A tile has
/// 36 taps, tap 6·i + j being row i and column j of the transformed tile.
///
/// The points are 0, ±11/16, ±3/2 and ∞. They take as many operations as the usual ±1 and ±2, and round two to three times
/// less: of all pairs ±a, ±b they showed the smallest error on normal deviates, close to that of a direct sum.
///
/// The vectors of a tile are named one by one: what is indexed by a variable would live in memory, not in registers.
enum WinogradTransforms: FilterTransform {
    typealias Three = (Vector, Vector, Vector)
    typealias Four = (Vector, Vector, Vector, Vector)
    typealias Six = (Vector, Vector, Vector, Vector, Vector, Vector)
    typealias Pointer = UnsafePointer<Float>
    typealias MutablePointer = UnsafeMutablePointer<Float>

    // MARK: One dimension

    /// The points ±a and ±b.
    @inline(__always) private static var a: Float { 0.6875 }
    @inline(__always) private static var b: Float { 1.5 }
    @inline(__always) private static var a2: Float { a * a }
    @inline(__always) private static var b2: Float { b * b }
    /// What the filter is divided by at ±a and at ±b.
    @inline(__always) private static var na: Float { 2 * a2 * (a2 - b2) }
    @inline(__always) private static var nb: Float { 2 * b2 * (b2 - a2) }

    /// Bᵀ·d.
    @inline(__always)
    static func input(_ d: Six) -> Six {
        let (evenA, oddA) = (d.4.addingProduct(-b2, d.2), d.3.addingProduct(-b2, d.1))
        let (evenB, oddB) = (d.4.addingProduct(-a2, d.2), d.3.addingProduct(-a2, d.1))
        return (
            d.4.addingProduct(-(a2 + b2), d.2).addingProduct(a2 * b2, d.0),
            evenA.addingProduct(a, oddA), evenA.addingProduct(-a, oddA),
            evenB.addingProduct(b, oddB), evenB.addingProduct(-b, oddB),
            d.5.addingProduct(-(a2 + b2), d.3).addingProduct(a2 * b2, d.1)
        )
    }

    /// Aᵀ·m.
    @inline(__always)
    static func output(_ m: Six) -> Four {
        let (evenA, oddA, evenB, oddB) = (m.1 + m.2, m.1 - m.2, m.3 + m.4, m.3 - m.4)
        return (
            m.0 + evenA + evenB, (oddA * a).addingProduct(b, oddB), (evenA * a2).addingProduct(b2, evenB),
            m.5.addingProduct(a * a2, oddA).addingProduct(b * b2, oddB)
        )
    }

    /// A·g, the transpose of `output`.
    @inline(__always)
    static func outputGradient(_ g: Four) -> Six {
        let (evenA, oddA) = (g.0.addingProduct(a2, g.2), g.1.addingProduct(a2, g.3))
        let (evenB, oddB) = (g.0.addingProduct(b2, g.2), g.1.addingProduct(b2, g.3))
        return (
            g.0, evenA.addingProduct(a, oddA), evenA.addingProduct(-a, oddA),
            evenB.addingProduct(b, oddB), evenB.addingProduct(-b, oddB), g.3
        )
    }

    /// G·w.
    @inline(__always)
    static func filter(_ w: Three) -> Six {
        let (evenA, evenB) = (w.0.addingProduct(a2, w.2), w.0.addingProduct(b2, w.2))
        return (
            w.0 * (1 / (a2 * b2)),
            evenA.addingProduct(a, w.1) * (1 / na), evenA.addingProduct(-a, w.1) * (1 / na),
            evenB.addingProduct(b, w.1) * (1 / nb), evenB.addingProduct(-b, w.1) * (1 / nb), w.2
        )
    }

    /// Gᵀ·u, the transpose of `filter`.
    @inline(__always)
    static func filterGradient(_ u: Six) -> Three {
        let (evenA, oddA) = ((u.1 + u.2) * (1 / na), (u.1 - u.2) * (a / na))
        let (evenB, oddB) = ((u.3 + u.4) * (1 / nb), (u.3 - u.4) * (b / nb))
        return (
            (evenA + evenB).addingProduct(1 / (a2 * b2), u.0), oddA + oddB,
            u.5.addingProduct(a2, evenA).addingProduct(b2, evenB)
        )
    }

    // MARK: Two dimensions

    // The transforms of images go over rows, then over columns, with `scratch` between. It stays in the level-1 cache;
    // keeping all of a tile in registers instead made compilers spill more than this stores.

    /// Values of scratch memory that a transform of one tile needs.
    static let scratchCount = 36 * lanes

    /// One row of d·B, to the six vectors at `target`.
    @inline(__always)
    static func transformInputRow(_ d: Six, to target: MutablePointer) {
        storeSix(input(d), to: target, step: lanes)
    }

    /// Bᵀ·(d·B), from the rows in `scratch` to the 36 taps at `target`.
    @inline(__always)
    static func transformInputColumns(_ scratch: Pointer, to target: MutablePointer, tapStep: Int = lanes) {
        for j in 0..<6 { storeSix(input(six(scratch + j * lanes)), to: target + j * tapStep, step: 6 * tapStep) }
    }

    /// One row of g·Aᵀ, to the six vectors at `target`.
    @inline(__always)
    static func transformOutputGradientRow(_ g: Four, to target: MutablePointer) {
        storeSix(outputGradient(g), to: target, step: lanes)
    }

    /// A·(g·Aᵀ), from the four rows in `scratch` to the 36 taps at `target`.
    @inline(__always)
    static func transformOutputGradientColumns(_ scratch: Pointer, to target: MutablePointer) {
        for j in 0..<6 {
            let column = scratch + j * lanes
            let g = (load(column), load(column + 6 * lanes), load(column + 12 * lanes), load(column + 18 * lanes))
            storeSix(outputGradient(g), to: target + j * lanes, step: 6 * lanes)
        }
    }

    /// Aᵀ·m of the 36 taps at `source`, to [4, 6] vectors in `scratch`.
    @inline(__always)
    static func transformOutputColumns(_ source: Pointer, tapStep: Int = lanes, to scratch: MutablePointer) {
        for j in 0..<6 {
            let y = output(six(source + j * tapStep, rowStep: 6 * tapStep))
            store(y.0, to: scratch + j * lanes)
            store(y.1, to: scratch + (6 + j) * lanes)
            store(y.2, to: scratch + (12 + j) * lanes)
            store(y.3, to: scratch + (18 + j) * lanes)
        }
    }

    /// One row of (Aᵀ·m)·A, from the six vectors at `row`.
    @inline(__always)
    static func transformOutputRow(_ row: Pointer) -> Four {
        output(
            (
                load(row), load(row + lanes), load(row + 2 * lanes), load(row + 3 * lanes), load(row + 4 * lanes),
                load(row + 5 * lanes)
            ))
    }

    /// Column 0 of a 6 × 6 square of vectors.
    @inline(__always)
    private static func six(_ column: Pointer, rowStep: Int = 6 * lanes) -> Six {
        (
            load(column), load(column + rowStep), load(column + 2 * rowStep), load(column + 3 * rowStep),
            load(column + 4 * rowStep), load(column + 5 * rowStep)
        )
    }

    /// G·w·Gᵀ of nine vectors at `source`, `step` values apart; tap t goes to `target + t · tapPitch`.
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

    /// Gᵀ·u·G of the 36 taps at `source + t · tapPitch`: the rows of the 3 × 3 filter.
    @inline(__always)
    static func transformFilterGradient(_ source: Pointer, tapPitch: Int) -> (Three, Three, Three) {
        @inline(__always) func column(_ j: Int) -> Three {
            filterGradient(WinogradTransforms.column(j, source, tapPitch))
        }
        let (a, b, c, d, e, f) = (column(0), column(1), column(2), column(3), column(4), column(5))
        return (
            filterGradient((a.0, b.0, c.0, d.0, e.0, f.0)), filterGradient((a.1, b.1, c.1, d.1, e.1, f.1)),
            filterGradient((a.2, b.2, c.2, d.2, e.2, f.2))
        )
    }

    @inline(__always)
    private static func column(_ j: Int, _ source: Pointer, _ tapPitch: Int) -> Six {
        (
            load(source + j * tapPitch), load(source + (6 + j) * tapPitch), load(source + (12 + j) * tapPitch),
            load(source + (18 + j) * tapPitch), load(source + (24 + j) * tapPitch), load(source + (30 + j) * tapPitch)
        )
    }
}

extension Vector {
    /// `self + factor · other`, in one rounding.
    @inline(__always)
    func addingProduct(_ factor: Float, _ other: Vector) -> Vector {
        addingProduct(Vector(repeating: factor), other)
    }
}
