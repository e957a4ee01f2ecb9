import Diagnostics
import Foundation
import Kernels
import Salience
import Testing

@Suite struct EstimatorTests {
    /// The same picture as in Fixtures/make_fixtures.py.
    func picture(_ shape: ImageShape) -> [Float] {
        var values: [Float] = []
        for y in 0..<shape.height {
            for x in 0..<shape.width {
                for c in 0..<shape.channels {
                    let isBlock = abs(2 * x - shape.width) < shape.width / 3 && abs(4 * y - shape.height) < shape.height / 2
                    let pattern = (x * 7 + y * 13 + x * y * 3 + c * 31) % 97 + 2 * x + y
                    values.append(Float(isBlock ? 330 + 5 * ((x + y) % 3) : pattern) / 512)
                }
            }
        }
        return values
    }

    func estimate(_ estimator: any SalienceEstimator, _ image: [Float], _ shape: ImageShape) -> [Float] {
        var map = [Float](repeating: -1, count: shape.pixels)
        estimator.estimate(image: image, shape: shape, into: &map)
        return map
    }

    @Test(arguments: [(32, 32, 3), (20, 90, 1), (100, 72, 3), (8, 9, 2)])
    func theSpectralResidualIsThatOfTheReference(height: Int, width: Int, channels: Int) throws {
        let shape = ImageShape(height: height, width: width, channels: channels)
        let file = try NpyFile(fixtures + "/spectral-residual-\(height)x\(width)x\(channels).npy")
        #expect(file.shape == [height, width])
        let expected = try file.floats()
        let found = estimate(SpectralResidual(), picture(shape), shape)
        let largest = zip(found, expected).map { abs($0 - $1) }.max() ?? .infinity
        #expect(largest < 1e-5, "largest difference \(largest)")
        #expect(found.min() == 0 && found.max() == 1)
    }

    @Test func whatSticksOutIsSalient() {
        let shape = ImageShape(height: 64, width: 64, channels: 1)
        let noise = Philox(seed: 1, purpose: .test)
        var image = (0..<shape.pixels).map { 0.4 + 0.1 * sin(Float($0 % 64) * 0.8) + 0.02 * (noise.uniform($0) as Float) }
        for y in 40..<46 { for x in 10..<16 { image[y * 64 + x] = (x + y) % 2 == 0 ? 1 : 0 } }
        let map = estimate(SpectralResidual(), image, shape)
        let peak = map.indices.max { map[$0] < map[$1] } ?? 0
        #expect((38..<48).contains(peak / 64) && (8..<18).contains(peak % 64), "peak at row \(peak / 64), column \(peak % 64)")
    }

    @Test(arguments: [Float(0), 0.3, 1]) func anImageWithoutContrastHasNoSalience(level: Float) {
        let shape = ImageShape(height: 10, width: 12, channels: 3)
        #expect(estimate(SpectralResidual(), [Float](repeating: level, count: shape.count), shape) == [Float](repeating: 0, count: 120))
    }

    @Test func valuesStayInRangeForAnyImage() {
        for (seed, shape) in [
            ImageShape(height: 1, width: 1, channels: 1), ImageShape(height: 1, width: 200, channels: 3), ImageShape(height: 65, width: 3, channels: 4),
        ].enumerated() {
            var image = [Float](repeating: 0, count: shape.count)
            Philox(seed: UInt64(seed), purpose: .test).fillUniform(&image, count: image.count, low: 0, high: 1)
            for estimator: any SalienceEstimator in [SpectralResidual(), CentrePrior()] {
                #expect(estimate(estimator, image, shape).allSatisfy { $0 >= 0 && $0 <= 1 })
            }
        }
    }

    @Test func theCentrePriorIsAGaussianAroundTheCentre() {
        let shape = ImageShape(height: 5, width: 9, channels: 1)
        let map = estimate(CentrePrior(sigma: 0.2), [Float](repeating: 0, count: shape.count), shape)
        #expect(map[2 * 9 + 4] == 1)
        for y in 0..<5 {
            for x in 0..<9 {
                let (u, v) = (Double(x - 4) / 9, Double(y - 2) / 5)
                let expected = Foundation.exp(-(u * u + v * v) / 0.08)
                #expect(abs(Double(map[y * 9 + x]) - expected) < 1e-6)
            }
        }
    }

    @Test func namesLeadToEstimators() throws {
        for name in salienceEstimatorNames { #expect(try salienceEstimator(named: name).provenance.name == name) }
        #expect(failure { _ = try salienceEstimator(named: "spectral-residue") }?.message.contains("spectral-residual") == true)
        #expect(SpectralResidual(sigma: 3).provenance.settings == ["sigma": .number(3), "width": .number(64)])
    }

    @Test func bytesAreRounded() {
        let shape = ImageShape(height: 5, width: 9, channels: 1)
        let image = [Float](repeating: 0, count: shape.count)
        let map = estimate(CentrePrior(), image, shape)
        var bytes = [UInt8](repeating: 0, count: shape.pixels)
        CentrePrior().estimate(image: image, shape: shape, into: &bytes)
        #expect(bytes == map.map { UInt8(($0 * 255).rounded()) } && bytes.max() == 255)
    }
}
