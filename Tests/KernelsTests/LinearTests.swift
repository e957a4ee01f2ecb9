import Kernels
import Testing

/// y = x·Wᵀ + b in float64.
private func forward(_ x: [Double], _ w: [Double], _ b: [Double], batch: Int) -> [Double] {
    let (outputs, inputs) = (b.count, w.count / b.count)
    return (0..<batch * outputs).map { i in
        (0..<inputs).reduce(b[i % outputs]) { $0 + x[i / outputs * inputs + $1] * w[i % outputs * inputs + $1] }
    }
}

@Suite("Linear layers")
struct LinearTests {
    @Test("Outputs equal float64's, gradients finite differences", arguments: [(1, 1, 1), (5, 7, 3), (2, 33, 10), (17, 8, 19)])
    func passes(_ size: (batch: Int, inputs: Int, outputs: Int)) {
        let (batch, inputs, outputs) = size
        let (x, dy) = (FloatBuffer(normals(batch * inputs, 1)), FloatBuffer(normals(batch * outputs, 4)))
        let (w, b) = (FloatBuffer(normals(outputs * inputs, 2)), FloatBuffer(normals(outputs, 3)))
        defer { withExtendedLifetime((x, dy, w, b)) {} }
        let (y, dx) = (Guarded(count: batch * outputs), Guarded(count: batch * inputs))
        let (dw, db) = (Guarded(count: outputs * inputs), Guarded(count: outputs))
        Linear.forward(
            x.pointer, weights: w.pointer, bias: b.pointer, batch: batch, inputs: inputs, outputs: outputs, output: y.pointer)
        Linear.inputGradient(
            dy.pointer, weights: w.pointer, batch: batch, inputs: inputs, outputs: outputs, inputGradient: dx.pointer)
        Linear.parameterGradients(
            x.pointer, outputGradient: dy.pointer, batch: batch, inputs: inputs, outputs: outputs,
            weightGradient: dw.pointer, biasGradient: db.pointer)
        let (x64, w64, b64, dy64) = (doubles(x.array), doubles(w.array), doubles(b.array), doubles(dy.array))
        #expect(relativeError(y.array, forward(x64, w64, b64, batch: batch)) < 1e-6)
        #expect(relativeError(dx.array, finiteDifferences(x64) { dot(forward($0, w64, b64, batch: batch), dy64) }) < 1e-6)
        #expect(relativeError(dw.array, finiteDifferences(w64) { dot(forward(x64, $0, b64, batch: batch), dy64) }) < 1e-6)
        #expect(relativeError(db.array, finiteDifferences(b64) { dot(forward(x64, w64, $0, batch: batch), dy64) }) < 1e-6)
        #expect(y.isGuardIntact && dx.isGuardIntact && dw.isGuardIntact && db.isGuardIntact)
    }
}
