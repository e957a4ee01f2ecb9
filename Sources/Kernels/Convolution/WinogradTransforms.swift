/// The transforms of F(4×4, 3×3), Lavin and Gray's minimal filtering (CVPR 2016) at the points 0, ±1, ±2 and ∞, on
/// sixteen channels at once. A tile has 36 taps, tap 6·i + j being row i and column j of the transformed tile.
///
/// The vectors of a tile are named one by one: what is indexed by a variable would live in memory, not in registers.
enum WinogradTransforms {
    typealias Three = (Vector, Vector, Vector)
    typealias Four = (Vector, Vector, Vector, Vector)
    typealias Six = (Vector, Vector, Vector, Vector, Vector, Vector)
    typealias Pointer = UnsafePointer<Float>
    typealias MutablePointer = UnsafeMutablePointer<Float>

    // MARK: One dimension

    /// Bᵀ·d.
    @inline(__always)
    static func input(_ d: Six) -> Six {
        let (one, two) = inputOnes(d.1, d.2, d.3, d.4)
        let (three, four) = inputTwos(d.1, d.2, d.3, d.4)
        return (inputEnd(d.0, d.2, d.4), one, two, three, four, inputEnd(d.1, d.3, d.5))
    }

    /// Rows 0 and 5 of Bᵀ·d: 4·a − 5·b + c.
    @inline(__always)
    private static func inputEnd(_ a: Vector, _ b: Vector, _ c: Vector) -> Vector {
        c.addingProduct(4, a).addingProduct(-5, b)
    }

    /// Rows 1 and 2 of Bᵀ·d, those of the points ±1.
    @inline(__always)
    private static func inputOnes(_ d1: Vector, _ d2: Vector, _ d3: Vector, _ d4: Vector) -> (Vector, Vector) {
        let (even, odd) = (d4.addingProduct(-4, d2), d3.addingProduct(-4, d1))
        return (even + odd, even - odd)
    }

    /// Rows 3 and 4 of Bᵀ·d, those of the points ±2.
    @inline(__always)
    private static func inputTwos(_ d1: Vector, _ d2: Vector, _ d3: Vector, _ d4: Vector) -> (Vector, Vector) {
        let (even, odd) = (d4 - d2, d3 - d1)
        return (even.addingProduct(2, odd), even.addingProduct(-2, odd))
    }

    /// Aᵀ·m.
    @inline(__always)
    static func output(_ m: Six) -> Four {
        let (a, b, c, d) = (m.1 + m.2, m.1 - m.2, m.3 + m.4, m.3 - m.4)
        return (m.0 + a + c, b.addingProduct(2, d), a.addingProduct(4, c), (b + m.5).addingProduct(8, d))
    }

    /// A·g, the transpose of `output`.
    @inline(__always)
    static func outputGradient(_ g: Four) -> Six {
        let (a, b) = (g.0 + g.2, g.1 + g.3)
        let (c, d) = (g.0.addingProduct(4, g.2), g.1.addingProduct(4, g.3))
        return (g.0, a + b, a - b, c.addingProduct(2, d), c.addingProduct(-2, d), g.3)
    }

    /// G·w.
    @inline(__always)
    static func filter(_ w: Three) -> Six {
        let ones = (w.0 + w.2) * (-1 / 6)
        let twos = (w.0 * (1 / 24)).addingProduct(1 / 6, w.2)
        return (
            w.0 * 0.25, ones.addingProduct(-1 / 6, w.1), ones.addingProduct(1 / 6, w.1),
            twos.addingProduct(1 / 12, w.1), twos.addingProduct(-1 / 12, w.1), w.2
        )
    }

    /// Gᵀ·u, the transpose of `filter`.
    @inline(__always)
    static func filterGradient(_ u: Six) -> Three {
        let (a, b, c, d) = (u.1 + u.2, u.2 - u.1, u.3 + u.4, u.3 - u.4)
        return (
            (u.0 * 0.25).addingProduct(-1 / 6, a).addingProduct(1 / 24, c),
            (b * (1 / 6)).addingProduct(1 / 12, d),
            u.5.addingProduct(1 / 6, c - a)
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
    static func transformInputColumns(_ scratch: Pointer, to target: MutablePointer) {
        for j in 0..<6 { storeSix(input(six(scratch + j * lanes)), to: target + j * lanes, step: 6 * lanes) }
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
    static func transformOutputColumns(_ source: Pointer, to scratch: MutablePointer) {
        for j in 0..<6 {
            let y = output(six(source + j * lanes))
            store(y.0, to: scratch + j * lanes)
            store(y.1, to: scratch + (6 + j) * lanes)
            store(y.2, to: scratch + (12 + j) * lanes)
            store(y.3, to: scratch + (18 + j) * lanes)
        }
    }

    /// One row of (Aᵀ·m)·A, from the six vectors at `row`.
    @inline(__always)
    static func transformOutputRow(_ row: Pointer) -> Four {
        output((
            load(row), load(row + lanes), load(row + 2 * lanes), load(row + 3 * lanes), load(row + 4 * lanes),
            load(row + 5 * lanes)
        ))
    }

    /// Column 0 of a 6 × 6 square of vectors.
    @inline(__always)
    private static func six(_ column: Pointer) -> Six {
        (
            load(column), load(column + 6 * lanes), load(column + 12 * lanes), load(column + 18 * lanes),
            load(column + 24 * lanes), load(column + 30 * lanes)
        )
    }

    @inline(__always)
    private static func storeSix(_ values: Six, to target: MutablePointer, step: Int) {
        store(values.0, to: target)
        store(values.1, to: target + step)
        store(values.2, to: target + 2 * step)
        store(values.3, to: target + 3 * step)
        store(values.4, to: target + 4 * step)
        store(values.5, to: target + 5 * step)
    }

    /// G·w·Gᵀ of the nine vectors at `source`; tap t goes to `target + t · tapPitch`.
    @inline(__always)
    static func transformFilter(_ source: Pointer, to target: MutablePointer, tapPitch: Int) {
        @inline(__always) func row(_ i: Int) -> Six {
            let row = source + 3 * i * lanes
            return filter((load(row), load(row + lanes), load(row + 2 * lanes)))
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
