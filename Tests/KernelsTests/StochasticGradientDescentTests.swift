import Kernels
import Testing

@Suite("Stochastic gradient descent")
struct StochasticGradientDescentTests {
    @Test("Three steps are PyTorch's", arguments: [true, false])
    func pytorch(_ nesterov: Bool) {
        // i = torch.arange(19); w = torch.nn.Parameter((i % 7 - 3) / 4)
        // o = torch.optim.SGD([w], lr=0.125, momentum=0.75, nesterov=…, weight_decay=0.0625 if nesterov else 0)
        // for s in range(3): w.grad = (i % 5 - 2) / 8 * (s + 1); o.step()
        // print(w.tolist())
        let expected: [Double] =
            nesterov
            ? [
                -0.3201015, -0.27849799, -0.23689444, -0.19529091, -0.15368736, 0.8643707, 0.90597427, -0.71068335,
                -0.66907978, -0.62747627, 0.39058182, 0.43218535, 0.47378889, 0.51539242, -1.10126519, -0.08320707,
                -0.04160354, 0, 0.04160354,
            ]
            : [
                -0.47460938, -0.36230469, -0.25, -0.13769531, -0.02539062, 0.77539062, 0.88769531, -0.75, -0.63769531,
                -0.52539062, 0.27539062, 0.38769531, 0.5, 0.61230469, -1.02539062, -0.22460938, -0.11230469, 0,
                0.11230469,
            ]
        let parameters = Guarded((0..<19).map { Float($0 % 7 - 3) / 4 })
        let momentum = Guarded([Float](repeating: 0, count: 19))
        for step in 1...3 {
            // Sums over four samples.
            let gradients = FloatBuffer((0..<19).map { 4 * Float($0 % 5 - 2) / 8 * Float(step) })
            defer { withExtendedLifetime(gradients) {} }
            StochasticGradientDescent.update(
                parameters: parameters.pointer, gradients: gradients.pointer, momentumBuffer: momentum.pointer, count: 19,
                learningRate: 0.125, momentum: 0.75, nesterov: nesterov, weightDecay: nesterov ? 0.0625 : 0,
                gradientScale: 0.25)
        }
        #expect(relativeError(parameters.array, expected) < 3e-7)
        #expect(parameters.isGuardIntact && momentum.isGuardIntact)
    }

    @Test("One step equals float64's", arguments: [1, 15, 16, 33, 1000], [true, false])
    func step(_ count: Int, _ nesterov: Bool) {
        let (w, g, v) = (normals(count, 1), normals(count, 2), normals(count, 3))
        let (parameters, gradients, momentum) = (Guarded(w), FloatBuffer(g), Guarded(v))
        defer { withExtendedLifetime(gradients) {} }
        let (rate, factor, decay, scale) = (Float(0.1), Float(0.9), Float(5e-4), Float(1) / 128)
        StochasticGradientDescent.update(
            parameters: parameters.pointer, gradients: gradients.pointer, momentumBuffer: momentum.pointer, count: count,
            learningRate: rate, momentum: factor, nesterov: nesterov, weightDecay: decay, gradientScale: scale)
        var (newW, newV): ([Double], [Double]) = ([], [])
        for i in 0..<count {
            let gradient = Double(g[i]) * Double(scale) + Double(decay) * Double(w[i])
            newV.append(Double(factor) * Double(v[i]) + gradient)
            newW.append(Double(w[i]) - Double(rate) * (nesterov ? gradient + Double(factor) * newV[i] : newV[i]))
        }
        #expect(relativeError(parameters.array, newW) < 3e-7)
        #expect(relativeError(momentum.array, newV) < 3e-7)
        #expect(parameters.isGuardIntact && momentum.isGuardIntact)
    }
}
