import Kernels
import NeuralNet

/// A network computed in float64, one loop per definition: no folding, no shared memory, no plan. Slow and plain, it is
/// what the passes are compared with; finite differences check it in turn.
struct ReferenceNetwork {
    let network: Network
    var parameters: [Double]
    var buffers: [Double]
    /// BatchNorm with the statistics of the batch instead of the running ones.
    var isTraining: Bool

    /// What one BatchNorm layer saw.
    struct Statistics {
        var mean: [Double]
        /// Divided by the count.
        var variance: [Double]
        var rows: Int
    }

    /// Everything a forward pass leaves behind.
    struct Activations {
        var values: [[Double]]
        var statistics: [Int: Statistics] = [:]
        /// How close a ReLU's input or the lead of a pool's maximum came to 0, where the derivative jumps.
        var kinkMargin = Double.infinity
        var logits: [Double] { values.last! }
    }

    struct Gradients {
        var loss: Double
        var input: [Double]
        /// In the layout of the parameter arena.
        var parameters: [Double]
        var activations: Activations
    }

    init(_ state: ModelState, isTraining: Bool) {
        network = state.network
        parameters = state.parameters.array.map(Double.init)
        buffers = state.buffers.array.map(Double.init)
        self.isTraining = isTraining
    }

    func loss(_ images: [Double], labels: [Int32], smoothing: Double = 0) -> Double {
        crossEntropy(forward(images, batch: labels.count).logits, labels, smoothing).loss
    }

    // MARK: - Forward

    func forward(_ images: [Double], batch: Int) -> Activations {
        var a = Activations(values: network.values.map { _ in [] })
        a.values[0] = images
        for node in network.nodes {
            let (x, shape) = (a.values[node.input], network.values[node.input])
            var y: [Double]
            switch node.operation {
            case .normalization:
                let (n, channels) = (network.normalization!, shape.channels)
                y = x.indices.map { (x[$0] - Double(n.mean[$0 % channels])) / Double(n.deviation[$0 % channels]) }
            case .convolution(let layer, _): y = convolution(network.convolutions[layer], x, batch)
            case .batchNorm(let layer): y = batchNorm(layer, x, rows: batch * shape.pixels, &a)
            case .maxPool(let pool): y = maxPool(pool, x, batch, &a.kinkMargin)
            case .averagePool(let pool): y = windows(pool, batch).map { places in places.reduce(0) { $0 + x[$1] } / Double(pool.kernel * pool.kernel) }
            case .concatenation(let with):
                let (first, second, other) = (shape.channels, network.values[with].channels, a.values[with])
                y = []
                for row in 0..<batch * shape.pixels {
                    y += x[row * first..<row * first + first]
                    y += other[row * second..<row * second + second]
                }
            case .globalAveragePool:
                y = [Double](repeating: 0, count: batch * shape.channels)
                for i in x.indices { y[i / shape.count * shape.channels + i % shape.channels] += x[i] / Double(shape.pixels) }
            case .linear(let layer):
                let linear = network.linears[layer]
                y = (0..<batch * linear.outputs).map { i in
                    let (image, o) = (i / linear.outputs, i % linear.outputs)
                    return (0..<linear.inputs).reduce(parameters[linear.bias + o]) {
                        $0 + parameters[linear.weight + o * linear.inputs + $1] * x[image * linear.inputs + $1]
                    }
                }
            case .affine: preconditionFailure("not a node of an unfrozen network")
            }
            if let addend = node.addend { for i in y.indices { y[i] += a.values[addend][i] } }
            if node.relu {
                for i in y.indices {
                    a.kinkMargin = min(a.kinkMargin, abs(y[i]))
                    y[i] = max(y[i], 0)
                }
            }
            a.values[node.output] = y
        }
        return a
    }

    /// Calls `body` with the places of input, filter (without its channels) and output for every product of pixels.
    private func forEachTap(_ s: ConvolutionShape, _ batch: Int, _ body: (_ x: Int, _ w: Int, _ y: Int) -> Void) {
        for n in 0..<batch {
            for oy in 0..<s.outputHeight {
                for ox in 0..<s.outputWidth {
                    for ky in 0..<s.kernel {
                        for kx in 0..<s.kernel {
                            let (iy, ix) = (oy * s.stride + ky - s.padding, ox * s.stride + kx - s.padding)
                            guard iy >= 0, iy < s.height, ix >= 0, ix < s.width else { continue }
                            body(
                                ((n * s.height + iy) * s.width + ix) * s.inputChannels,
                                (ky * s.kernel + kx) * s.inputChannels * s.outputChannels,
                                ((n * s.outputHeight + oy) * s.outputWidth + ox) * s.outputChannels)
                        }
                    }
                }
            }
        }
    }

