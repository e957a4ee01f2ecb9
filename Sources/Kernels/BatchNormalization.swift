/// Batch normalisation (Ioffe and Szegedy, ICML 2015) over [rows, channels], where rows = batch · height · width.
///
/// All passes are bound by memory: each reads its inputs once. Results depend on the values, rows and channels only.
package enum BatchNormalization {
    /// Mean and population variance of each channel.
    ///
    /// Sums are taken of differences from the first row, in float32 over 64 rows and in float64 beyond, which keeps the
    /// relative error near 1e-6 unless a channel's first value lies hundreds of deviations away from its mean.
    package static func statistics(
        _ x: UnsafePointer<Float>, rows: Int, channels: Int, mean: UnsafeMutablePointer<Float>,
        variance: UnsafeMutablePointer<Float>
    ) {
        let walk = ChannelVectors(rows: rows, channels: channels)
        withScratch(walk.width) { shift in
            walk.widen(x, into: shift)
            ChannelSums.compute(walk) { offset, channel in
                let d = x.vector(offset) - shift.vector(channel)
                return (d, d * d)
            } scalar: { offset, channel in
                let d = x[offset] - shift[channel]
                return (d, d * d)
            } result: { channel, sum, squares in
                let m = sum / Double(rows)
                mean[channel] = Float(Double(shift[channel]) + m)
                variance[channel] = Float(max(0, squares / Double(rows) - m * m))
            }
        }
    }

    /// `output = (x − mean) · scale + shift (+ addend)`, then the maximum with 0 if `relu`.
    ///
    /// - Parameters:
    ///   - mean, scale, shift: [channels]; `mean` nil for zeros. Subtracting it first loses less than a shift that
    ///     contains it.
    ///   - addend: the shape of `x`. `output` may be `x` or `addend`.
    package static func apply(
        _ x: UnsafePointer<Float>, rows: Int, channels: Int, mean: UnsafePointer<Float>? = nil,
        scale: UnsafePointer<Float>, shift: UnsafePointer<Float>, addend: UnsafePointer<Float>?, relu: Bool,
        output: UnsafeMutablePointer<Float>
    ) {
        let walk = ChannelVectors(rows: rows, channels: channels)
        let width = walk.width
        let floor: Float = relu ? 0 : -.infinity
        withScratch(3 * width) { scratch in
            let (wideMean, wideScale, wideShift) = (scratch, scratch + width, scratch + 2 * width)
            wideMean.update(repeating: 0, count: width)
            if let mean { walk.widen(mean, into: wideMean) }
            walk.widen(scale, into: wideScale)
            walk.widen(shift, into: wideShift)
            walk.forEach { i, c in
                var v = wideShift.vector(c)
                if let addend { v += addend.vector(i) }
                v = v.addingProduct(x.vector(i) - wideMean.vector(c), wideScale.vector(c))
                output.store(pointwiseMax(v, Vector(repeating: floor)), i)
            } scalar: { i, c in
                let start = wideShift[c] + (addend?[i] ?? 0)
                output[i] = max(start.addingProduct(x[i] - wideMean[c], wideScale[c]), floor)
            }
        }
    }

    /// Gradients of γ and β in training mode: Σ dy·x̂ and Σ dy, with x̂ = (x − mean) · inverseStandardDeviation.
    package static func parameterGradients(
        _ x: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>, rows: Int, channels: Int,
        mean: UnsafePointer<Float>, inverseStandardDeviation: UnsafePointer<Float>,
        gammaGradient: UnsafeMutablePointer<Float>, betaGradient: UnsafeMutablePointer<Float>
    ) {
        let walk = ChannelVectors(rows: rows, channels: channels)
        withScratch(walk.width) { wideMean in
            walk.widen(mean, into: wideMean)
            ChannelSums.compute(walk) { offset, channel in
                let dy = outputGradient.vector(offset)
                return (dy, dy * (x.vector(offset) - wideMean.vector(channel)))
            } scalar: { offset, channel in
                (outputGradient[offset], outputGradient[offset] * (x[offset] - wideMean[channel]))
            } result: { channel, beta, gamma in
                betaGradient[channel] = Float(beta)
                gammaGradient[channel] = Float(gamma * Double(inverseStandardDeviation[channel]))
            }
        }
    }

    /// Gradient of the input in training mode, `γ · inverseStandardDeviation · (dy − dβ/rows − x̂ · dγ/rows)`,
    /// plus `addend` if given, and zero where `gate` is given and not positive.
    ///
    /// - Parameter inputGradient: may be `outputGradient` or `addend`.
    package static func inputGradient(
        _ x: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>, rows: Int, channels: Int,
        mean: UnsafePointer<Float>, inverseStandardDeviation: UnsafePointer<Float>, gamma: UnsafePointer<Float>,
        gammaGradient: UnsafePointer<Float>, betaGradient: UnsafePointer<Float>, addend: UnsafePointer<Float>?,
        gate: UnsafePointer<Float>?, inputGradient: UnsafeMutablePointer<Float>
    ) {
        let walk = ChannelVectors(rows: rows, channels: channels)
        let width = walk.width
        withScratch(4 * width) { scratch in
            // dx = a·dy + b·(x − mean) + c
            let (a, b, c, m) = (scratch, scratch + width, scratch + 2 * width, scratch + 3 * width)
            for i in 0..<width {
                let channel = i % channels
                let inverse = inverseStandardDeviation[channel]
                a[i] = gamma[channel] * inverse
                b[i] = -a[i] * inverse * gammaGradient[channel] / Float(rows)
                c[i] = -a[i] * betaGradient[channel] / Float(rows)
                m[i] = mean[channel]
            }
            walk.forEach { i, k in
                var v = c.vector(k).addingProduct(outputGradient.vector(i), a.vector(k))
                v = v.addingProduct(x.vector(i) - m.vector(k), b.vector(k))
                if let addend { v += addend.vector(i) }
                if let gate { v.replace(with: 0, where: .!(gate.vector(i) .> 0)) }
                inputGradient.store(v, i)
            } scalar: { i, k in
                var v = c[k].addingProduct(outputGradient[i], a[k]).addingProduct(x[i] - m[k], b[k])
                if let addend { v += addend[i] }
                if let gate, !(gate[i] > 0) { v = 0 }
                inputGradient[i] = v
            }
        }
    }
}

