import Kernels
import Testing

/// Batch normalisation by its definition, in float64.
private struct Reference {
    let layout: Layout
    let epsilon = 1e-5

    func moments(_ x: [Double]) -> (mean: [Double], variance: [Double]) {
        var (mean, variance) = ([Double](repeating: 0, count: layout.channels), [Double](repeating: 0, count: layout.channels))
        for i in x.indices { mean[i % layout.channels] += x[i] / Double(layout.rows) }
        for i in x.indices {
            let d = x[i] - mean[i % layout.channels]
            variance[i % layout.channels] += d * d / Double(layout.rows)
        }
        return (mean, variance)
    }

    func normalized(_ x: [Double]) -> [Double] {
        let (mean, variance) = moments(x)
        return x.indices.map {
            let c = $0 % layout.channels
            return (x[$0] - mean[c]) / (variance[c] + epsilon).squareRoot()
        }
    }

    func forward(_ x: [Double], gamma: [Double], beta: [Double]) -> [Double] {
        let normal = normalized(x)
        return x.indices.map { normal[$0] * gamma[$0 % layout.channels] + beta[$0 % layout.channels] }
    }

    func parameterGradients(_ x: [Double], _ dy: [Double]) -> (gamma: [Double], beta: [Double]) {
        let normal = normalized(x)
        var (gamma, beta) = ([Double](repeating: 0, count: layout.channels), [Double](repeating: 0, count: layout.channels))
        for i in x.indices {
            gamma[i % layout.channels] += dy[i] * normal[i]
            beta[i % layout.channels] += dy[i]
        }
        return (gamma, beta)
    }

    func inputGradient(_ x: [Double], _ dy: [Double], gamma: [Double]) -> [Double] {
        let (normal, variance, sums) = (normalized(x), moments(x).variance, parameterGradients(x, dy))
        let n = Double(layout.rows)
        return x.indices.map {
            let c = $0 % layout.channels
            return gamma[c] / (variance[c] + epsilon).squareRoot()
                * (dy[$0] - sums.beta[c] / n - normal[$0] * sums.gamma[c] / n)
        }
    }
}

/// Inputs of one case, and the per-channel values that the kernels are given.
private struct Run {
    let layout: Layout
    let x: [Float]
    let dy: [Float]
    let addend: [Float]
    let gate: [Float]
    let gamma: [Float]
    let beta: [Float]
    let mean: FloatBuffer
    let inverse: FloatBuffer

    init(_ layout: Layout) {
        self.layout = layout
        // Channels that differ in place and spread.
        x = normals(layout.count, 1).enumerated().map { i, value in
            let channel = Float(i % layout.channels % 5)
            return (value + channel) * (0.5 + channel)
        }
        dy = normals(layout.count, 2)
        addend = normals(layout.count, 3)
        gate = normals(layout.count, 4).enumerated().map { i, value in i % 11 == 0 ? 0 : i % 13 == 0 ? .nan : value }
        gamma = normals(layout.channels, 5)
        beta = normals(layout.channels, 6)
        let moments = Reference(layout: layout).moments(doubles(x))
        mean = FloatBuffer(moments.mean.map(Float.init))
        inverse = FloatBuffer(moments.variance.map { Float(1 / ($0 + 1e-5).squareRoot()) })
    }

    func parameterGradients() -> (gamma: Guarded, beta: Guarded) {
        let (x, dy) = (FloatBuffer(x), FloatBuffer(dy))
        defer { withExtendedLifetime((x, dy, mean, inverse)) {} }
        let (gamma, beta) = (Guarded(count: layout.channels), Guarded(count: layout.channels))
        BatchNormalization.parameterGradients(
            x.pointer, outputGradient: dy.pointer, rows: layout.rows, channels: layout.channels, mean: mean.pointer,
            inverseStandardDeviation: inverse.pointer, gammaGradient: gamma.pointer, betaGradient: beta.pointer)
        return (gamma, beta)
    }

    enum Place: CaseIterable { case own, x, outputGradient, addend, gate }

    func inputGradient(addend useAddend: Bool, gate useGate: Bool, into place: Place = .own) -> Guarded {
        let (sumGamma, sumBeta) = parameterGradients()
        let (x, dy, addend, gate) = (Guarded(x), Guarded(dy), Guarded(addend), Guarded(gate))
        let gamma = FloatBuffer(gamma)
        defer { withExtendedLifetime((x, dy, addend, gate, gamma, sumGamma, sumBeta, mean, inverse)) {} }
        let result =
            switch place {
            case .own: Guarded(count: layout.count)
            case .x: x
            case .outputGradient: dy
            case .addend: addend
            case .gate: gate
            }
        BatchNormalization.inputGradient(
            x.pointer, outputGradient: dy.pointer, rows: layout.rows, channels: layout.channels, mean: mean.pointer,
            inverseStandardDeviation: inverse.pointer, gamma: gamma.pointer, gammaGradient: sumGamma.pointer,
            betaGradient: sumBeta.pointer, addend: useAddend ? UnsafePointer(addend.pointer) : nil,
            gate: useGate ? UnsafePointer(gate.pointer) : nil, inputGradient: result.pointer)
        return result
    }
}

