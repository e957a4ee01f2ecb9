/// A place in an image, in pixels from its top left corner: pixel (column, row) covers column…column + 1, row…row + 1.
package struct Point: Sendable, Hashable {
    package var x: Double
    package var y: Double

    package init(x: Double, y: Double) {
        self.x = x
        self.y = y
    }
}

/// An upright rectangle, half-open: left ≤ x < right, top ≤ y < bottom, in pixels.
package struct Box: Sendable, Hashable {
    package var left: Double
    package var top: Double
    package var right: Double
    package var bottom: Double

    package init(left: Double, top: Double, right: Double, bottom: Double) {
        self.left = left
        self.top = top
        self.right = right
        self.bottom = bottom
    }

    /// The whole of an image.
    package init(_ size: PixelSize) {
        self.init(left: 0, top: 0, right: Double(size.width), bottom: Double(size.height))
    }

    /// The box that two opposite corners span, in any order.
    package init(_ a: Point, _ b: Point) {
        self.init(left: min(a.x, b.x), top: min(a.y, b.y), right: max(a.x, b.x), bottom: max(a.y, b.y))
    }

    package var width: Double { right - left }
    package var height: Double { bottom - top }
}

/// A part of an image that somebody outlined.
package enum Outline: Sendable, Hashable {
    case box(Box)
    /// Corners in order; the last is joined to the first. What is inside by the even-odd rule.
    case polygon([Point])

    /// This outline with every corner moved. `move` must keep upright boxes upright (mirrors, quarter turns, scaling).
    package func mapped(_ move: (Point) -> Point) -> Outline {
        switch self {
        case .box(let box):
            .box(Box(move(Point(x: box.left, y: box.top)), move(Point(x: box.right, y: box.bottom))))
        case .polygon(let corners): .polygon(corners.map(move))
        }
    }

    /// Whether every coordinate is a finite number.
    package var isFinite: Bool {
        switch self {
        case .box(let box): [box.left, box.top, box.right, box.bottom].allSatisfy(\.isFinite)
        case .polygon(let corners): corners.allSatisfy { $0.x.isFinite && $0.y.isFinite }
        }
    }
}
