/// Register-blocked matrix products over the blocked layouts that the transforms write and read.
///
/// - A row block is [channel block][row][16]: `pitch` values lie between two channel blocks, `16 · rowLines` between two
///   rows (those of the other taps of a tile).
/// - A filter matrix [k, 16·n] is stored as panels of two channel blocks, [k][32], or one, [k][16].
///
/// Every row of a product is summed over k in ascending order, so a row's value does not depend on the rows around it.
///
/// `rowLines` is known when compiling, so that the rows of a product differ by constants in their addresses.
enum PanelProduct<let rowLines: Int> {
    /// Values between two rows.
    @inline(__always) static var rowStep: Int { rowLines * lanes }

    /// `c = a·b` for the tap `tap` of `filter` and `rows` rows: `a` is [block][row][16] and `c` [block][row][16] for the
    /// filter's blocks. The panels of the first sources set `c`, others add to it: a product in pieces has the same bits as
    /// one at once.
    ///
    /// Reads and writes whole groups of 4 rows, so both pitches have room for `rows` rounded up to a multiple of 4.
    static func multiply(
        _ a: UnsafePointer<Float>, aPitch: Int, _ filter: FilterPanels, tap: Int, into c: UnsafeMutablePointer<Float>,
        cPitch: Int, rows: Int
    ) {
        let a = a + filter.source.lowerBound * aPitch
        let (kBlocks, adds) = (filter.source.count, filter.source.lowerBound > 0)
        var (panel, c) = (filter.taps + tap * filter.tapPitch, c)
        for block in stride(from: 0, to: filter.result.count, by: 2) {
            let width = min(2, filter.result.count - block)
            var row = 0
            while row < rows {
                let (x, y) = (a + row * rowStep, c + row * rowStep)
                if hasWideRegisters {
                    row += multiplyWide(x, aPitch, panel, kBlocks, y, cPitch, rows - row, width, adds)
                } else {
                    var done = 0
                    for n in 0..<width {
                        done = multiplyNarrow(
                            x, aPitch, panel + n * lanes, width * lanes, kBlocks, y + n * cPitch, rows - row, adds)
                    }
                    row += done
                }
            }
            panel += filter.panelPitch
            c += 2 * cPitch
        }
    }

    /// Multiplies the first rows of `rows` with one or two channel blocks; returns how many.
    @inline(__always)
    private static func multiplyWide(
        _ a: Source, _ aPitch: Int, _ b: Source, _ kBlocks: Int, _ c: Target, _ cPitch: Int, _ rows: Int, _ width: Int,
        _ adds: Bool
    ) -> Int {
        // Groups of 12 keep most of the register file in use; 8 and 4 finish without idle rows.
        if rows > 8, rows < 13 || rows > 16 {
            if width == 2 { tile12x2(a, aPitch, b, kBlocks, c, cPitch, adds) } else { tile12x1(a, aPitch, b, kBlocks, c, cPitch, adds) }
            return 12
        }
        if rows > 4 {
            if width == 2 { tile8x2(a, aPitch, b, kBlocks, c, cPitch, adds) } else { tile8x1(a, aPitch, b, kBlocks, c, cPitch, adds) }
            return 8
        }
        if width == 2 { tile4x2(a, aPitch, b, kBlocks, c, cPitch, adds) } else { tile4x1(a, aPitch, b, lanes, kBlocks, c, adds) }
        return 4
    }

    /// Multiplies the first rows of `rows` with one channel block; returns how many.
    @inline(__always)
    private static func multiplyNarrow(
        _ a: Source, _ aPitch: Int, _ b: Source, _ bStep: Int, _ kBlocks: Int, _ c: Target, _ rows: Int,
        _ adds: Bool
    ) -> Int {
        // Six rows fill sixteen registers of half a vector; two such groups are whole groups of four.
        if rows > 8 {
            tile6x1(a, aPitch, b, bStep, kBlocks, c, adds)
            tile6x1(a + 6 * rowStep, aPitch, b, bStep, kBlocks, c + 6 * rowStep, adds)
            return 12
        }
        tile4x1(a, aPitch, b, bStep, kBlocks, c, adds)
        return 4
    }

    /// `c = aᵀ·b` summed over `rows` rows: `a` is [aBlocks][row][16], `b` [bBlocks][row][16] with at most two blocks, `c`
    /// [16·aBlocks, 16·bBlocks].
    static func multiplyTransposed(
        _ a: UnsafePointer<Float>, aPitch: Int, _ b: UnsafePointer<Float>, bPitch: Int, into c: UnsafeMutablePointer<Float>,
        rows: Int, aBlocks: Int, bBlocks: Int
    ) {
        let step = bBlocks * lanes
        for block in 0..<aBlocks {
            let (left, target) = (a + block * aPitch, c + block * lanes * step)
            if hasWideRegisters {
                for row in stride(from: 0, to: lanes, by: 8) {
                    if bBlocks == 2 {
                        outer8x2(left + row, b, bPitch, rows, target + row * step, step)
                    } else {
                        outer8x1(left + row, b, bPitch, rows, target + row * step, step)
                    }
                }
            } else {
                for n in 0..<bBlocks {
                    for row in stride(from: 0, to: lanes, by: 4) {
                        outer4x1(left + row, b + n * bPitch, bPitch, rows, target + row * step + n * lanes, step)
                    }
                }
            }
        }
    }

