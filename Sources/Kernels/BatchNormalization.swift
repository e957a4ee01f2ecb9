/// Batch normalisation (Ioffe and Szegedy, ICML 2015) over [rows, channels], where rows = batch · height · width.
///
/// All passes are bound by memory: each reads its inputs once and allocates nothing. Results depend on the values, rows
/// and channels only. Per-channel arrays must not overlap the [rows, channels] ones.
package enum BatchNormalization {
    /// Mean and population variance of each channel, with a relative error near 1e-7.
    ///
    /// - Parameters:
    ///   - x: [rows, channels], rows ≥ 1.
    ///   - mean, variance: [channels].
    package static func statistics(
        _ x: UnsafePointer<Float>, rows: Int, channels: Int, mean: UnsafeMutablePointer<Float>,
        variance: UnsafeMutablePointer<Float>
    ) {
        // Var = E(x − k)² − (E x − k)² loses nothing if k is near the mean: here the mean of a few rows.
        sampleMeans(x, rows: rows, channels: channels, into: mean)
        ChannelSums(a: x, s: mean, b: x, t: mean, rows: rows, channels: channels)
            .compute(into: Moments(rows: Double(rows), mean: mean, variance: variance))
    }

    /// `output = (x − mean) · scale + shift (+ addend)`, then the maximum with 0 if `relu`, which keeps what is not a
    /// number.
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
        Normalization(x: x, mean: mean, scale: scale, shift: shift, addend: addend, relu: relu)
            .apply(rows: rows, channels: channels, output: output)
    }

    /// Gradients of γ and β in training mode: Σ dy·x̂ and Σ dy, with x̂ = (x − mean) · inverseStandardDeviation.
    ///
    /// - Parameters:
    ///   - x, outputGradient: [rows, channels]; the others: [channels].
    package static func parameterGradients(
        _ x: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>, rows: Int, channels: Int,
        mean: UnsafePointer<Float>, inverseStandardDeviation: UnsafePointer<Float>,
        gammaGradient: UnsafeMutablePointer<Float>, betaGradient: UnsafeMutablePointer<Float>
    ) {
        ChannelSums(a: outputGradient, s: nil, b: x, t: mean, rows: rows, channels: channels).compute(
            into: ParameterGradients(
                inverseStandardDeviation: inverseStandardDeviation, gamma: gammaGradient, beta: betaGradient))
    }

    /// Gradient of the input in training mode, `γ · inverseStandardDeviation · (dy − dβ/rows − x̂ · dγ/rows)`,
    /// plus `addend` if given, and zero where `gate` is given and not positive.
    ///
    /// - Parameters:
    ///   - x, outputGradient, addend, gate: [rows, channels]; the per-channel arrays: [channels].
    ///   - inputGradient: [rows, channels]; may be `x`, `outputGradient`, `addend` or `gate`.
    package static func inputGradient(
        _ x: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>, rows: Int, channels: Int,
        mean: UnsafePointer<Float>, inverseStandardDeviation: UnsafePointer<Float>, gamma: UnsafePointer<Float>,
        gammaGradient: UnsafePointer<Float>, betaGradient: UnsafePointer<Float>, addend: UnsafePointer<Float>?,
        gate: UnsafePointer<Float>?, inputGradient: UnsafeMutablePointer<Float>
    ) {
        InputGradient(
            x: x, outputGradient: outputGradient, inverseRows: 1 / Float(rows), mean: mean,
            inverseStandardDeviation: inverseStandardDeviation, gamma: gamma, gammaGradient: gammaGradient,
            betaGradient: betaGradient, addend: addend, gate: gate
        ).apply(rows: rows, channels: channels, output: inputGradient)
    }

    /// The mean over up to eight rows, evenly spread.
    private static func sampleMeans(
        _ x: UnsafePointer<Float>, rows: Int, channels: Int, into mean: UnsafeMutablePointer<Float>
    ) {
        let samples = min(rows, 8)
        let step = rows / samples * channels
        var channel = 0
        while channel + lanes <= channels {
            var sum = Vector()
            for sample in 0..<samples { sum += load(x + sample * step + channel) }
            store(sum / Float(samples), to: mean + channel)
            channel += lanes
        }
        while channel < channels {
            var sum: Float = 0
            for sample in 0..<samples { sum += x[sample * step + channel] }
            mean[channel] = sum / Float(samples)
            channel += 1
        }
    }
}

