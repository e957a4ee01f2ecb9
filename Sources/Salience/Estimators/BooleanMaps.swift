import Kernels

/// Boolean maps (J. Zhang and S. Sclaroff, "Saliency Detection: A Boolean Map Approach", ICCV 2013).
///
/// Each channel of L*a*b*, stretched to 0…255, is cut at thresholds 8 apart. Of each Boolean map and of its complement only
/// regions remain that do not touch the image's border: a figure is surrounded by its ground. What remains, divided by its L2
/// norm (so that small surrounded regions weigh more), is added up over thresholds and channels, blurred and scaled to [0, 1].
/// Regions are 8-connected. A channel that hardly varies, as a* and b* of a grey picture, does not count.
///
/// Images longer than 256 pixels are worked on at that size. One flood fill per threshold and channel: 4 ms for a grey image
/// of 64×64, 40 ms for one of 200×200.
package struct BooleanMaps: SalienceEstimator {
    /// Standard deviation of the final blur as a share of the longer side.
    package let sigma: Double

    private static let step = 8
    private static let longestSide = 256

    /// - Parameter sigma: the paper's blur is 20 pixels of 400.
    package init(sigma: Double = 0.05) {
        precondition(sigma > 0, "a Gaussian of width \(sigma)")
        self.sigma = sigma
    }

    package var provenance: SalienceProvenance.Estimator {
        SalienceProvenance.Estimator(
            name: "boolean-map",
            settings: ["sigma": .number(sigma), "step": .number(Double(Self.step)), "longestSide": .number(Double(Self.longestSide))])
    }

    package func estimate(image: UnsafePointer<Float>, shape: ImageShape, into map: UnsafeMutablePointer<Float>) {
        let size = WorkingSize(shape, longestSide: Self.longestSide)
        var attention = [Double](repeating: 0, count: size.height * size.width)
        var flood = BorderFlood(height: size.height, width: size.width)
        for plane in labPlanes(image, shape).map(size.shrunk) {
            guard let low = plane.min(), let high = plane.max(), high - low > 100 * leastContrast else { continue }
            let levels = plane.map { UInt8(((($0 - low) / (high - low)) * 255).rounded()) }
            for threshold in stride(from: 0, to: 255, by: Self.step) { Self.add(levels, above: UInt8(threshold), to: &attention, &flood) }
        }
        let longer = Double(max(size.height, size.width))
        writeUnitRange(size.enlarged(blurred(attention, height: size.height, width: size.width, sigma: sigma * longer)), into: map)
    }

    /// Adds what one Boolean map and its complement activate.
    private static func add(_ levels: [UInt8], above threshold: UInt8, to attention: inout [Double], _ flood: inout BorderFlood) {
        flood.run { levels[$0] > threshold }
        var counts = [0, 0]
        for i in levels.indices where !flood.isReached[i] { counts[levels[i] > threshold ? 1 : 0] += 1 }
        guard counts != [0, 0] else { return }
        let weights = counts.map { $0 == 0 ? 0 : 1 / Double($0).squareRoot() }
        for i in levels.indices where !flood.isReached[i] { attention[i] += weights[levels[i] > threshold ? 1 : 0] }
    }
}

/// Finds what hangs together with the border of an image, 8-connected, in memory that is kept from one image to the next.
struct BorderFlood {
    private let height: Int
    private let width: Int
    private var values: [Bool]
    private var stack: [Int32] = []
    /// After `run`: which pixels are connected with the border through pixels of the same value.
    private(set) var isReached: [Bool]

    init(height: Int, width: Int) {
        (self.height, self.width) = (height, width)
        values = [Bool](repeating: false, count: height * width)
        isReached = values
    }

    mutating func run(_ value: (Int) -> Bool) {
        for i in values.indices {
            values[i] = value(i)
            isReached[i] = false
        }
        for x in 0..<width {
            reach(x)
            reach((height - 1) * width + x)
        }
        for y in 0..<height {
            reach(y * width)
            reach(y * width + width - 1)
        }
        while let next = stack.popLast() {
            let (y, x) = Int(next).quotientAndRemainder(dividingBy: width)
            for row in max(0, y - 1)...min(height - 1, y + 1) {
                for column in max(0, x - 1)...min(width - 1, x + 1) where values[row * width + column] == values[Int(next)] {
                    reach(row * width + column)
                }
            }
        }
    }

    private mutating func reach(_ pixel: Int) {
        guard !isReached[pixel] else { return }
        isReached[pixel] = true
        stack.append(Int32(pixel))
    }
}
