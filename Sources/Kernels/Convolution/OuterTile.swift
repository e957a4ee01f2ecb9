/// Eight source values times up to 32 channels of the output gradient, summed in registers over a block of pixels.
enum OuterTile {
    /// The pixels of a block, and the values between two images, rows and columns of it.
    struct Size {
        let images: Int
        let rows: Int
        let columns: Int
        let sourceImage: Int
        let sourceRow: Int
        let sourceColumn: Int
        let gradientImage: Int
        let gradientColumn: Int
    }

    /// - Parameters:
    ///   - blocks: 1 or 2 channel blocks.
    ///   - count: rows of `sum` that exist, at most eight; they lie `step` values apart.
    @inline(__always)
    static func add(
        _ source: UnsafePointer<Float>, _ gradient: UnsafePointer<Float>, _ size: Size, blocks: Int, count: Int,
        to sum: UnsafeMutablePointer<Float>, step: Int
    ) {
        if !hasWideRegisters {
            for n in 0..<blocks {
                let (from, to) = (gradient + n * lanes, sum + n * lanes)
                add4x1(source, from, size, count, to, step)
                if count > 4 { add4x1(source + 4, from, size, count - 4, to + 4 * step, step) }
            }
        } else if blocks == 2 {
            add8x2(source, gradient, size, count, sum, step)
        } else {
            add8x1(source, gradient, size, count, sum, step)
        }
    }

    @inline(never)
    private static func add8x2(
        _ source: UnsafePointer<Float>, _ gradient: UnsafePointer<Float>, _ size: Size, _ count: Int,
        _ sum: UnsafeMutablePointer<Float>, _ step: Int
    ) {
        addTile(
            InlineArray<8, InlineArray<2, Vector>>(repeating: InlineArray(repeating: Vector())), source, gradient, size,
            count, sum, step)
    }

    @inline(never)
    private static func add8x1(
        _ source: UnsafePointer<Float>, _ gradient: UnsafePointer<Float>, _ size: Size, _ count: Int,
        _ sum: UnsafeMutablePointer<Float>, _ step: Int
    ) {
        addTile(
            InlineArray<8, InlineArray<1, Vector>>(repeating: InlineArray(repeating: Vector())), source, gradient, size,
            count, sum, step)
    }

    @inline(never)
    private static func add4x1(
        _ source: UnsafePointer<Float>, _ gradient: UnsafePointer<Float>, _ size: Size, _ count: Int,
        _ sum: UnsafeMutablePointer<Float>, _ step: Int
    ) {
        addTile(
            InlineArray<4, InlineArray<1, Vector>>(repeating: InlineArray(repeating: Vector())), source, gradient, size,
            count, sum, step)
    }

    @inline(__always)
    private static func addTile<let R: Int, let N: Int>(
        _ zero: InlineArray<R, InlineArray<N, Vector>>, _ source: UnsafePointer<Float>, _ gradient: UnsafePointer<Float>,
        _ size: Size, _ count: Int, _ sum: UnsafeMutablePointer<Float>, _ step: Int
    ) {
        var sums = zero
        for image in 0..<size.images {
            var b = gradient + image * size.gradientImage
            for row in 0..<size.rows {
                var a = source + image * size.sourceImage + row * size.sourceRow
                for _ in 0..<size.columns {
                    var right = InlineArray<N, Vector>(repeating: Vector())
                    for n in 0..<N { right[n] = load(b + n * lanes) }
                    for r in 0..<R {
                        let left = Vector(repeating: a[r])
                        for n in 0..<N { sums[r][n] = sums[r][n].addingProduct(left, right[n]) }
                    }
                    a += size.sourceColumn
                    b += size.gradientColumn
                }
            }
        }
        for r in 0..<R where r < count {
            for n in 0..<N {
                let target = sum + r * step + n * lanes
                store(load(target) + sums[r][n], to: target)
            }
        }
    }
}
