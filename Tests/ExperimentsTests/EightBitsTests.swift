import Experiments
import Testing

@Suite struct EightBitsTests {
    private func rounded(_ perturbed: [Float], _ clean: [UInt8], _ epsilon: Float) -> [UInt8] {
        perturbed.withUnsafeBufferPointer { perturbed in clean.withUnsafeBufferPointer { EightBits.rounded(perturbed, clean: $0, epsilon: epsilon) } }
    }

    @Test func theNearestStepWithinTheRadius() {
        let clean: [UInt8] = [100, 100, 100, 100, 0, 255, 100]
        // Steps of 2.4, −2.6, 2.7 and so on, at a radius of 2.6 steps: 3 would be too far.
        let perturbed = [102.4, 97.4, 102.7, 100.4, 0.6, 254.6, 102.6].map { Float($0) / 255 }
        #expect(rounded(perturbed, clean, 2.6 / 255) == [102, 98, 102, 100, 1, 255, 102])
        #expect(rounded(perturbed, clean, 3.0 / 255) == [102, 97, 103, 100, 1, 255, 103])
    }

    @Test(arguments: [(8.0 / 255, 8), (1.0 / 255, 1), (0.03, 7), (0.0039, 0), (1, 255)] as [(Float, Int)])
    func wholeSteps(epsilon: Float, steps: Int) { #expect(EightBits.steps(epsilon) == steps) }
}
