/// How images of all sizes become images of one.
package enum FitRule: String, Sendable, Hashable, CaseIterable {
    /// The whole image; its proportions are not kept.
    case resize
    /// The shorter side resized, the middle kept.
    case crop

    /// The rule to draw geometries by, for images of `size`.
    package func rule(for size: PixelSize) -> GeometryRule {
        self == .resize ? .resize : .centreCrop(shortSide: min(size.width, size.height))
    }

    /// From an upright image of size `source` to one of `size`.
    package func geometry(from source: PixelSize, to size: PixelSize) -> Geometry {
        rule(for: size).draw(source: source, output: size, crop: NoNumbers(), flip: NoNumbers?.none)
    }
}

/// For rules that draw none.
private struct NoNumbers: UniformNumbers {
    func uniform(_ index: Int, below bound: Int) -> Int { 0 }
    func uniform(_ index: Int) -> Float { 0 }
}
