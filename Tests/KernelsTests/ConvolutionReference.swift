import Kernels

/// The three passes of a convolution by their definition, in float64, with plain loops: what the kernels must equal.
struct ConvolutionReference {
    let shape: ConvolutionShape

    /// Calls `body` for each product the convolution has: indices into one image's input and output, and the filter.
    private func forEachProduct(_ body: (_ input: Int, _ output: Int, _ filter: Int) -> Void) {
        for oy in 0..<shape.outputHeight {
            for ox in 0..<shape.outputWidth {
                for ky in 0..<shape.kernel {
                    let y = oy * shape.stride + ky - shape.padding
                    guard y >= 0, y < shape.height else { continue }
                    for kx in 0..<shape.kernel {
                        let x = ox * shape.stride + kx - shape.padding
                        guard x >= 0, x < shape.width else { continue }
                        for i in 0..<shape.inputChannels {
                            for o in 0..<shape.outputChannels {
                                body(
                                    (y * shape.width + x) * shape.inputChannels + i,
                                    (oy * shape.outputWidth + ox) * shape.outputChannels + o,
                                    ((ky * shape.kernel + kx) * shape.inputChannels + i) * shape.outputChannels + o)
                            }
                        }
                    }
                }
            }
        }
    }

    func forward(_ input: [Float], _ filter: [Float], batch: Int) -> [Double] {
        var output = [Double](repeating: 0, count: batch * shape.outputCount)
        for n in 0..<batch {
            forEachProduct { i, o, f in
                output[n * shape.outputCount + o] += Double(input[n * shape.inputCount + i]) * Double(filter[f])
            }
        }
        return output
    }

    func inputGradient(_ outputGradient: [Float], _ filter: [Float], batch: Int) -> [Double] {
        var gradient = [Double](repeating: 0, count: batch * shape.inputCount)
        for n in 0..<batch {
            forEachProduct { i, o, f in
                gradient[n * shape.inputCount + i] += Double(outputGradient[n * shape.outputCount + o]) * Double(filter[f])
            }
        }
        return gradient
    }

    func filterGradient(_ input: [Float], _ outputGradient: [Float], batch: Int) -> [Double] {
        var gradient = [Double](repeating: 0, count: shape.filterCount)
        for n in 0..<batch {
            forEachProduct { i, o, f in
                gradient[f] +=
                    Double(input[n * shape.inputCount + i]) * Double(outputGradient[n * shape.outputCount + o])
            }
        }
        return gradient
    }

    /// `epilogue`'s definition, value by value.
    static func apply(
        _ values: [Double], channels: Int, bias: [Float]?, addend: [Float]?, relu: Bool, gate: [Float]?
    ) -> [Double] {
        values.indices.map { i in
            var value = values[i]
            if let bias { value += Double(bias[i % channels]) }
            if let addend { value += Double(addend[i]) }
            if relu { value = max(0, value) }
            if let gate, gate[i] <= 0 { value = 0 }
            return value
        }
    }
}

/// The largest difference between `values` and `reference`, as a share of the reference's largest magnitude.
func relativeError(_ values: [Float], _ reference: [Double]) -> Double {
    guard values.count == reference.count else { return .infinity }
    let scale = reference.reduce(0) { max($0, abs($1)) }
    var worst = 0.0
    for (value, expected) in zip(values, reference) {
        let difference = abs(Double(value) - expected)
        // A NaN must not slip through a comparison.
        if !(difference <= worst) { worst = difference.isNaN ? .infinity : difference }
    }
    return worst / max(scale, 1e-30)
}
