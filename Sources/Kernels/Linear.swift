/// A fully connected layer, `y = x·Wᵀ + b`, with weights [outputs, inputs] as PyTorch stores them.
package enum Linear {
    /// - Parameters:
    ///   - input: [batch, inputs]; `output`: [batch, outputs]. 2 · batch · inputs · outputs FLOPs.
    package static func forward(
        _ input: UnsafePointer<Float>, weights: UnsafePointer<Float>, bias: UnsafePointer<Float>, batch: Int, inputs: Int,
        outputs: Int, output: UnsafeMutablePointer<Float>
    ) {
        for n in 0..<batch { (output + n * outputs).update(from: bias, count: outputs) }
        GEMM.multiply(input, weights, into: output, m: batch, n: outputs, k: inputs, transposeB: true, beta: 1)
    }

    package static func inputGradient(
        _ outputGradient: UnsafePointer<Float>, weights: UnsafePointer<Float>, batch: Int, inputs: Int, outputs: Int,
        inputGradient: UnsafeMutablePointer<Float>
    ) {
        GEMM.multiply(outputGradient, weights, into: inputGradient, m: batch, n: inputs, k: outputs)
    }

    /// Gradients of weights and bias, summed over the batch; overwritten.
    package static func parameterGradients(
        _ input: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>, batch: Int, inputs: Int, outputs: Int,
        weightGradient: UnsafeMutablePointer<Float>, biasGradient: UnsafeMutablePointer<Float>
    ) {
        GEMM.multiply(outputGradient, input, into: weightGradient, m: outputs, n: inputs, k: batch, transposeA: true)
        biasGradient.update(repeating: 0, count: outputs)
        for n in 0..<batch { for o in 0..<outputs { biasGradient[o] += outputGradient[n * outputs + o] } }
    }
}
