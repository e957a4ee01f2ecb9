import Foundation

/// Uniform random numbers that are a function of their index.
package protocol UniformNumbers {
    /// Number `index` of the sequence, in `0..<bound`.
    func uniform(_ index: Int, below bound: Int) -> Int
    /// Number `index` of the sequence, in [0, 1).
    func uniform(_ index: Int) -> Float
}

/// How a sample's geometry is drawn.
package enum GeometryRule: Sendable, Hashable {
    /// The whole image, resized to the output's size; its proportions are not kept.
    case resize
    /// The shorter side resized to `shortSide`, then the middle cut out. As torchvision's `Resize(shortSide)` and
    /// `CenterCrop(output)`.
    case centreCrop(shortSide: Int)
    /// A random part of the image's area and a random ratio of width to height, resized to the output's size. As torchvision's
    /// `RandomResizedCrop(output, scale, ratio)`: ten tries, then the middle.
    case randomResizedCrop(scale: ClosedRange<Double>, ratio: ClosedRange<Double>)
    /// The whole image resized to the output's size, `padding` black pixels on each side, and a random window of the output's
    /// size. As torchvision's `RandomCrop(output, padding)`.
    case padAndCrop(padding: Int)

    /// torchvision's parameters for ImageNet.
    package static let imageNet = GeometryRule.randomResizedCrop(scale: 0.08...1, ratio: 3.0 / 4...4.0 / 3)

    /// Whether every draw gives the same.
    package var isFixed: Bool {
        switch self {
        case .resize, .centreCrop: true
        case .randomResizedCrop: false
        case .padAndCrop(let padding): padding == 0
        }
    }

    /// The geometry of one sample.
    ///
    /// - Parameters:
    ///   - source: size of the upright image.
    ///   - crop: what is cut out.
    ///   - flip: number 0 decides whether it is mirrored; nil: never.
    package func draw(
        source: PixelSize, orientation: Orientation = .up, output: PixelSize, crop: some UniformNumbers, flip: (some UniformNumbers)?
    ) -> Geometry {
        let flipped = flip.map { $0.uniform(0, below: 2) == 1 } ?? false
        switch self {
        case .resize:
            return Geometry(source: source, orientation: orientation, output: output, flipped: flipped)
        case .centreCrop(let shortSide):
            let resized = GeometryRule.resized(source, shortSide: shortSide)
            func offset(_ size: Int, _ part: Int) -> Int { Int((Double(size - part) / 2).rounded(.toNearestOrEven)) }
            return Geometry(
                source: source, orientation: orientation, resized: resized, columnOffset: offset(resized.width, output.width),
                rowOffset: offset(resized.height, output.height), output: output, flipped: flipped)
        case .randomResizedCrop(let scale, let ratio):
            let box = GeometryRule.randomBox(source, scale: scale, ratio: ratio, numbers: crop)
            return Geometry(source: source, orientation: orientation, box: box, output: output, flipped: flipped)
        case .padAndCrop(let padding):
            let rowOffset = padding > 0 ? crop.uniform(0, below: 2 * padding + 1) - padding : 0
            let columnOffset = padding > 0 ? crop.uniform(1, below: 2 * padding + 1) - padding : 0
            return Geometry(
                source: source, orientation: orientation, columnOffset: columnOffset, rowOffset: rowOffset, output: output,
                flipped: flipped)
        }
    }

    /// The longer side is rounded down, as torchvision does.
    private static func resized(_ source: PixelSize, shortSide: Int) -> PixelSize {
        let short = min(source.width, source.height)
        func scaled(_ side: Int) -> Int { side == short ? shortSide : max(1, shortSide * side / short) }
        return PixelSize(width: scaled(source.width), height: scaled(source.height))
    }

    private static func randomBox(
        _ source: PixelSize, scale: ClosedRange<Double>, ratio: ClosedRange<Double>, numbers: some UniformNumbers
    ) -> Box {
        func between(_ range: ClosedRange<Double>, _ index: Int) -> Double {
            range.lowerBound + (range.upperBound - range.lowerBound) * Double(numbers.uniform(index))
        }
        let logRatio = log(ratio.lowerBound)...log(ratio.upperBound)
        for attempt in 0..<10 {
            let area = Double(source.pixels) * between(scale, 4 * attempt)
            let aspect = exp(between(logRatio, 4 * attempt + 1))
            let width = Int((area * aspect).squareRoot().rounded(.toNearestOrEven))
            let height = Int((area / aspect).squareRoot().rounded(.toNearestOrEven))
            guard width > 0, height > 0, width <= source.width, height <= source.height else { continue }
            let top = numbers.uniform(4 * attempt + 2, below: source.height - height + 1)
            let left = numbers.uniform(4 * attempt + 3, below: source.width - width + 1)
            return Box(left, top, width, height)
        }
        let found = Double(source.width) / Double(source.height)
        var (width, height) = (source.width, source.height)
        if found < ratio.lowerBound {
            height = Int((Double(width) / ratio.lowerBound).rounded(.toNearestOrEven))
        } else if found > ratio.upperBound {
            width = Int((Double(height) * ratio.upperBound).rounded(.toNearestOrEven))
        }
        (width, height) = (min(max(1, width), source.width), min(max(1, height), source.height))
        return Box((source.width - width) / 2, (source.height - height) / 2, width, height)
    }
}

extension Box {
    fileprivate init(_ left: Int, _ top: Int, _ width: Int, _ height: Int) {
        self.init(left: Double(left), top: Double(top), right: Double(left + width), bottom: Double(top + height))
    }
}
