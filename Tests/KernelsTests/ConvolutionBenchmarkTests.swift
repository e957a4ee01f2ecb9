import Kernels
import Testing

@Suite("Convolution benchmark")
struct ConvolutionBenchmarkTests {
    @Test("Every algorithm is measured in every pass", arguments: ConvolutionAlgorithm.allCases)
    func measure(_ algorithm: ConvolutionAlgorithm) {
        let shape = ConvolutionShape(
            height: 8, width: 8, inputChannels: 16, outputChannels: 16, kernel: 3,
            stride: algorithm == .stridedWinograd ? 2 : 1, padding: 1)
        let layer = ConvolutionBenchmark.Layer("layer", shape, batch: 2)
        let result = ConvolutionBenchmark.measure(layer, algorithm: algorithm, seconds: 0)
        #expect(result.algorithm == algorithm)
        for speed in [result.forward, result.inputGradient, result.filterGradient] {
            #expect(speed.isFinite && speed > 0)
        }
    }

    @Test("Peak is finite and positive")
    func peak() {
        let peak = ConvolutionBenchmark.peak()
        #expect(peak.isFinite && peak > 0)
    }
}
