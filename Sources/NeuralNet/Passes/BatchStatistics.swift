import Kernels

/// Mean and variance of every BatchNorm's input over one micro-batch, and what follows from them.
///
/// Each array lies like the network's buffer arena, the means' places used for all per-channel values.
final class BatchStatistics {
    private let network: Network
    private let means: FloatBuffer
    private let variances: FloatBuffer
    private let inverseDeviations: FloatBuffer
    private let scales: FloatBuffer

    init(network: Network) {
        self.network = network
        means = FloatBuffer(count: network.bufferCount)
        variances = FloatBuffer(count: network.bufferCount)
        inverseDeviations = FloatBuffer(count: network.bufferCount)
        scales = FloatBuffer(count: network.bufferCount)
    }

    /// Mean and variance of `x` [rows, channels] per channel, and the factors that normalise it and apply γ.
    func compute(_ layer: Int, _ x: UnsafePointer<Float>, rows: Int, parameters: UnsafePointer<Float>) {
        let norm = network.batchNorms[layer]
        let offset = norm.runningMean
        let (mean, variance) = (means.pointer + offset, variances.pointer + offset)
        BatchNormalization.statistics(x, rows: rows, channels: norm.channels, mean: mean, variance: variance)
        let unbiased = rows > 1 ? Float(rows) / Float(rows - 1) : 1
        for channel in 0..<norm.channels {
            let inverse = 1 / (variance[channel] + Network.batchNormEpsilon).squareRoot()
            inverseDeviations[offset + channel] = inverse
            scales[offset + channel] = parameters[norm.weight + channel] * inverse
            variance[channel] *= unbiased
        }
    }

    /// Writes means and unbiased variances, times `batch`, where the running ones lie in the buffer arena.
    func write(into statistics: UnsafeMutablePointer<Float>, batch: Int) {
        let weight = Float(batch)
        for norm in network.batchNorms {
            for channel in 0..<norm.channels {
                statistics[norm.runningMean + channel] = weight * means[norm.runningMean + channel]
                statistics[norm.runningVariance + channel] = weight * variances[norm.runningMean + channel]
            }
        }
    }

    /// Makes of the statistics s₁ of an earlier pass, as `write` left them, those that update running ones r once as s₁ and then
    /// these, s₂, would in turn: with r ← (1 − m)·r + m·s that is (1 − m)·(s₁ − r) + s₂.
    func follow(_ statistics: UnsafeMutablePointer<Float>, running: UnsafePointer<Float>, batch: Int) {
        let (weight, kept) = (Float(batch), 1 - Network.batchNormMomentum)
        func follow(_ place: Int, _ value: Float) {
            statistics[place] = kept * (statistics[place] - weight * running[place]) + weight * value
        }
        for norm in network.batchNorms {
            for channel in 0..<norm.channels {
                follow(norm.runningMean + channel, means[norm.runningMean + channel])
                follow(norm.runningVariance + channel, variances[norm.runningMean + channel])
            }
        }
    }

    func mean(_ layer: Int) -> UnsafePointer<Float> { place(means, layer) }
    func inverseDeviation(_ layer: Int) -> UnsafePointer<Float> { place(inverseDeviations, layer) }
    func scale(_ layer: Int) -> UnsafePointer<Float> { place(scales, layer) }

    private func place(_ buffer: FloatBuffer, _ layer: Int) -> UnsafePointer<Float> {
        UnsafePointer(buffer.pointer + network.batchNorms[layer].runningMean)
    }
}
