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

    /// Of 200×200 pixels the fixture has every seventh row and column.
    @Test(arguments: SalienceEstimatorName.allCases.filter { ![.spectralResidual, .centrePrior].contains($0) }, [(3, 5, 3), (28, 28, 1), (200, 200, 3), (40, 30, 2)])
    func mapsAreThoseOfTheReference(name: SalienceEstimatorName, size: (Int, Int, Int)) throws {
        let shape = ImageShape(height: size.0, width: size.1, channels: size.2)
        let file = try NpyFile(fixtures + "/\(name.rawValue)-\(size.0)x\(size.1)x\(size.2).npy")
        let step = size.0 == 200 ? 7 : 1
        let map = estimate(name.estimator(), picture(shape), shape)
        let found = stride(from: 0, to: size.0, by: step).flatMap { y in stride(from: 0, to: size.1, by: step).map { map[y * size.1 + $0] } }
        #expect(file.shape == [(size.0 + step - 1) / step, (size.1 + step - 1) / step])
        let largest = zip(found, try file.floats()).map { abs($0 - $1) }.max() ?? .infinity
        #expect(largest < 1e-5, "largest difference \(largest)")
        // Three rows have no inside that would not touch the border in a picture without closed outlines.
        if size.0 > 3 { #expect(map.min() == 0 && map.max() == 1) }
    }

    @Test func aCentreWeightedMapIsThatOfTheReference() throws {
        let shape = ImageShape(height: 28, width: 28, channels: 1)
        let estimator = try salienceEstimator(named: "boolean-map", centrePrior: 0.3)
        let expected = try NpyFile(fixtures + "/centre-weighted-28x28x1.npy").floats()
        let found = estimate(estimator, picture(shape), shape)
        #expect((zip(found, expected).map { abs($0 - $1) }.max() ?? 1) < 1e-5 && found.max() == 1)
        #expect(estimator.provenance.name == "boolean-map" && estimator.provenance.settings["centrePrior"] == .number(0.3))
    }

    /// A figure on a ground: each estimator that looks at the image finds it where it is, in grey and in colour alike.
    @Test(arguments: SalienceEstimatorName.allCases.filter { $0 != .centrePrior }, [1, 3])
    func aFigureIsFound(name: SalienceEstimatorName, channels: Int) {
        let shape = ImageShape(height: 64, width: 64, channels: channels)
        let noise = Philox(seed: 3, purpose: .test)
        var image = (0..<shape.count).map { 0.3 + 0.05 * (noise.uniform($0 / channels) as Float) }
        for y in 38..<50 { for x in 8..<20 { for c in 0..<channels { image[(y * 64 + x) * channels + c] = 0.9 } } }
        let map = estimate(name.estimator(), image, shape)
        var inside: Float = 0
        for y in 34..<54 { for x in 4..<24 { inside += map[y * 64 + x] } }
        // The place is a tenth of the image.
        #expect(inside / map.reduce(0, +) > 0.2, "\(inside / map.reduce(0, +))")
    }

    /// Colour that is grey is grey.
    @Test(arguments: SalienceEstimatorName.allCases) func equalChannelsAreOneChannel(name: SalienceEstimatorName) {
        let one = ImageShape(height: 40, width: 30, channels: 1)
        let image = picture(one)
        let three = ImageShape(height: 40, width: 30, channels: 3)
        let (a, b) = (estimate(name.estimator(), image, one), estimate(name.estimator(), image.flatMap { [$0, $0, $0] }, three))
        #expect(zip(a, b).allSatisfy { abs($0 - $1) < 1e-3 }, "\(zip(a, b).map { abs($0 - $1) }.max()!)")
    }

    @Test func redOnGreenOfTheSameLumaIsSeenInColour() {
        let shape = ImageShape(height: 48, width: 48, channels: 3)
        var image = [Float](repeating: 0, count: shape.count)
        for i in 0..<shape.pixels {
            let isFigure = (20..<28).contains(i / 48) && (6..<14).contains(i % 48)
            // 0.299 · 0.5 = 0.587 · 0.2547.
            image[3 * i + (isFigure ? 0 : 1)] = isFigure ? 0.5 : 0.5 * 0.299 / 0.587
        }
        for name in [SalienceEstimatorName.booleanMap, .colourSpectral] {
            let map = estimate(name.estimator(), image, shape)
            let peak = map.indices.max { map[$0] < map[$1] } ?? 0
            #expect((18..<30).contains(peak / 48) && (4..<16).contains(peak % 48), "\(name): row \(peak / 48), column \(peak % 48)")
        }
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

    @Test(arguments: SalienceEstimatorName.allCases.filter { $0 != .centrePrior }, [Float(0), 0.3, 1])
    func anImageWithoutContrastHasNoSalience(name: SalienceEstimatorName, level: Float) {
        let shape = ImageShape(height: 10, width: 12, channels: 3)
        let image = [Float](repeating: level, count: shape.count)
        #expect(estimate(name.estimator(), image, shape) == [Float](repeating: 0, count: 120))
        #expect(estimate(CentreWeighted(name.estimator(), sigma: 0.25), image, shape) == [Float](repeating: 0, count: 120))
    }

    @Test func valuesStayInRangeForAnyImage() {
        for (seed, shape) in [
            ImageShape(height: 1, width: 1, channels: 1), ImageShape(height: 1, width: 200, channels: 3), ImageShape(height: 65, width: 3, channels: 4),
            ImageShape(height: 3, width: 5, channels: 1), ImageShape(height: 2, width: 2, channels: 3), ImageShape(height: 300, width: 20, channels: 3),
        ].enumerated() {
            var image = [Float](repeating: 0, count: shape.count)
            Philox(seed: UInt64(seed), purpose: .test).fillUniform(&image, count: image.count, low: 0, high: 1)
            for name in SalienceEstimatorName.allCases {
                #expect(estimate(name.estimator(), image, shape).allSatisfy { $0 >= 0 && $0 <= 1 }, "\(name) \(shape)")
                #expect(estimate(CentreWeighted(name.estimator(), sigma: 0.2), image, shape).allSatisfy { $0 >= 0 && $0 <= 1 }, "\(name) \(shape)")
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
