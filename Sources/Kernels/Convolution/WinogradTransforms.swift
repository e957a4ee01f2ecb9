/// The transforms of F(4×4, 3×3), Lavin and Gray's minimal filtering (CVPR 2016) at the points 0, ±1, ±2 and ∞, on
/// sixteen channels at once. A tile has 36 taps, tap 6·i + j being row i and column j of the transformed tile.
enum WinogradTransforms {
    typealias Six = InlineArray<6, Vector>
    typealias Four = InlineArray<4, Vector>
    typealias Three = InlineArray<3, Vector>

    // MARK: One dimension

    /// Bᵀ·d.
    @inline(__always)
    static func input(_ d: Six) -> Six {
        let even = d[4].addingProduct(-4, d[2])
        let odd = d[3].addingProduct(-4, d[1])
        let near = d[4] - d[2]
        let far = d[3] - d[1]
        return [
            d[4].addingProduct(4, d[0]).addingProduct(-5, d[2]),
            even + odd, even - odd, near.addingProduct(2, far), near.addingProduct(-2, far),
            d[5].addingProduct(4, d[1]).addingProduct(-5, d[3]),
        ]
    }

    /// Aᵀ·m.
    @inline(__always)
    static func output(_ m: Six) -> Four {
        let (a, b, c, d) = (m[1] + m[2], m[1] - m[2], m[3] + m[4], m[3] - m[4])
        return [m[0] + a + c, b.addingProduct(2, d), a.addingProduct(4, c), (b + m[5]).addingProduct(8, d)]
    }

    /// A·g, the transpose of `output`.
    @inline(__always)
    static func outputGradient(_ g: Four) -> Six {
        let (a, b) = (g[0] + g[2], g[1] + g[3])
        let c = g[0].addingProduct(4, g[2])
        let d = g[1].addingProduct(4, g[3])
        return [g[0], a + b, a - b, c.addingProduct(2, d), c.addingProduct(-2, d), g[3]]
    }

    /// G·w.
    @inline(__always)
    static func filter(_ w: Three) -> Six {
        let outer = (w[0] + w[2]) * (-1 / 6)
        let sum = (w[0] * (1 / 24)).addingProduct(1 / 6, w[2])
        return [
            w[0] * 0.25, outer.addingProduct(-1 / 6, w[1]), outer.addingProduct(1 / 6, w[1]),
            sum.addingProduct(1 / 12, w[1]), sum.addingProduct(-1 / 12, w[1]), w[2],
        ]
    }

    /// Gᵀ·u, the transpose of `filter`.
    @inline(__always)
    static func filterGradient(_ u: Six) -> Three {
        let (a, b, c, d) = (u[1] + u[2], u[2] - u[1], u[3] + u[4], u[3] - u[4])
        return [
            (u[0] * 0.25).addingProduct(-1 / 6, a).addingProduct(1 / 24, c),
            (b * (1 / 6)).addingProduct(1 / 12, d),
            u[5].addingProduct(1 / 6, c - a),
        ]
    }

    // MARK: Two dimensions

    /// Bᵀ·d·B of the 6 × 6 patch at `source`, whose rows and columns lie `rowStep` and `columnStep` values apart; tap t
    /// goes to `target + t · tapPitch`.
    ///
    /// The columns of d·B are made two at a time, so that everything stays in registers: 12 of 36 values live at once.
    @inline(__always)
    static func transformInput(
        _ source: UnsafePointer<Float>, rowStep: Int, columnStep: Int, to target: UnsafeMutablePointer<Float>, tapPitch: Int
    ) {
        var (left, right) = (Six(repeating: Vector()), Six(repeating: Vector()))
        for i in 0..<6 {
            let row = source + i * rowStep
            let (d0, d1, d2) = (load(row), load(row + columnStep), load(row + 2 * columnStep))
            let (d3, d4, d5) = (load(row + 3 * columnStep), load(row + 4 * columnStep), load(row + 5 * columnStep))
            left[i] = d4.addingProduct(4, d0).addingProduct(-5, d2)
            right[i] = d5.addingProduct(4, d1).addingProduct(-5, d3)
        }
        storeColumn(input(left), 0, target, tapPitch)
        storeColumn(input(right), 5, target, tapPitch)
        for i in 0..<6 {
            let row = source + i * rowStep
            let even = load(row + 4 * columnStep).addingProduct(-4, load(row + 2 * columnStep))
            let odd = load(row + 3 * columnStep).addingProduct(-4, load(row + columnStep))
            left[i] = even + odd
            right[i] = even - odd
        }
        storeColumn(input(left), 1, target, tapPitch)
        storeColumn(input(right), 2, target, tapPitch)
        for i in 0..<6 {
            let row = source + i * rowStep
            let near = load(row + 4 * columnStep) - load(row + 2 * columnStep)
            let far = load(row + 3 * columnStep) - load(row + columnStep)
            left[i] = near.addingProduct(2, far)
            right[i] = near.addingProduct(-2, far)
        }
        storeColumn(input(left), 3, target, tapPitch)
        storeColumn(input(right), 4, target, tapPitch)
    }

