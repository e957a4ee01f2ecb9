/// Where the pixels of one sample come from: one value, applied alike to its image, its map, and its outlines.
///
/// The upright source is cut to `box`, the box is resized to `resized`, of which a window of size `output` that begins at
/// (`columnOffset`, `rowOffset`) is taken, and mirrored if `flipped`. The window may reach beyond the resized box: there an
/// image is black, and a map goes on as at its border.
package struct Geometry: Sendable, Hashable {
    /// Size of the upright image that coordinates refer to.
    package let source: PixelSize
    /// From the stored pixels to the upright ones.
    package let orientation: Orientation
    /// The part of the upright image that is used, within it.
    package let box: Box
    package let resized: PixelSize
    package let columnOffset: Int
    package let rowOffset: Int
    package let output: PixelSize
    package let flipped: Bool

    package init(
        source: PixelSize, orientation: Orientation = .up, box: Box? = nil, resized: PixelSize? = nil, columnOffset: Int = 0,
        rowOffset: Int = 0, output: PixelSize, flipped: Bool = false
    ) {
        let box = box ?? Box(source)
        precondition(source.pixels > 0 && output.pixels > 0, "empty source or output")
        precondition(
            box.left >= 0 && box.top >= 0 && box.right <= Double(source.width) && box.bottom <= Double(source.height)
                && box.width > 0 && box.height > 0, "box outside of the source")
        self.source = source
        self.orientation = orientation
        self.box = box
        self.resized = resized ?? output
        self.columnOffset = columnOffset
        self.rowOffset = rowOffset
        self.output = output
        self.flipped = flipped
    }

    /// Nothing changes.
    package static func identity(_ size: PixelSize) -> Geometry { Geometry(source: size, output: size) }

    /// In which pixels a place is given.
    package enum Frame: Sendable, Hashable {
        /// Those of the file, whatever its EXIF orientation says.
        case stored
        /// Those of the upright image, as viewers show it.
        case upright
    }

    /// Where a point of the source comes to lie in the output; may be outside.
    package func place(_ point: Point, in frame: Frame = .upright) -> Point {
        let stored = orientation.swapsSides ? source.transposed : source
        let upright = frame == .stored ? orientation.upright(point, stored: stored) : point
        let x = (upright.x - box.left) * (Double(resized.width) / box.width) - Double(columnOffset)
        let y = (upright.y - box.top) * (Double(resized.height) / box.height) - Double(rowOffset)
        return Point(x: flipped ? Double(output.width) - x : x, y: y)
    }

    /// An outline of the source, in the output's pixels.
    package func place(_ outline: Outline, in frame: Frame = .upright) -> Outline {
        outline.mapped { place($0, in: frame) }
    }

    /// Where output columns lie among the resized ones, before the mirror.
    var columns: Range<Int> { columnOffset..<columnOffset + output.width }
    /// Where output rows lie among the resized ones.
    var rows: Range<Int> { rowOffset..<rowOffset + output.height }

    /// The smallest size of the whole upright image from which the box can be resized without enlarging it: what a decoder
    /// may reduce to.
    package var sufficientSize: PixelSize {
        PixelSize(
            width: Int((Double(resized.width) * Double(source.width) / box.width).rounded(.up)),
            height: Int((Double(resized.height) * Double(source.height) / box.height).rounded(.up)))
    }
}