extension ChannelVectors {
    /// Calls `vector(offset, channel)` for each vector of the walk and `scalar` for each value outside of them.
    @inline(__always)
    func forEach(_ vector: (_ offset: Int, _ channel: Int) -> Void, scalar: (_ offset: Int, _ channel: Int) -> Void) {
        var start = 0
        for _ in 0..<rows {
            var channel = 0
            while channel < vectorWidth {
                vector(start + channel, channel)
                channel += 16
            }
            while channel < width {
                scalar(start + channel, channel)
                channel += 1
            }
            start += width
        }
        for offset in rest { scalar(offset, (offset - rest.lowerBound) % channels) }
    }
}

/// Two sums per channel over all rows.
enum ChannelSums {
    /// Rows that are summed in float32 before float64 takes over.
    private static let block = 64

    /// - Parameters:
    ///   - vector, scalar: the two summands at an offset and channel.
    ///   - result: receives each channel's sums.
    @inline(__always)
    static func compute(
        _ walk: ChannelVectors, vector: (_ offset: Int, _ channel: Int) -> (Vector, Vector),
        scalar: (_ offset: Int, _ channel: Int) -> (Float, Float),
        result: (_ channel: Int, _ first: Double, _ second: Double) -> Void
    ) {
        withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * walk.width) { sums in
            sums.initialize(repeating: 0)
            let first = sums.baseAddress!
            let second = first + walk.width
            var start = 0
            while start < walk.rows {
                let end = min(start + block, walk.rows)
                var channel = 0
                // Four vectors at a time keep eight sums in registers, and a row's cache lines are used at once.
                while channel + 64 <= walk.vectorWidth {
                    var s = (Vector.zero, Vector.zero, Vector.zero, Vector.zero)
                    var t = (Vector.zero, Vector.zero, Vector.zero, Vector.zero)
                    for row in start..<end {
                        let offset = row * walk.width + channel
                        let a = vector(offset, channel)
                        let b = vector(offset + 16, channel + 16)
                        let c = vector(offset + 32, channel + 32)
                        let d = vector(offset + 48, channel + 48)
                        s = (s.0 + a.0, s.1 + b.0, s.2 + c.0, s.3 + d.0)
                        t = (t.0 + a.1, t.1 + b.1, t.2 + c.1, t.3 + d.1)
                    }
                    add(s.0, t.0, first, second, channel)
                    add(s.1, t.1, first, second, channel + 16)
                    add(s.2, t.2, first, second, channel + 32)
                    add(s.3, t.3, first, second, channel + 48)
                    channel += 64
                }
                while channel < walk.vectorWidth {
                    var (s, t) = (Vector.zero, Vector.zero)
                    for row in start..<end {
                        let a = vector(row * walk.width + channel, channel)
                        s += a.0
                        t += a.1
                    }
                    add(s, t, first, second, channel)
                    channel += 16
                }
                while channel < walk.width {
                    var (s, t) = (Float(0), Float(0))
                    for row in start..<end {
                        let a = scalar(row * walk.width + channel, channel)
                        s += a.0
                        t += a.1
                    }
                    first[channel] += Double(s)
                    second[channel] += Double(t)
                    channel += 1
                }
                start = end
            }
            for offset in walk.rest {
                let channel = (offset - walk.rest.lowerBound) % walk.channels
                let a = scalar(offset, channel)
                first[channel] += Double(a.0)
                second[channel] += Double(a.1)
            }
            for channel in 0..<walk.channels {
                var (s, t) = (0.0, 0.0)
                for i in stride(from: channel, to: walk.width, by: walk.channels) {
                    s += first[i]
                    t += second[i]
                }
                result(channel, s, t)
            }
        }
    }

    @inline(__always)
    private static func add(
        _ s: Vector, _ t: Vector, _ first: UnsafeMutablePointer<Double>, _ second: UnsafeMutablePointer<Double>,
        _ channel: Int
    ) {
        for lane in 0..<16 {
            first[channel + lane] += Double(s[lane])
            second[channel + lane] += Double(t[lane])
        }
    }
}
