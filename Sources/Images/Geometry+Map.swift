/// A map in its new place.
package struct PlacedMap: Sendable, Hashable {
    /// [output.height × output.width], 0 to 255.
    package let values: [UInt8]
    /// Whether the map held something before and nothing now: it was cut away, or is below half a grey level everywhere.
    package let vanished: Bool
}

extension Geometry {
    /// A map of one 8-bit value per pixel in its new place. A pixel becomes the mean of the area that it covers (an exact box
    /// filter), so that small things fade in proportion instead of coming and going; a constant map stays constant.
    /// Beyond the border it goes on as at the border, so that padding is as meaningful as the pixels next to it.
    ///
    /// - Parameters:
    ///   - map: one value per pixel of `source`, or of the stored image where `frame` says so.
    /// - Complexity: O(pixels of the box + output pixels).
    package func apply(toMap map: [UInt8], frame: Frame = .upright) -> PlacedMap {
        precondition(map.count == source.pixels, "a map of \(map.count) values for \(source)")
        let stored = orientation.swapsSides ? source.transposed : source
        let upright = frame == .stored ? orientation.upright(map, stored: stored, channels: 1) : map
        let values = resizedByArea(upright)
        return PlacedMap(values: values, vanished: !values.contains { $0 > 0 } && map.contains { $0 > 0 })
    }

    /// Outlines of the source drawn in the output: the share of each pixel that they cover, see `Coverage`. They are moved
    /// first and drawn then, so that nothing is lost to resizing. Beyond the border as `apply(toMap:frame:)`.
    package func draw(_ outlines: [Outline], frame: Frame = .upright) -> PlacedMap {
        let whole = columnOffset <= 0 && rowOffset <= 0 && columns.upperBound >= resized.width && rows.upperBound >= resized.height
        // Outlines may reach beyond the source; what is seen of them ends where the box does.
        let inner = Geometry(source: source, orientation: orientation, box: box, output: resized)
        let moved = outlines.map { inner.place($0, in: frame) }
        let values = window(Coverage.draw(moved, size: resized, columns: shownColumns, rows: shownRows))
        if values.contains(where: { $0 > 0 }) { return PlacedMap(values: values, vanished: false) }
        func hadSomething() -> Bool {
            if !whole || box != Box(source) {
                let upright = Geometry(source: source, orientation: orientation, output: source)
                if Coverage.showsAnything(outlines.map { upright.place($0, in: frame) }, size: source) { return true }
            }
            return !whole && Coverage.showsAnything(moved, size: resized)
        }
        return PlacedMap(values: values, vanished: hadSomething())
    }

    /// The resized columns that the output shows, one at the border where it lies beyond; no others need to be made.
    private var shownColumns: Range<Int> { Geometry.shown(columns, of: resized.width) }
    private var shownRows: Range<Int> { Geometry.shown(rows, of: resized.height) }

    private static func shown(_ wanted: Range<Int>, of count: Int) -> Range<Int> {
        min(max(wanted.lowerBound, 0), count - 1)..<min(max(wanted.upperBound - 1, 0), count - 1) + 1
    }

    private func resizedByArea(_ map: [UInt8]) -> [UInt8] {
        let allColumns = ResamplingWeights.area(
            sourceCount: source.width, from: box.left, to: box.right, targetCount: resized.width, window: shownColumns)
        let allRows = ResamplingWeights.area(
            sourceCount: source.height, from: box.top, to: box.bottom, targetCount: resized.height, window: shownRows)
        let (width, height) = (shownColumns.count, shownRows.count)
        var result = [UInt8](repeating: 0, count: width * height)
        var row = [Int](repeating: 0, count: source.width)
        let bits = ResamplingWeights.areaBits
        for y in 0..<height {
            for x in allColumns.sources { row[x] = 0 }
            for i in 0..<allRows.counts[y] {
                let factor = Int(allRows.weights[y * allRows.stride + i])
                let start = (allRows.first[y] + i) * source.width
                for x in allColumns.sources { row[x] &+= factor &* Int(map[start &+ x]) }
            }
            for x in 0..<width {
                var sum = 1 << (2 * bits - 1)
                for i in 0..<allColumns.counts[x] {
                    sum &+= Int(allColumns.weights[x * allColumns.stride + i]) &* row[allColumns.first[x] + i]
                }
                result[y * width + x] = UInt8(truncatingIfNeeded: sum >> (2 * bits))
            }
        }
        return window(result)
    }

    /// The output's window of the shown part of a map of size `resized`, mirrored if need be, the border repeated outwards.
    private func window(_ map: [UInt8]) -> [UInt8] {
        if output == resized, columnOffset == 0, rowOffset == 0, !flipped { return map }
        let (firstColumn, firstRow, width) = (shownColumns.lowerBound, shownRows.lowerBound, shownColumns.count)
        var values = [UInt8](repeating: 0, count: output.pixels)
        for y in 0..<output.height {
            let row = (min(max(y + rowOffset, 0), resized.height - 1) - firstRow) * width
            for x in 0..<output.width {
                let target = flipped ? output.width - 1 - x : x
                values[y * output.width + target] = map[row + min(max(x + columnOffset, 0), resized.width - 1) - firstColumn]
            }
        }
        return values
    }
}
