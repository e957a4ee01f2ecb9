import Review
import Testing

/// Figures marked scipy were computed with scipy.stats.norm; Newcombe's are those of his table II, method 10.
@Suite struct DetectionTests {
    private func isNear(_ a: Double?, _ b: Double, _ tolerance: Double = 1e-9) -> Bool { a.map { abs($0 - b) <= tolerance } ?? false }

    @Test(arguments: [(0.975, 1.959963984540054), (0.5, 0), (0.001, -3.090232306167813), (0.7, 0.5244005127080407), (1e-12, -7.034483825301131)])
    func deviatesAreSciPys(probability: Double, z: Double) {
        #expect(isNear(normalDeviate(probability), z, 1e-9), "\(normalDeviate(probability))")
    }

    @Test func dPrimeOfTwoAlternatives() throws {
        // √2 · 0.6744897501960817; Wilson's interval of 75 of 100 is 0.6569 to 0.8245.
        let seen = try #require(Detection.dPrime(.init(hits: 75, trials: 100)))
        #expect(isNear(seen.estimate, 0.9538725524) && isNear(seen.low, 0.5715, 5e-4) && isNear(seen.high, 1.3193, 5e-4), "\(seen)")
        #expect(isNear(Detection.dPrime(.init(hits: 20, trials: 40))?.estimate, 0))
        // All right: as if half an answer of 20 were wrong, √2 · z(0.975).
        let all = try #require(Detection.dPrime(.init(hits: 20, trials: 20)))
        #expect(isNear(all.estimate, 2.0.squareRoot() * 1.959963984540054) && all.high == all.estimate)
        let none = try #require(Detection.dPrime(.init(hits: 0, trials: 20)))
        #expect(isNear(none.estimate, -all.estimate))
        #expect(Detection.dPrime(.init()) == nil)
    }

    @Test(arguments: [(56, 70, 48, 80, 0.0524, 0.3339), (9, 10, 3, 10, 0.1705, 0.8090), (10, 10, 0, 10, 0.6075, 1), (0, 10, 0, 10, -0.2775, 0.2775)])
    func differencesAreNewcombes(a: Int, m: Int, b: Int, n: Int, low: Double, high: Double) throws {
        let found = try #require(Detection.difference(.init(hits: a, trials: m), .init(hits: b, trials: n)))
        #expect(isNear(found.low, low, 5e-5) && isNear(found.high, high, 5e-5), "\(found)")
    }
}
