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
        let walk = ChannelVectors(rows: rows, channels: channels)
        withScratch(walk.width) { wide in
            walk.widen(scale, into: wide)
            walk.forEach { i, c in
                var v = dy.vector(i) * wide.vector(c)
                if let addend { v += addend.vector(i) }
                if let gate { v.replace(with: 0, where: .!(gate.vector(i) .> 0)) }
                output.store(v, i)
            } scalar: { i, c in
                var v = dy[i] * wide[c]
                if let addend { v += addend[i] }
                if let gate, !(gate[i] > 0) { v = 0 }
                output[i] = v
            }
        }
    }

    /// `output = a (+ b)`, zero where `gate` is given and not positive.
    package static func addGated(
        _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>?, gate: UnsafePointer<Float>?, count: Int,
        output: UnsafeMutablePointer<Float>
    ) {
        var i = 0
        while i + 16 <= count {
            var v = a.vector(i)
            if let b { v += b.vector(i) }
            if let gate { v.replace(with: 0, where: .!(gate.vector(i) .> 0)) }
            output.store(v, i)
            i += 16
        }
        while i < count {
            var v = a[i]
            if let b { v += b[i] }
            if let gate, !(gate[i] > 0) { v = 0 }
            output[i] = v
            i += 1
        }
    }

    /// The first value that is infinite or not a number.
    package static func firstNonFinite(_ x: UnsafePointer<Float>, count: Int) -> Int? {
        var i = 0
        while i + 64 <= count {
            // x − x is 0 for finite x and not a number otherwise, and sums keep what is not a number.
            let (a, b) = (x.vector(i), x.vector(i + 16))
            let (c, d) = (x.vector(i + 32), x.vector(i + 48))
            let zero = ((a - a) + (b - b)) + ((c - c) + (d - d))
            if !(zero.sum() == 0) { break }
            i += 64
        }
        while i < count {
            if !x[i].isFinite { return i }
            i += 1
        }
        return nil
    }
}
