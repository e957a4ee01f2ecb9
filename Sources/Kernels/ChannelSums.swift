/// Per channel of [rows, channels], Σ (a − s) and Σ (a − s)(b − t): both reductions of batch normalisation.
///
/// Sums run in float32 over `block` rows and in float64 beyond, in an order that depends on rows and channels only.
struct ChannelSums {
    let a: UnsafePointer<Float>
    /// Per channel; nil for zeros.
    let s: UnsafePointer<Float>?
    let b: UnsafePointer<Float>
    /// Per channel.
    let t: UnsafePointer<Float>
    let rows: Int
    let channels: Int

    /// Rows that are summed in float32 before float64 takes over.
    private static let block = 64

    /// What becomes of one channel's sums.
    protocol Result {
        func store(_ channel: Int, first: Double, second: Double)
    }

    /// Hands every channel's sums to `result`, each channel once and after its last use of `s` and `t`.
    @inline(__always)
    func compute(into result: some Result) {
        if 64 % channels == 0 {
            packed(into: result)
        } else if channels < lanes {
            for channel in 0..<channels {
                let (first, second) = scalar(channel, from: 0)
                result.store(channel, first: first, second: second)
            }
        } else {
            var channel = 0
            while channel + 64 <= channels {
                let sums = fourColumns(at: channel, stride: channels, rows: rows)
                sums.0.store(channel, 0, result)
                sums.1.store(channel + 16, 0, result)
                sums.2.store(channel + 32, 0, result)
                sums.3.store(channel + 48, 0, result)
                channel += 64
            }
            while channel < channels {
                // The last vector reaches back over channels that are done.
                let start = min(channel, channels - lanes)
                column(at: start).store(start, channel - start, result)
                channel = start + lanes
            }
        }
    }

    /// 64 values, of one row or several, as a row of 64 columns.
    @inline(__always)
    private func packed(into result: some Result) {
        let packedRows = rows * channels / 64
        let sums = fourColumns(at: 0, stride: 64, rows: packedRows)
        for channel in 0..<channels {
            var (first, second) = scalar(channel, from: packedRows * 64 / channels)
            for column in stride(from: channel, to: 64, by: channels) {
                let four = column < 32 ? (column < 16 ? sums.0 : sums.1) : (column < 48 ? sums.2 : sums.3)
                first += four.first[column % lanes]
                second += four.second[column % lanes]
            }
            result.store(channel, first: first, second: second)
        }
    }

    /// Sums of one channel over the rows from `start` on.
    @inline(never)
    private func scalar(_ channel: Int, from start: Int) -> (Double, Double) {
        var (first, second) = (0.0, 0.0)
        let shift = s?[channel] ?? 0
        for row in start..<rows {
            let value = Double(a[row * channels + channel] - shift)
            first += value
            second += value * Double(b[row * channels + channel] - t[channel])
        }
        return (first, second)
    }

    /// The sums of sixteen columns.
    private struct Column {
        var first = SIMD16<Double>()
        var second = SIMD16<Double>()

        @inline(__always)
        mutating func add(_ u: Vector, _ v: Vector) {
            first += SIMD16<Double>(u)
            second += SIMD16<Double>(v)
        }

        /// Hands on the sums of all lanes from `used` on, lane 0 being `channel`.
        @inline(__always)
        func store(_ channel: Int, _ used: Int, _ result: some Result) {
            for lane in used..<lanes { result.store(channel + lane, first: first[lane], second: second[lane]) }
        }
    }

    @inline(never)
    private func column(at channel: Int) -> Column {
        var sums = Column()
        let shift = s.map { load($0 + channel) } ?? Vector()
        let center = load(t + channel)
        var row = 0
        while row < rows {
            let end = min(row + Self.block, rows)
            var (u, v) = (Vector(), Vector())
            while row < end {
                let value = load(a + row * channels + channel) - shift
                u += value
                v = v.addingProduct(value, load(b + row * channels + channel) - center)
                row += 1
            }
            sums.add(u, v)
        }
        return sums
    }

    /// Sums of 64 columns, whose eight float32 sums stay in registers.
    @inline(never)
    private func fourColumns(at channel: Int, stride: Int, rows: Int) -> (Column, Column, Column, Column) {
        var (c0, c1, c2, c3) = (Column(), Column(), Column(), Column())
        let (s0, s1, s2, s3) = (shift(channel), shift(channel + 16), shift(channel + 32), shift(channel + 48))
        let (t0, t1, t2, t3) = (center(channel), center(channel + 16), center(channel + 32), center(channel + 48))
        var row = 0
        while row < rows {
            let end = min(row + Self.block, rows)
            var (u0, u1, u2, u3) = (Vector(), Vector(), Vector(), Vector())
            var (v0, v1, v2, v3) = (Vector(), Vector(), Vector(), Vector())
            while row < end {
                let (p, q) = (a + row * stride + channel, b + row * stride + channel)
                let (w0, w1, w2, w3) = (load(p) - s0, load(p + 16) - s1, load(p + 32) - s2, load(p + 48) - s3)
                u0 += w0
                u1 += w1
                u2 += w2
                u3 += w3
                v0 = v0.addingProduct(w0, load(q) - t0)
                v1 = v1.addingProduct(w1, load(q + 16) - t1)
                v2 = v2.addingProduct(w2, load(q + 32) - t2)
                v3 = v3.addingProduct(w3, load(q + 48) - t3)
                row += 1
            }
            c0.add(u0, v0)
            c1.add(u1, v1)
            c2.add(u2, v2)
            c3.add(u3, v3)
        }
        return (c0, c1, c2, c3)
    }

    @inline(__always)
    private func shift(_ column: Int) -> Vector {
        s.map { ChannelLanes(offset: column, channels: channels)($0) } ?? Vector()
    }

    @inline(__always)
    private func center(_ column: Int) -> Vector { ChannelLanes(offset: column, channels: channels)(t) }
}