    private func convolution(_ layer: Network.ConvolutionLayer, _ x: [Double], _ batch: Int) -> [Double] {
        let s = layer.shape
        var y = [Double](repeating: 0, count: batch * s.outputCount)
        forEachTap(s, batch) { xAt, wAt, yAt in
            for i in 0..<s.inputChannels {
                for o in 0..<s.outputChannels {
                    y[yAt + o] += x[xAt + i] * parameters[layer.weight + wAt + i * s.outputChannels + o]
                }
            }
        }
        return y
    }

    private func batchNorm(_ index: Int, _ x: [Double], rows: Int, _ a: inout Activations) -> [Double] {
        let layer = network.batchNorms[index]
        var s = Statistics(
            mean: (0..<layer.channels).map { buffers[layer.runningMean + $0] },
            variance: (0..<layer.channels).map { buffers[layer.runningVariance + $0] }, rows: rows)
        if isTraining {
            for c in 0..<layer.channels {
                let column = stride(from: c, to: x.count, by: layer.channels).map { x[$0] }
                s.mean[c] = column.reduce(0, +) / Double(rows)
                s.variance[c] = column.reduce(0) { $0 + ($1 - s.mean[c]) * ($1 - s.mean[c]) } / Double(rows)
            }
        }
        a.statistics[index] = s
        return x.indices.map { i in
            let c = i % layer.channels
            return (x[i] - s.mean[c]) / deviation(s, c) * parameters[layer.weight + c] + parameters[layer.bias + c]
        }
    }

    private func deviation(_ s: Statistics, _ c: Int) -> Double {
        (s.variance[c] + Double(Network.batchNormEpsilon)).squareRoot()
    }

    private func maxPool(_ p: PoolingShape, _ x: [Double], _ batch: Int, _ margin: inout Double) -> [Double] {
        var y: [Double] = []
        forEachWindow(p, batch) { places in
            let sorted = places.map { x[$0] }.sorted(by: >)
            // Equal values are zeros of a ReLU, whose derivative is zero whichever is taken.
            if sorted.count > 1, sorted[0] != sorted[1] { margin = min(margin, sorted[0] - sorted[1]) }
            y.append(sorted[0])
        }
        return y
    }

    private func windows(_ p: PoolingShape, _ batch: Int) -> [[Int]] {
        var all: [[Int]] = []
        forEachWindow(p, batch) { all.append($0) }
        return all
    }

    private func forEachWindow(_ p: PoolingShape, _ batch: Int, _ body: ([Int]) -> Void) {
        for n in 0..<batch {
            for oy in 0..<p.outputHeight {
                for ox in 0..<p.outputWidth {
                    let rows = (0..<p.kernel).map { oy * p.stride + $0 - p.padding }.filter { (0..<p.height).contains($0) }
                    let columns = (0..<p.kernel).map { ox * p.stride + $0 - p.padding }.filter { (0..<p.width).contains($0) }
                    for c in 0..<p.channels {
                        body(rows.flatMap { row in columns.map { ((n * p.height + row) * p.width + $0) * p.channels + c } })
                    }
                }
            }
        }
    }

    private func crossEntropy(_ logits: [Double], _ labels: [Int32], _ smoothing: Double) -> (loss: Double, gradient: [Double]) {
        let classes = network.classes
        var (loss, gradient) = (0.0, logits)
        for n in labels.indices {
            let row = logits[n * classes..<(n + 1) * classes]
            let exponentials = row.map { exponential($0 - row.max()!) }
            let sum = exponentials.reduce(0, +)
            for c in 0..<classes {
                let target = smoothing / Double(classes) + (c == Int(labels[n]) ? 1 - smoothing : 0)
                loss -= target * logarithm(exponentials[c] / sum)
                gradient[n * classes + c] = exponentials[c] / sum - target
            }
        }
        return (loss, gradient)
    }

    // MARK: - Backward