    /// R rows times N channel blocks of the product, kept in registers while k runs.
    @inline(__always)
    private static func tile<let R: Int, let N: Int>(
        _ zero: InlineArray<R, InlineArray<N, Vector>>, _ a: UnsafePointer<Float>, _ aPitch: Int, _ b: UnsafePointer<Float>,
        _ bStep: Int, _ kBlocks: Int, _ c: UnsafeMutablePointer<Float>, _ cPitch: Int,
        _ adds: Bool
    ) {
        var sums = zero
        if adds {
            for r in 0..<R {
                for n in 0..<N { sums[r][n] = load(c + n * cPitch + r * rowStep) }
            }
        }
        var (x, y) = (a, b)
        for _ in 0..<kBlocks {
            for k in 0..<lanes {
                var right = InlineArray<N, Vector>(repeating: Vector())
                for n in 0..<N { right[n] = load(y + n * lanes) }
                for r in 0..<R {
                    let left = Vector(repeating: x[r * rowStep + k])
                    for n in 0..<N { sums[r][n] = sums[r][n].addingProduct(left, right[n]) }
                }
                y += bStep
            }
            x += aPitch
        }
        for r in 0..<R {
            for n in 0..<N { store(sums[r][n], to: c + n * cPitch + r * rowStep) }
        }
    }

    /// R channels of `a` times N channel blocks of `b`, summed over rows.
    @inline(__always)
    private static func outer<let R: Int, let N: Int>(
        _ zero: InlineArray<R, InlineArray<N, Vector>>, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ bPitch: Int,
        _ rows: Int, _ c: UnsafeMutablePointer<Float>, _ step: Int
    ) {
        var sums = zero
        var (x, y) = (a, b)
        for _ in 0..<rows {
            var right = InlineArray<N, Vector>(repeating: Vector())
            for n in 0..<N { right[n] = load(y + n * bPitch) }
            for r in 0..<R {
                let left = Vector(repeating: x[r])
                for n in 0..<N { sums[r][n] = sums[r][n].addingProduct(left, right[n]) }
            }
            x += rowStep
            y += rowStep
        }
        for r in 0..<R {
            for n in 0..<N { store(sums[r][n], to: c + r * step + n * lanes) }
        }
    }

    /// Zeros for R × N accumulators.
    @inline(__always)
    private static func zeros<let R: Int, let N: Int>() -> InlineArray<R, InlineArray<N, Vector>> {
        InlineArray(repeating: InlineArray(repeating: Vector()))
    }

    @inline(never)
    private static func tile12x2(_ a: Source, _ aPitch: Int, _ b: Source, _ k: Int, _ c: Target, _ cPitch: Int, _ adds: Bool) {
        tile(zeros() as InlineArray<12, InlineArray<2, Vector>>, a, aPitch, b, 2 * lanes, k, c, cPitch, adds)
    }

    @inline(never)
    private static func tile8x2(_ a: Source, _ aPitch: Int, _ b: Source, _ k: Int, _ c: Target, _ cPitch: Int, _ adds: Bool) {
        tile(zeros() as InlineArray<8, InlineArray<2, Vector>>, a, aPitch, b, 2 * lanes, k, c, cPitch, adds)
    }

    @inline(never)
    private static func tile4x2(_ a: Source, _ aPitch: Int, _ b: Source, _ k: Int, _ c: Target, _ cPitch: Int, _ adds: Bool) {
        tile(zeros() as InlineArray<4, InlineArray<2, Vector>>, a, aPitch, b, 2 * lanes, k, c, cPitch, adds)
    }

    @inline(never)
    private static func tile12x1(_ a: Source, _ aPitch: Int, _ b: Source, _ k: Int, _ c: Target, _ cPitch: Int, _ adds: Bool) {
        tile(zeros() as InlineArray<12, InlineArray<1, Vector>>, a, aPitch, b, lanes, k, c, cPitch, adds)
    }

    @inline(never)
    private static func tile8x1(_ a: Source, _ aPitch: Int, _ b: Source, _ k: Int, _ c: Target, _ cPitch: Int, _ adds: Bool) {
        tile(zeros() as InlineArray<8, InlineArray<1, Vector>>, a, aPitch, b, lanes, k, c, cPitch, adds)
    }

    @inline(never)
    private static func tile6x1(_ a: Source, _ aPitch: Int, _ b: Source, _ bStep: Int, _ k: Int, _ c: Target, _ adds: Bool) {
        tile(zeros() as InlineArray<6, InlineArray<1, Vector>>, a, aPitch, b, bStep, k, c, 0, adds)
    }

    @inline(never)
    private static func tile4x1(_ a: Source, _ aPitch: Int, _ b: Source, _ bStep: Int, _ k: Int, _ c: Target, _ adds: Bool) {
        tile(zeros() as InlineArray<4, InlineArray<1, Vector>>, a, aPitch, b, bStep, k, c, 0, adds)
    }

    @inline(never)
    private static func outer8x2(_ a: Source, _ b: Source, _ bPitch: Int, _ rows: Int, _ c: Target, _ step: Int) {
        outer(zeros() as InlineArray<8, InlineArray<2, Vector>>, a, b, bPitch, rows, c, step)
    }

    @inline(never)
    private static func outer8x1(_ a: Source, _ b: Source, _ bPitch: Int, _ rows: Int, _ c: Target, _ step: Int) {
        outer(zeros() as InlineArray<8, InlineArray<1, Vector>>, a, b, bPitch, rows, c, step)
    }

    @inline(never)
    private static func outer4x1(_ a: Source, _ b: Source, _ bPitch: Int, _ rows: Int, _ c: Target, _ step: Int) {
        outer(zeros() as InlineArray<4, InlineArray<1, Vector>>, a, b, bPitch, rows, c, step)
    }
}

private typealias Source = UnsafePointer<Float>
private typealias Target = UnsafeMutablePointer<Float>
