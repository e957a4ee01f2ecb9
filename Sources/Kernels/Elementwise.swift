/// Kernels over values without structure, or with channels innermost. All may write over their inputs.
package enum Elementwise {
    /// `output = dy · scale (+ addend)`, zero where `gate` is given and not positive: the backward pass of a
    /// normalisation in evaluation mode.
    ///
    /// - Parameters:
    ///   - dy, addend, gate, output: [rows, channels]; `scale`: [channels].
    package static func scaleGradient(
        _ dy: UnsafePointer<Float>, rows: Int, channels: Int, scale: UnsafePointer<Float>, addend: UnsafePointer<Float>?,
        gate: UnsafePointer<Float>?, output: UnsafeMutablePointer<Float>
    ) {
        ScaledGradient(dy: dy, scale: scale, addend: addend, gate: gate)
            .apply(rows: rows, channels: channels, output: output)
    }

    /// `output = a (+ b)`, zero where `gate` is given and not positive.
    package static func addGated(
        _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>?, gate: UnsafePointer<Float>?, count: Int,
        output: UnsafeMutablePointer<Float>
    ) {
        var i = 0
        while i + lanes <= count {
            var v = load(a + i)
            if let b { v += load(b + i) }
            if let gate { v = gated(v, by: load(gate + i)) }
            store(v, to: output + i)
            i += lanes
        }
        while i < count {
            var v = a[i]
            if let b { v += b[i] }
            if let gate, !(gate[i] > 0) { v = 0 }
            output[i] = v
            i += 1
        }
    }

    /// The place of the first value that is infinite or not a number, or nil if all are finite.
    package static func firstNonFinite(_ x: UnsafePointer<Float>, count: Int) -> Int? {
        var i = 0
        while i + 8 * lanes <= count {
            // x − x is 0 for finite x and not a number otherwise, which sums keep.
            var sums = (Vector(), Vector())
            for j in 0..<4 {
                let (a, b) = (load(x + i + 32 * j), load(x + i + 32 * j + 16))
                sums.0 += a - a
                sums.1 += b - b
            }
            if any((sums.0 + sums.1) .!= Vector()) { break }
            i += 8 * lanes
        }
        while i < count {
            if !x[i].isFinite { return i }
            i += 1
        }
        return nil
    }
}

private struct ScaledGradient: ChannelMap {
    let dy: UnsafePointer<Float>
    let scale: UnsafePointer<Float>
    let addend: UnsafePointer<Float>?
    let gate: UnsafePointer<Float>?

    @inline(__always)
    func coefficients(_ lanes: ChannelLanes) -> Vector { lanes(scale) }

    @inline(__always)
    func value(at offset: Int, _ scale: Vector, count: Int) -> Vector {
        var v = loadChannels(dy + offset, count) * scale
        if let addend { v += loadChannels(addend + offset, count) }
        if let gate { v = gated(v, by: loadChannels(gate + offset, count)) }
        return v
    }
}