    /// A·g·Aᵀ of the 4 × 4 tile at `source`.
    @inline(__always)
    static func transformOutputGradient(
        _ source: UnsafePointer<Float>, rowStep: Int, columnStep: Int, to target: UnsafeMutablePointer<Float>, tapPitch: Int
    ) {
        var rows = InlineArray<4, Six>(repeating: Six(repeating: Vector()))
        for i in 0..<4 {
            let row = source + i * rowStep
            rows[i] = outputGradient([
                load(row), load(row + columnStep), load(row + 2 * columnStep), load(row + 3 * columnStep),
            ])
        }
        for j in 0..<6 {
            storeColumn(outputGradient([rows[0][j], rows[1][j], rows[2][j], rows[3][j]]), j, target, tapPitch)
        }
    }

    /// Aᵀ·m·A of the 36 taps at `source + t · tapPitch`: row i, column j of the 4 × 4 tile is element [i][j].
    @inline(__always)
    static func transformOutput(_ source: UnsafePointer<Float>, tapPitch: Int) -> InlineArray<4, Four> {
        var columns = InlineArray<6, Four>(repeating: Four(repeating: Vector()))
        for j in 0..<6 {
            columns[j] = output(column(j, source, tapPitch))
        }
        var tile = InlineArray<4, Four>(repeating: Four(repeating: Vector()))
        for i in 0..<4 {
            tile[i] = output([columns[0][i], columns[1][i], columns[2][i], columns[3][i], columns[4][i], columns[5][i]])
        }
        return tile
    }

    /// The same, through `epilogue` to the 4 × 4 pixels at `target + offset`.
    @inline(__always)
    static func transformOutput(
        _ source: UnsafePointer<Float>, tapPitch: Int, to target: UnsafeMutablePointer<Float>, offset: Int, rowStep: Int,
        columnStep: Int, channel: Int, _ epilogue: Epilogue
    ) {
        // Each step runs over the whole tile, which stays in registers; a branch per pixel would push it to memory.
        var tile = transformOutput(source, tapPitch: tapPitch)
        if let bias = epilogue.bias {
            let value = load(bias + channel)
            for i in 0..<4 {
                for j in 0..<4 { tile[i][j] += value }
            }
        }
        if let addend = epilogue.addend {
            for i in 0..<4 {
                for j in 0..<4 { tile[i][j] += load(addend + offset + i * rowStep + j * columnStep) }
            }
        }
        if epilogue.relu {
            for i in 0..<4 {
                for j in 0..<4 { tile[i][j] = tile[i][j].replacing(with: Vector(), where: tile[i][j] .< Vector()) }
            }
        }
        if let gate = epilogue.gate {
            for i in 0..<4 {
                for j in 0..<4 {
                    let closed = load(gate + offset + i * rowStep + j * columnStep) .<= Vector()
                    tile[i][j] = tile[i][j].replacing(with: Vector(), where: closed)
                }
            }
        }
        for i in 0..<4 {
            for j in 0..<4 { store(tile[i][j], to: target + offset + i * rowStep + j * columnStep) }
        }
    }

    /// G·w·Gᵀ of the nine vectors at `source + (3·i + j) · step`.
    @inline(__always)
    static func transformFilter(
        _ source: UnsafePointer<Float>, step: Int, to target: UnsafeMutablePointer<Float>, tapPitch: Int
    ) {
        var rows = InlineArray<3, Six>(repeating: Six(repeating: Vector()))
        for i in 0..<3 {
            let row = source + 3 * i * step
            rows[i] = filter([load(row), load(row + step), load(row + 2 * step)])
        }
        for j in 0..<6 {
            storeColumn(filter([rows[0][j], rows[1][j], rows[2][j]]), j, target, tapPitch)
        }
    }

    /// Gᵀ·u·G of the 36 taps at `source + t · tapPitch`; element [i][j] of the 3 × 3 filter.
    @inline(__always)
    static func transformFilterGradient(_ source: UnsafePointer<Float>, tapPitch: Int) -> InlineArray<3, Three> {
        var columns = InlineArray<6, Three>(repeating: Three(repeating: Vector()))
        for j in 0..<6 {
            columns[j] = filterGradient(column(j, source, tapPitch))
        }
        var result = InlineArray<3, Three>(repeating: Three(repeating: Vector()))
        for i in 0..<3 {
            result[i] = filterGradient([
                columns[0][i], columns[1][i], columns[2][i], columns[3][i], columns[4][i], columns[5][i],
            ])
        }
        return result
    }

    @inline(__always)
    private static func column(_ j: Int, _ source: UnsafePointer<Float>, _ tapPitch: Int) -> Six {
        [
            load(source + j * tapPitch), load(source + (6 + j) * tapPitch), load(source + (12 + j) * tapPitch),
            load(source + (18 + j) * tapPitch), load(source + (24 + j) * tapPitch), load(source + (30 + j) * tapPitch),
        ]
    }

    @inline(__always)
    private static func storeColumn(_ values: Six, _ j: Int, _ target: UnsafeMutablePointer<Float>, _ tapPitch: Int) {
        for i in 0..<6 { store(values[i], to: target + (6 * i + j) * tapPitch) }
    }
}

extension Vector {
    /// `self + factor · other`, in one rounding.
    @inline(__always)
    func addingProduct(_ factor: Float, _ other: Vector) -> Vector {
        addingProduct(Vector(repeating: factor), other)
    }
}
