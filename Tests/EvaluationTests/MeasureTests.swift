import Attacks
import Datasets
import Evaluation
import Foundation
import Kernels
import Testing

@Suite struct MeasureTests {
    private let shape = ImageShape(height: 8, width: 8, channels: 1)

    private func corrupted(_ corruption: Corruption, _ pixels: [UInt8], index: Int = 0, seed: UInt64 = 0, shape: ImageShape? = nil) throws -> [UInt8] {
        var pixels = pixels
        try corruption.apply(to: &pixels, shape: shape ?? self.shape, index: index, seed: seed)
        return pixels
    }

    @Test func brightness() throws {
        #expect(try corrupted(Corruption(.brightness, 0.1), [UInt8](repeating: 100, count: 64)).allSatisfy { $0 == 126 })
        #expect(try corrupted(Corruption(.brightness, -0.5), [UInt8](repeating: 100, count: 64)).allSatisfy { $0 == 0 })
        #expect(try corrupted(Corruption(.brightness, 0.9), [UInt8](repeating: 100, count: 64)).allSatisfy { $0 == 255 })
    }

    @Test func noiseHasItsSizeAndIsKeyedByImage() throws {
        let large = ImageShape(height: 64, width: 64, channels: 3)
        let grey = [UInt8](repeating: 128, count: large.count)
        let noisy = try corrupted(Corruption(.noise, 0.05), grey, shape: large)
        let moves = noisy.map { (Double($0) - 128) / 255 }
        let mean = moves.reduce(0, +) / Double(moves.count)
        let deviation = (moves.reduce(0) { $0 + $1 * $1 } / Double(moves.count)).squareRoot()
        #expect(abs(mean) < 0.002 && abs(deviation - 0.05) < 0.002, "\(mean) \(deviation)")
        #expect(try noisy == corrupted(Corruption(.noise, 0.05), grey, shape: large))
        #expect(try noisy != corrupted(Corruption(.noise, 0.05), grey, index: 1, shape: large))
        #expect(try noisy != corrupted(Corruption(.noise, 0.05), grey, seed: 1, shape: large))
    }

    /// One white pixel becomes the Gaussian itself; what is flat stays so, up to the border.
    @Test func blurIsGaussian() throws {
        var point = [UInt8](repeating: 0, count: 64)
        point[8 * 4 + 3] = 255
        let blurred = try corrupted(Corruption(.blur, 1), point)
        let weights = (-3...3).map { exp(-Double($0 * $0) / 2) }
        let sum = weights.reduce(0, +)
        for row in 1...7 {
            for column in 0...6 {
                let expected = 255 * weights[row - 1] / sum * weights[column] / sum
                #expect(abs(Double(blurred[8 * row + column]) - expected) <= 0.51, "\(row) \(column)")
            }
        }
        #expect(try corrupted(Corruption(.blur, 2), [UInt8](repeating: 77, count: 64)).allSatisfy { $0 == 77 })
    }

    @Test func jpegLosesMoreAtLowerQuality() throws {
        for channels in [1, 3] {
            let shape = ImageShape(height: 16, width: 16, channels: channels)
            let pixels = (0..<shape.count).map { UInt8(128 + 100 * sin(Double($0) * 0.37)) }
            func loss(_ quality: Double) throws -> Double {
                zip(try corrupted(Corruption(.jpeg, quality), pixels, shape: shape), pixels).reduce(0) { $0 + abs(Double($1.0) - Double($1.1)) }
            }
            #expect(try loss(20) > loss(80) && loss(80) > loss(100))
        }
    }

    /// A linear model's k-th class has a distance in closed form, too: the radius at which k others are above the label.
    @Test func topRanksAreThoseOfTheClosedForm() throws {
        let model = KnownModel(classes: 5)
        let data = model.dataset(16)
        let epsilon = Float(8.0 / 255)
        let top = TopRank(model, threat: ThreatModel(norm: .linf, epsilon: epsilon), seed: 0)
        var image = [Float](repeating: 0, count: 16)
        var (held, missed) = ([0, 0], 0)
        for i in 0..<16 {
            try data.read(i, values: &image)
            let label = Int(data.labels[i])
            // An attack breaks nothing beyond the distance, and misses little within it.
            let (holds, isFar) = (try top.holds(image, label: label, index: i, k: 1), model.distance(image, label: label) > Double(epsilon))
            #expect(holds || !isFar)
            if holds, !isFar { missed += 1 }
            for (place, k) in [1, 3].enumerated() where try top.holds(image, label: label, index: i, k: k) { held[place] += 1 }
        }
        #expect(held[0] < held[1] && missed <= 1, "\(held) \(missed)")
    }

    @Test func measuresCountWhatTheyAreToldFellAsFallen() throws {
        let model = KnownModel(classes: 5)
        let data = model.dataset(12)
        var runner = MeasureRunner(norm: .linf, epsilons: [0, 8.0 / 255], seed: 1)
        runner.corruptions = [Corruption(.brightness, 0), Corruption(.noise, 0.3)]
        func run(_ fallen: Set<Int> = [], ranks: Int = 1) throws -> Measures {
            runner.total(
                try (0..<ranks).map { try runner.share(model: model, dataset: data, indices: Array(0..<12), fallen: [8.0 / 255: fallen], rank: $0, size: ranks) },
                classes: 5, count: 12)
        }
        let plain = try run()
        #expect(plain.top.map(\.k) == [1, 3] && plain.top.allSatisfy { $0.clean == 12 && $0.robust <= 12 })
        #expect(plain.top[0].robust <= plain.top[1].robust)
        #expect(plain.faults[0].correct == 12 && plain.faults[1].correct < 12)
        // An image that the evaluation broke does not count as right, however it fares here.
        #expect(try run(Set(0..<12)).top[0].robust == 0 && run(Set(0..<12)).top[1] == plain.top[1])
        #expect(try run(ranks: 3) == plain)
    }
}