/// Turns Σ (x − k) and Σ (x − k)², with k in `mean`, into mean and variance.
private struct Moments: ChannelSums.Result {
    let rows: Double
    let mean: UnsafeMutablePointer<Float>
    let variance: UnsafeMutablePointer<Float>

    @inline(__always)
    func store(_ channel: Int, first: Double, second: Double) {
        let distance = first / rows
        let value = second / rows - distance * distance
        mean[channel] = Float(Double(mean[channel]) + distance)
        // Rounding may leave a constant channel below 0; not a number stays.
        variance[channel] = value < 0 ? 0 : Float(value)
    }
}

private struct ParameterGradients: ChannelSums.Result {
    let inverseStandardDeviation: UnsafePointer<Float>
    let gamma: UnsafeMutablePointer<Float>
    let beta: UnsafeMutablePointer<Float>

    @inline(__always)
    func store(_ channel: Int, first: Double, second: Double) {
        beta[channel] = Float(first)
        gamma[channel] = Float(second * Double(inverseStandardDeviation[channel]))
    }
}

private struct Normalization: ChannelMap {
    let x: UnsafePointer<Float>
    let mean: UnsafePointer<Float>?
    let scale: UnsafePointer<Float>
    let shift: UnsafePointer<Float>
    let addend: UnsafePointer<Float>?
    let relu: Bool

    @inline(__always)
    func coefficients(_ lanes: ChannelLanes) -> (mean: Vector, scale: Vector, shift: Vector) {
        (mean.map { lanes($0) } ?? Vector(), lanes(scale), lanes(shift))
    }

    @inline(__always)
    func value(at offset: Int, _ k: (mean: Vector, scale: Vector, shift: Vector), count: Int) -> Vector {
        var v = k.shift
        if let addend { v += loadChannels(addend + offset, count) }
        v = v.addingProduct(loadChannels(x + offset, count) - k.mean, k.scale)
        return relu ? v.replacing(with: Vector(), where: v .< Vector()) : v
    }
}

/// dx = a·dy + b·(x − mean) + c.
private struct InputGradient: ChannelMap {
    let x: UnsafePointer<Float>
    let outputGradient: UnsafePointer<Float>
    let inverseRows: Float
    let mean: UnsafePointer<Float>
    let inverseStandardDeviation: UnsafePointer<Float>
    let gamma: UnsafePointer<Float>
    let gammaGradient: UnsafePointer<Float>
    let betaGradient: UnsafePointer<Float>
    let addend: UnsafePointer<Float>?
    let gate: UnsafePointer<Float>?

    @inline(__always)
    func coefficients(_ lanes: ChannelLanes) -> (a: Vector, b: Vector, c: Vector, mean: Vector) {
        let inverse = lanes(inverseStandardDeviation)
        let a = lanes(gamma) * inverse
        return (a, -a * inverse * lanes(gammaGradient) * inverseRows, -a * lanes(betaGradient) * inverseRows, lanes(mean))
    }

    @inline(__always)
    func value(at offset: Int, _ k: (a: Vector, b: Vector, c: Vector, mean: Vector), count: Int) -> Vector {
        var v = k.c.addingProduct(loadChannels(outputGradient + offset, count), k.a)
        v = v.addingProduct(loadChannels(x + offset, count) - k.mean, k.b)
        if let addend { v += loadChannels(addend + offset, count) }
        if let gate { v = gated(v, by: loadChannels(gate + offset, count)) }
        return v
    }
}
