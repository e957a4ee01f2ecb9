import Foundation

/// How much of the images a set of salience maps protects, to look at before training with them.
package struct SalienceStatistics: Codable, Hashable, Sendable {
    package var count: Int
    package var states: SalienceCounts
    /// Images whose map marks anything at all.
    package var annotated: Int { states.map }
    /// The mean value of all maps.
    package var meanSalience: Double
    /// Share of pixels that may not move at all under the binary mask; over annotated images (0 when there are none).
    package var meanProtected: Double
    package var minimumProtected: Double
    package var medianProtected: Double
    package var maximumProtected: Double
    /// Pixels of all images by salience: ten bins of width 0.1, the last including 1.
    package var histogram: [Int]
    /// The binary mask's threshold.
    package var threshold: Float

    /// Reads every map once.
    package init(_ maps: some SalienceSource, threshold: Float = 0.5) throws {
        let pixels = maps.size.pixels
        var map = [Float](repeating: 0, count: pixels)
        var total = 0.0
        var histogram = [Int](repeating: 0, count: 10)
        var shares: [Double] = []
        var states = SalienceCounts()
        for index in 0..<maps.count {
            let state = maps.state(of: index)
            states[state] += 1
            guard state == .map else {
                histogram[0] += pixels
                continue
            }
            try maps.read(index, into: &map)
            var protected = 0
            for value in map {
                total += Double(value)
                histogram[min(9, Int(value * 10))] += 1
                if 1 - value < threshold { protected += 1 }
            }
            shares.append(Double(protected) / Double(pixels))
        }
        shares.sort()
        count = maps.count
        self.states = states
        meanSalience = total / Double(max(1, maps.count * pixels))
        meanProtected = shares.reduce(0, +) / Double(max(1, shares.count))
        minimumProtected = shares.first ?? 0
        medianProtected = shares.isEmpty ? 0 : (shares[(shares.count - 1) / 2] + shares[shares.count / 2]) / 2
        maximumProtected = shares.last ?? 0
        self.histogram = histogram
        self.threshold = threshold
    }

    /// A few lines for a terminal, the histogram as bars.
    package var table: String {
        func percent(_ share: Double) -> String { String(format: "%.1f %%", 100 * share) }
        var lines = [
            "images               \(count): \(states.summary)",
            "mean salience        \(String(format: "%.3f", meanSalience))",
            "protected per image  mean \(percent(meanProtected)), median \(percent(medianProtected)), "
                + "\(percent(minimumProtected)) to \(percent(maximumProtected)) (mask 1 − S < \(threshold))",
        ]
        let all = Double(max(1, histogram.reduce(0, +)))
        for (bin, pixels) in histogram.enumerated() {
            let share = Double(pixels) / all
            let bar = String(repeating: "█", count: Int((share * 40).rounded()))
            lines.append(String(format: "  S %.1f to %.1f  %5.1f %%  ", Double(bin) / 10, Double(bin + 1) / 10, 100 * share) + bar)
        }
        return lines.joined(separator: "\n")
    }
}