private func statistics(_ x: [Float], _ layout: Layout) -> (mean: Guarded, variance: Guarded) {
    let x = FloatBuffer(x)
    defer { withExtendedLifetime(x) {} }
    let (mean, variance) = (Guarded(count: layout.channels), Guarded(count: layout.channels))
    BatchNormalization.statistics(
        x.pointer, rows: layout.rows, channels: layout.channels, mean: mean.pointer, variance: variance.pointer)
    return (mean, variance)
}

@Suite("Batch normalisation")
struct BatchNormalizationTests {
    @Test("Statistics equal float64's, channel by channel", arguments: Layout.all)
    func moments(_ layout: Layout) {
        let x = Run(layout).x
        let (mean, variance) = statistics(x, layout)
        let expected = Reference(layout: layout).moments(doubles(x))
        for c in 0..<layout.channels {
            let deviation = expected.variance[c].squareRoot()
            #expect(abs(Double(mean.array[c]) - expected.mean[c]) <= 1e-6 * (abs(expected.mean[c]) + deviation))
            #expect(abs(Double(variance.array[c]) - expected.variance[c]) <= 1e-6 * expected.variance[c])
        }
        #expect(mean.isGuardIntact && variance.isGuardIntact)
    }

    @Test("Means thousands of deviations from zero, and a first row far from the mean", arguments: [3, 8, 64, 72])
    func farMeans(_ channels: Int) {
        let layout = Layout(4096, channels)
        var x = normals(layout.count, 1).map { 100 + 0.01 * $0 }
        for c in stride(from: 0, to: channels, by: 2) { x[c] = 100.1 }
        let (mean, variance) = statistics(x, layout)
        let expected = Reference(layout: layout).moments(doubles(x))
        for c in 0..<channels {
            #expect(abs(Double(mean.array[c]) - expected.mean[c]) <= 1e-7 * expected.mean[c])
            #expect(abs(Double(variance.array[c]) - expected.variance[c]) <= 1e-6 * expected.variance[c])
        }
    }

    @Test("A constant channel has its value as mean and no variance", arguments: [1, 5, 16, 40])
    func constant(_ channels: Int) {
        let layout = Layout(333, channels)
        let (mean, variance) = statistics([Float](repeating: 0.1, count: layout.count), layout)
        #expect(mean.array.allSatisfy { $0 == 0.1 })
        #expect(variance.array.allSatisfy { $0 >= 0 && $0 < 1e-14 })
    }

    @Test("What is not finite shows in its channel and in no other", arguments: [Float.nan, .infinity, -.infinity], [4, 15, 40])
    func notFinite(_ value: Float, _ channels: Int) {
        let layout = Layout(150, channels)
        var x = normals(layout.count, 1)
        let clean = statistics(x, layout)
        x[101 * channels + 3] = value
        let (mean, variance) = statistics(x, layout)
        for c in 0..<channels {
            if c == 3 {
                #expect(!mean.array[c].isFinite && !variance.array[c].isFinite)
            } else {
                #expect(mean.array[c] == clean.mean.array[c] && variance.array[c] == clean.variance.array[c])
            }
        }
    }

    @Test("Normalisation equals float64's", arguments: Layout.all)
    func apply(_ layout: Layout) {
        let run = Run(layout)
        let moments = Reference(layout: layout).moments(doubles(run.x))
        let scale = FloatBuffer((0..<layout.channels).map { run.gamma[$0] * run.inverse[$0] })
        let (x, shift, addend) = (FloatBuffer(run.x), FloatBuffer(run.beta), FloatBuffer(run.addend))
        defer { withExtendedLifetime((x, shift, addend, scale, run.mean)) {} }
        for (useMean, useAddend, relu) in [(true, false, false), (true, true, true), (false, false, true), (false, true, false)] {
            let output = Guarded(count: layout.count)
            BatchNormalization.apply(
                x.pointer, rows: layout.rows, channels: layout.channels,
                mean: useMean ? UnsafePointer(run.mean.pointer) : nil, scale: scale.pointer, shift: shift.pointer,
                addend: useAddend ? UnsafePointer(addend.pointer) : nil, relu: relu, output: output.pointer)
            let expected = (0..<layout.count).map { i in
                let c = i % layout.channels
                let centered = Double(run.x[i]) - (useMean ? moments.mean[c] : 0)
                let value = centered * Double(scale[c]) + Double(run.beta[c]) + (useAddend ? Double(run.addend[i]) : 0)
                return relu ? max(value, 0) : value
            }
            #expect(relativeError(output.array, expected) < 1e-6)
            #expect(output.isGuardIntact)
        }
    }