    /// Derivatives of the sum of the cross-entropies, by the chain rule from the last node to the first.
    func gradients(_ images: [Double], labels: [Int32], smoothing: Double = 0) -> Gradients {
        let batch = labels.count
        let a = forward(images, batch: batch)
        let (loss, logitsGradient) = crossEntropy(a.logits, labels, smoothing)
        var d = a.values.map { [Double](repeating: 0, count: $0.count) }
        d[d.count - 1] = logitsGradient
        var p = [Double](repeating: 0, count: parameters.count)
        for node in network.nodes.reversed() {
            var g = d[node.output]
            if node.relu { for i in g.indices where a.values[node.output][i] <= 0 { g[i] = 0 } }
            if let addend = node.addend { for i in g.indices { d[addend][i] += g[i] } }
            let (x, shape) = (a.values[node.input], network.values[node.input])
            switch node.operation {
            case .normalization:
                for i in g.indices { d[node.input][i] += g[i] / Double(network.normalization!.deviation[i % shape.channels]) }
            case .convolution(let layer, _): convolutionBackward(network.convolutions[layer], x, g, batch, &d[node.input], &p)
            case .batchNorm(let layer): batchNormBackward(network.batchNorms[layer], a.statistics[layer]!, x, g, &d[node.input], &p)
            case .maxPool(let pool):
                var next = 0
                forEachWindow(pool, batch) { places in
                    d[node.input][places.max { x[$0] < x[$1] }!] += g[next]
                    next += 1
                }
            case .averagePool(let pool):
                for (o, places) in windows(pool, batch).enumerated() {
                    for place in places { d[node.input][place] += g[o] / Double(pool.kernel * pool.kernel) }
                }
            case .concatenation(let with):
                let (first, second) = (shape.channels, network.values[with].channels)
                for i in g.indices {
                    let (row, channel) = (i / (first + second), i % (first + second))
                    if channel < first { d[node.input][row * first + channel] += g[i] } else { d[with][row * second + channel - first] += g[i] }
                }
            case .globalAveragePool:
                for i in x.indices { d[node.input][i] += g[i / shape.count * shape.channels + i % shape.channels] / Double(shape.pixels) }
            case .linear(let layer):
                let linear = network.linears[layer]
                for i in g.indices {
                    let (image, o) = (i / linear.outputs, i % linear.outputs)
                    p[linear.bias + o] += g[i]
                    for j in 0..<linear.inputs {
                        p[linear.weight + o * linear.inputs + j] += g[i] * x[image * linear.inputs + j]
                        d[node.input][image * linear.inputs + j] += g[i] * parameters[linear.weight + o * linear.inputs + j]
                    }
                }
            case .affine: preconditionFailure("not a node of an unfrozen network")
            }
        }
        return Gradients(loss: loss, input: d[0], parameters: p, activations: a)
    }

    private func convolutionBackward(
        _ layer: Network.ConvolutionLayer, _ x: [Double], _ g: [Double], _ batch: Int, _ dx: inout [Double], _ p: inout [Double]
    ) {
        let s = layer.shape
        forEachTap(s, batch) { xAt, wAt, yAt in
            for i in 0..<s.inputChannels {
                let w = layer.weight + wAt + i * s.outputChannels
                var sum = 0.0
                for o in 0..<s.outputChannels {
                    p[w + o] += x[xAt + i] * g[yAt + o]
                    sum += parameters[w + o] * g[yAt + o]
                }
                dx[xAt + i] += sum
            }
        }
    }

    private func batchNormBackward(
        _ layer: Network.BatchNormLayer, _ s: Statistics, _ x: [Double], _ g: [Double], _ dx: inout [Double], _ p: inout [Double]
    ) {
        for c in 0..<layer.channels {
            let places = Array(stride(from: c, to: x.count, by: layer.channels))
            let normalised = places.map { (x[$0] - s.mean[c]) / deviation(s, c) }
            let sum = places.reduce(0) { $0 + g[$1] }
            let moment = zip(places, normalised).reduce(0) { $0 + g[$1.0] * $1.1 }
            p[layer.weight + c] += moment
            p[layer.bias + c] += sum
            for (i, z) in zip(places, normalised) {
                let centred = isTraining ? g[i] - sum / Double(s.rows) - z * moment / Double(s.rows) : g[i]
                dx[i] += parameters[layer.weight + c] / deviation(s, c) * centred
            }
        }
    }
}
