/// Draws the union of outlines as the share of each pixel that it covers.
///
/// The rule: a row is cut at every edge of a box and every corner of a polygon, and where there are polygons into
/// sixteenths as well. Within a cut, the union's extent along x is taken exactly at half height. So boxes, however they
/// overlap, are exact, and polygons are exact up to how much their sides bend the sixteenth of a row.
package enum Coverage {
    /// [height × width], 0 (outside) to 255 (covered), rounded. What lies outside of the image is cut off.
    ///
    /// - Parameters:
    ///   - columns, rows: the part of the image that is wanted, within it; nil: all. Memory is for that part only.
    /// - Complexity: O(rows · cuts per row · outlines + pixels).
    package static func draw(_ outlines: [Outline], size: PixelSize, columns: Range<Int>? = nil, rows: Range<Int>? = nil) -> [UInt8] {
        let (across, down) = (columns ?? 0..<size.width, rows ?? 0..<size.height)
        var map = [UInt8](repeating: 0, count: across.count * down.count)
        forEachRow(of: outlines, size: size, columns: across, rows: down) { y, row in
            for x in row.indices where row[x] > 0 { map[(y - down.lowerBound) * across.count + x] = byte(row[x]) }
            return true
        }
        return map
    }

    /// Whether `draw` would show anything anywhere. Memory: a row.
    package static func showsAnything(_ outlines: [Outline], size: PixelSize) -> Bool {
        var found = false
        forEachRow(of: outlines, size: size, columns: 0..<size.width, rows: 0..<size.height) { _, row in
            found = row.contains { byte($0) > 0 }
            return !found
        }
        return found
    }

    private static func byte(_ share: Double) -> UInt8 { UInt8(min(255, (share * 255).rounded())) }

    /// Calls `body` with each row that an outline touches, and the share of each pixel that they cover, until it returns false.
    private static func forEachRow(
        of outlines: [Outline], size: PixelSize, columns: Range<Int>, rows: Range<Int>, _ body: (_ y: Int, _ row: [Double]) -> Bool
    ) {
        guard size.pixels > 0 else { return }
        let shapes = outlines.compactMap { Shape($0, height: size.height) }
        guard let first = shapes.map(\.rows.lowerBound).min(), let last = shapes.map(\.rows.upperBound).max() else { return }
        var row = [Double](repeating: 0, count: columns.count)
        for y in (first..<last).clamped(to: rows) {
            let active = shapes.filter { $0.rows.contains(y) }
            if active.isEmpty { continue }
            for x in row.indices { row[x] = 0 }
            var from = Double(y)
            for to in cuts(of: active, row: y) where to > from {
                add(active.flatMap { $0.spans(at: (from + to) / 2) }, weight: to - from, to: &row, columns: columns)
                from = to
            }
            guard body(y, row) else { return }
        }
    }

    /// Where row `y` is cut, ascending, its lower end included.
    private static func cuts(of shapes: [Shape], row y: Int) -> [Double] {
        let (top, bottom) = (Double(y), Double(y + 1))
        var cuts = shapes.flatMap { $0.levels.filter { $0 > top && $0 < bottom } }
        if shapes.contains(where: \.isPolygon) { cuts += (1..<16).map { top + Double($0) / 16 } }
        return cuts.sorted() + [bottom]
    }

    /// Adds `weight` times the length of the spans' union within each pixel of `columns`.
    private static func add(_ spans: [(Double, Double)], weight: Double, to row: inout [Double], columns: Range<Int>) {
        var reached = Double(columns.lowerBound)
        for (left, right) in spans.sorted(by: { $0.0 < $1.0 }) {
            let from = max(left, reached)
            let to = min(right, Double(columns.upperBound))
            guard to > from else { continue }
            reached = to
            let (first, last) = (Int(from), min(Int(to), columns.upperBound - 1))
            for x in first...last { row[x - columns.lowerBound] += weight * (min(to, Double(x + 1)) - max(from, Double(x))) }
        }
    }
}

/// An outline that reaches into the image.
private struct Shape {
    /// Rows of pixels that it touches.
    let rows: Range<Int>
    /// Heights at which its outline has corners or horizontal sides.
    let levels: [Double]
    let isPolygon: Bool
    private let box: Box
    private let corners: [Point]

    init?(_ outline: Outline, height: Int) {
        guard outline.isFinite else { return nil }
        switch outline {
        case .box(let given):
            box = given
            corners = []
            levels = [given.top, given.bottom]
            isPolygon = false
        case .polygon(let given):
            guard given.count >= 3 else { return nil }
            corners = given
            levels = given.map(\.y)
            box = Box(
                left: given.map(\.x).min()!, top: levels.min()!, right: given.map(\.x).max()!, bottom: levels.max()!)
            isPolygon = true
        }
        let (top, bottom) = (max(0, box.top), min(Double(height), box.bottom))
        guard top < bottom, box.left < box.right else { return nil }
        rows = Int(top)..<Int(bottom.rounded(.up))
    }

    /// Where the horizontal line at height `y` is inside, as pairs left, right.
    func spans(at y: Double) -> [(Double, Double)] {
        guard y >= box.top, y < box.bottom else { return [] }
        guard isPolygon else { return [(box.left, box.right)] }
        var crossings: [Double] = []
        var previous = corners[corners.count - 1]
        for corner in corners {
            if (previous.y <= y) != (corner.y <= y) {
                crossings.append(previous.x + (y - previous.y) / (corner.y - previous.y) * (corner.x - previous.x))
            }
            previous = corner
        }
        crossings.sort()
        return stride(from: 0, to: crossings.count - 1, by: 2).map { (crossings[$0], crossings[$0 + 1]) }
    }
}
