import Diagnostics
import Kernels

/// What the built-in data set `synthetic` looks like; see `SyntheticGenerator`.
package struct SyntheticConfiguration: Sendable, Hashable {
    /// 2 to 100.
    package var classes = 10
    /// Height and width in pixels, 8 to 1024.
    package var size = 32
    /// 1 or 3.
    package var channels = 3
    package var trainCount = 4000
    package var testCount = 1000
    /// 0 (bold shapes, strong texture, no noise to speak of) to 1 (faint and noisy).
    package var difficulty = 0.5
    /// Probability that the background's texture is the one that goes with the class, 0 to 1; else it is any.
    package var backgroundCorrelation = 0.7
    package var seed: UInt64 = 0

    package init() {}

    package var imageShape: ImageShape { ImageShape(height: size, width: size, channels: channels) }

    /// - Throws: `Failure.usage` that names, as the recipe does, the first setting out of range.
    package func validate() throws {
        func check(_ name: String, _ isRight: Bool, _ found: some Any, _ expected: String) throws {
            guard !isRight else { return }
            throw Failure.usage(
                "synthetic.\(name) is \(found), expected \(expected)", remedy: "set synthetic.\(name) to \(expected)")
        }
        try check("classes", (2...100).contains(classes), classes, "2 to 100")
        try check("size", (8...1024).contains(size), size, "8 to 1024 pixels")
        try check("channels", channels == 1 || channels == 3, channels, "1 or 3")
        for (name, count) in [("train", trainCount), ("test", testCount)] {
            try check(name, (1...10_000_000).contains(count), count, "1 to 10000000")
            let (bytes, overflow) = count.multipliedReportingOverflow(by: imageShape.count)
            try check(name, !overflow && bytes <= 1 << 36, count, "few enough images of \(imageShape) to fit in memory")
        }
        try check("difficulty", (0...1).contains(difficulty), difficulty, "0 to 1")
        try check("backgroundCorrelation", (0...1).contains(backgroundCorrelation), backgroundCorrelation, "0 to 1")
    }
}
