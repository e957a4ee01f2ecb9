/// What stands in for the maps of a data set in a control experiment: maps that protect as much of each image, but say nothing of
/// it. If one of them does as well as the maps, the maps bought nothing.
package enum SalienceControl: String, Sendable, Hashable, CaseIterable {
    /// A contiguous blob of the same area at a random place, see `writeRandomBlob`.
    case random
    /// Another image's map of the same split.
    case shuffled
    /// The most central pixels, as many as the map marks; where there are no maps, the centre prior itself.
    case centrePrior = "centre-prior"
}

/// How the maps of a data set are changed before anything is made of them.
package struct SalienceRule: Sendable, Hashable {
    /// Nil keeps each image's own map.
    package var control: SalienceControl?
    /// The share of each image's pixels that is protected, its most salient ones; 0 protects what the mask's threshold does.
    package var coverage: Double
    /// The binary mask's threshold: the area of a control is that of the pixels that a map protects with it.
    package var threshold: Float
    package var seed: UInt64
    /// Whether the blobs of `.random` are at other places in each epoch: then none of an image's pixels stays protected.
    package var redrawn: Bool

    package init(control: SalienceControl? = nil, coverage: Double = 0, threshold: Float = 0.5, seed: UInt64 = 0, redrawn: Bool = false) {
        self.control = control
        self.coverage = coverage
        self.threshold = threshold
        self.seed = seed
        self.redrawn = redrawn
    }

    /// In words, for logs and fingerprints: "control random (seed 0), coverage 0.3".
    package var text: String {
        let area = coverage == 0 && control != nil && control != .shuffled ? ", area of the maps at threshold \(threshold)" : ""
        let anew = redrawn ? ", drawn anew each epoch" : ""
        return [control.map { "control \($0.rawValue) (seed \(seed)\(area)\(anew))" }, coverage > 0 ? "coverage \(coverage)" : nil].compactMap { $0 }
            .joined(separator: ", ")
    }
}

/// How many pixels a share of an image is: rounded to nearest, halves away from zero.
package func coveredPixels(_ share: Double, of pixels: Int) -> Int { Int((share * Double(pixels)).rounded()) }
