import Testing
import Training

/// When the watch calls it a collapse.
@Suite struct WatchTests {
    private func collapse(_ now: (Double, Double?), best: (Double, Double?), images: Int = 100, drop: Double = 0.5) -> String? {
        WatchedAccuracy(images: images, everywhere: now.0, masked: now.1).collapse(
            from: WatchedAccuracy(images: images, everywhere: best.0, masked: best.1), drop: drop)
    }

    @Test func halfOfTheBestIsLost() throws {
        #expect(collapse((0.30, nil), best: (0.40, nil)) == nil)
        #expect(collapse((0.20, nil), best: (0.40, nil)) == nil)
        #expect(try #require(collapse((0.19, nil), best: (0.40, nil))).contains("fell from 40.00 % to 19.00 %"))
        #expect(collapse((0.19, nil), best: (0.40, nil), drop: 0.6) == nil)
    }

    /// An attack inside the mask can be the only one that shows it.
    @Test func eitherAccuracyCounts() throws {
        let text = try #require(collapse((0.02, 0.1), best: (0.03, 0.6)))
        #expect(text.contains("inside the mask fell from 60.00 %") && !text.contains("robust accuracy fell"))
        #expect(collapse((0.0, 0.5), best: (0.4, 0.5)) != nil)
    }

    /// Of few images, or from an accuracy near 0, a fall is chance.
    @Test func aFewImagesAreNoCollapse() {
        #expect(collapse((0.02, nil), best: (0.07, nil)) == nil)
        #expect(collapse((0.0, nil), best: (0.5, nil), images: 10) == nil)
        #expect(WatchedAccuracy(images: 100, everywhere: 0, masked: nil).collapse(from: nil, drop: 0.5) == nil)
    }
}