    @Test("The output may be the input or the addend", arguments: Layout.all)
    func applyInPlace(_ layout: Layout) {
        let run = Run(layout)
        let (scale, shift) = (FloatBuffer(run.gamma), FloatBuffer(run.beta))
        defer { withExtendedLifetime((scale, shift, run.mean)) {} }
        func output(_ choose: (Guarded, Guarded) -> Guarded) -> [Float] {
            let (x, addend) = (Guarded(run.x), Guarded(run.addend))
            defer { withExtendedLifetime((x, addend)) {} }
            let output = choose(x, addend)
            BatchNormalization.apply(
                x.pointer, rows: layout.rows, channels: layout.channels, mean: run.mean.pointer, scale: scale.pointer,
                shift: shift.pointer, addend: addend.pointer, relu: true, output: output.pointer)
            return output.array
        }
        let expected = output { _, _ in Guarded(count: layout.count) }
        #expect(isIdentical(output { x, _ in x }, expected))
        #expect(isIdentical(output { _, addend in addend }, expected))
    }

    @Test("A ReLU does not hide what is not a number", arguments: [5, 16, 24])
    func reluKeepsNaN(_ channels: Int) {
        let layout = Layout(37, channels)
        let ones = FloatBuffer([Float](repeating: 1, count: channels))
        for place in [0, layout.count / 2, layout.count - 1] {
            let x = FloatBuffer(normals(layout.count, 1))
            x[place] = .nan
            defer { withExtendedLifetime((x, ones)) {} }
            let output = Guarded(count: layout.count)
            BatchNormalization.apply(
                x.pointer, rows: layout.rows, channels: channels, scale: ones.pointer, shift: ones.pointer, addend: nil,
                relu: true, output: output.pointer)
            #expect(output.array.indices.filter { output.array[$0].isNaN } == [place])
        }
    }

    @Test("Parameter gradients equal float64's", arguments: Layout.all)
    func parameterGradients(_ layout: Layout) {
        let run = Run(layout)
        let (gamma, beta) = run.parameterGradients()
        let expected = Reference(layout: layout).parameterGradients(doubles(run.x), doubles(run.dy))
        // Relative to what is summed: the sums themselves may cancel. One row has no deviation but the epsilon's.
        let scale = Double(layout.rows).squareRoot()
        for c in 0..<layout.channels where layout.rows > 1 {
            #expect(abs(Double(gamma.array[c]) - expected.gamma[c]) < 3e-6 * scale)
        }
        for c in 0..<layout.channels { #expect(abs(Double(beta.array[c]) - expected.beta[c]) < 1e-6 * scale + 1e-6) }
        #expect(gamma.isGuardIntact && beta.isGuardIntact)
    }

    @Test("Input gradients equal float64's", arguments: Layout.all.filter { $0.rows > 1 })
    func inputGradient(_ layout: Layout) {
        let run = Run(layout)
        let bare = Reference(layout: layout).inputGradient(doubles(run.x), doubles(run.dy), gamma: doubles(run.gamma))
        for (addend, gate) in [(false, false), (true, false), (false, true), (true, true)] {
            let result = run.inputGradient(addend: addend, gate: gate)
            let expected = bare.indices.map { i in
                gate && !(run.gate[i] > 0) ? 0 : bare[i] + (addend ? Double(run.addend[i]) : 0)
            }
            #expect(relativeError(result.array, expected) < 3e-6)
            #expect(result.isGuardIntact)
        }
    }

    @Test("The input gradient may be written over any input", arguments: [Layout(70, 7), Layout(77, 17), Layout(515, 64)])
    func inputGradientInPlace(_ layout: Layout) {
        let run = Run(layout)
        let expected = run.inputGradient(addend: true, gate: true).array
        for place in Run.Place.allCases {
            #expect(isIdentical(run.inputGradient(addend: true, gate: true, into: place).array, expected), "\(place)")
        }
    }

    @Test("All gradients equal finite differences", arguments: [Layout(7, 5), Layout(12, 16), Layout(5, 17), Layout(9, 24)])
    func differences(_ layout: Layout) {
        let run = Run(layout)
        let reference = Reference(layout: layout)
        let (x, dy, gamma, beta) = (doubles(run.x), doubles(run.dy), doubles(run.gamma), doubles(run.beta))
        let toInput = finiteDifferences(x) { dot(reference.forward($0, gamma: gamma, beta: beta), dy) }
        let toGamma = finiteDifferences(gamma) { dot(reference.forward(x, gamma: $0, beta: beta), dy) }
        let toBeta = finiteDifferences(beta) { dot(reference.forward(x, gamma: gamma, beta: $0), dy) }
        #expect(relativeError(run.inputGradient(addend: false, gate: false).array, toInput) < 1e-5)
        let sums = run.parameterGradients()
        #expect(relativeError(sums.gamma.array, toGamma) < 1e-5)
        #expect(relativeError(sums.beta.array, toBeta) < 1e-5)
    }
}
