import Foundation
import Images
import Testing

/// The mean of `map` over a rectangle, by the definition.
private func mean(_ map: [UInt8], width: Int, _ left: Double, _ top: Double, _ right: Double, _ bottom: Double) -> Double {
    var sum = 0.0
    for y in Int(top)..<Int(bottom.rounded(.up)) {
        for x in Int(left)..<Int(right.rounded(.up)) {
            let area = (min(right, Double(x + 1)) - max(left, Double(x))) * (min(bottom, Double(y + 1)) - max(top, Double(y)))
            sum += Double(map[y * width + x]) * max(0, area)
        }
    }
    return sum / ((right - left) * (bottom - top))
}

@Suite("Geometry of maps and outlines")
struct MapTests {
    private let source = PixelSize(width: 31, height: 23)
    private var map: [UInt8] {
        let numbers = TestNumbers(seed: 3)
        return (0..<31 * 23).map { UInt8(numbers.uniform($0, below: 256)) }
    }

    @Test(arguments: [(7, 5), (31, 23), (40, 50), (1, 1), (30, 2)])
    func mapsAreResizedByArea(_ width: Int, _ height: Int) {
        for box in [Box(source), Box(left: 3.25, top: 1.5, right: 28, bottom: 20.75)] {
            let geometry = Geometry(source: source, box: box, output: PixelSize(width: width, height: height))
            let found = geometry.apply(toMap: map).values
            for y in 0..<height {
                for x in 0..<width {
                    func along(_ from: Double, _ length: Double, _ i: Int, _ count: Int) -> Double { from + length * Double(i) / Double(count) }
                    let expected = mean(
                        map, width: 31, along(box.left, box.width, x, width), along(box.top, box.height, y, height),
                        along(box.left, box.width, x + 1, width), along(box.top, box.height, y + 1, height))
                    #expect(abs(Double(found[y * width + x]) - expected) <= 0.51, "(\(x), \(y))")
                }
            }
        }
    }

    @Test func constantMapsStayConstant() {
        for value in [UInt8(255), 128, 0] {
            let constant = [UInt8](repeating: value, count: source.pixels)
            for seed in 0..<50 {
                let geometry = GeometryRule.imageNet.draw(
                    source: source, output: PixelSize(width: 9, height: 11), crop: TestNumbers(seed: UInt64(seed)), flip: TestNumbers(seed: 1))
                #expect(geometry.apply(toMap: constant).values.allSatisfy { $0 == value })
            }
            let padded = Geometry(source: source, columnOffset: -3, rowOffset: 2, output: source)
            #expect(padded.apply(toMap: constant).values.allSatisfy { $0 == value })
        }
    }

    @Test func smallThingsKeepTheirShareAndLossIsTold() {
        var speck = [UInt8](repeating: 0, count: 200 * 200)
        for y in 100..<104 { for x in 50..<54 { speck[y * 200 + x] = 255 } }
        let reduced = Geometry(source: PixelSize(width: 200, height: 200), output: PixelSize(width: 20, height: 20)).apply(toMap: speck)
        #expect(reduced.values.map(Int.init).reduce(0, +) == Int((255 * 0.16).rounded()) && !reduced.vanished)
        let tiny = Geometry(source: PixelSize(width: 200, height: 200), output: PixelSize(width: 1, height: 1)).apply(toMap: speck)
        #expect(tiny.values == [0] && tiny.vanished)
        let elsewhere = Geometry(
            source: PixelSize(width: 200, height: 200), box: Box(left: 60, top: 0, right: 200, bottom: 200), output: PixelSize(width: 40, height: 40))
        #expect(elsewhere.apply(toMap: speck).vanished)
        #expect(elsewhere.draw([.box(Box(left: 50, top: 100, right: 54, bottom: 104))]).vanished)
        #expect(!elsewhere.draw([]).vanished && !elsewhere.apply(toMap: [UInt8](repeating: 0, count: 40_000)).vanished)
    }

    /// An outline drawn in the source and moved as a map, and the outline moved and drawn: one picture.
    @Test(arguments: Orientation.allCases)
    func mapsAndOutlinesMoveAlike(_ orientation: Orientation) {
        let stored = PixelSize(width: 40, height: 24)
        let upright = orientation.size(of: stored)
        let outlines: [Outline] = [
            .box(Box(left: 4, top: 6, right: 20, bottom: 14)), .polygon([Point(x: 24, y: 4), Point(x: 36, y: 4), Point(x: 36, y: 20), Point(x: 24, y: 20)]),
        ]
        let drawn = Coverage.draw(outlines, size: stored)
        let image = Image(size: stored, channels: .grey, pixels: drawn)
        for flipped in [false, true] {
            let geometry = Geometry(
                source: upright, orientation: orientation, resized: PixelSize(width: upright.width / 2, height: upright.height / 2),
                columnOffset: 2, rowOffset: -1, output: PixelSize(width: 10, height: 9), flipped: flipped)
            let asMap = geometry.apply(toMap: drawn, frame: .stored)
            #expect(geometry.draw(outlines, frame: .stored) == asMap)
            #expect(asMap.values.contains(255) && asMap.values.contains(0))
            // The image lies where its map does, apart from the softer edges and the black rim.
            let asImage = geometry.apply(to: image, frame: .stored)
            for at in 10..<90 where asMap.values[at] == 255 { #expect(asImage.pixels[at] > 120) }
        }
    }

    /// What is drawn of a window is what the whole has there, the border repeated outwards.
    @Test(arguments: [(0, 0), (5, -3), (-4, 6), (30, 2), (-20, -20)]) func onlyTheWindowIsDrawn(columnOffset: Int, rowOffset: Int) {
        let (resized, output) = (PixelSize(width: 26, height: 17), PixelSize(width: 12, height: 9))
        let outlines: [Outline] = [
            .box(Box(left: 1.3, top: 2.6, right: 14.9, bottom: 9.1)), .polygon([Point(x: 8, y: 3), Point(x: 29.5, y: 11.2), Point(x: 4.4, y: 21.7)]),
        ]
        func cut(_ whole: [UInt8]) -> [UInt8] {
            (0..<output.pixels).map { at in
                let (x, y) = (at % 12 + columnOffset, at / 12 + rowOffset)
                return whole[min(max(y, 0), 16) * 26 + min(max(x, 0), 25)]
            }
        }
        let all = Geometry(source: source, output: resized)
        let part = Geometry(source: source, resized: resized, columnOffset: columnOffset, rowOffset: rowOffset, output: output)
        #expect(part.apply(toMap: map).values == cut(all.apply(toMap: map).values))
        #expect(part.draw(outlines).values == cut(all.draw(outlines).values))
    }

    /// A line a million pixels long, of which a crop to 64×64 shows the middle: 4 GB if the whole were drawn.
    @Test(arguments: [false, true]) func longThinImagesNeedLittleMemory(isWide: Bool) {
        let length = 1_000_000
        let line = isWide ? PixelSize(width: length, height: 1) : PixelSize(width: 1, height: length)
        let geometry = FitRule.crop.geometry(from: line, to: PixelSize(width: 64, height: 64))
        // The middle pixel and all after it.
        let half = Double(length / 2)
        let box = isWide ? Box(left: half, top: 0, right: 2 * half, bottom: 1) : Box(left: 0, top: half, right: 1, bottom: 2 * half)
        let drawn = geometry.draw([.box(box)])
        let placed = geometry.apply(toMap: (0..<length).map { $0 >= length / 2 ? 255 : 0 })
        #expect(placed == drawn && !drawn.vanished)
        #expect(drawn.values.indices.allSatisfy { drawn.values[$0] == ((isWide ? $0 % 64 : $0 / 64) >= 32 ? 255 : 0) })
    }

    @Test func boxesAreExactHoweverTheyOverlap() {
        let map = Coverage.draw(
            [
                .box(Box(left: 0.5, top: 0.25, right: 2, bottom: 1)), .box(Box(left: 1, top: 0, right: 1.5, bottom: 1)),
                .box(Box(left: 1.25, top: 0.5, right: 1.75, bottom: 9)), .box(Box(left: -5, top: 1.5, right: 0.25, bottom: 2)),
            ], size: PixelSize(width: 3, height: 2))
        func share(_ value: Double) -> UInt8 { UInt8((value * 255).rounded()) }
        #expect(map == [share(0.5 * 0.75), share(0.75 + 0.25 * 0.5), 0, share(0.25 * 0.5), share(0.5), 0])
    }

    @Test func polygonsAreRightInArea() {
        let size = PixelSize(width: 50, height: 50)
        let triangle: [Point] = [Point(x: 3.3, y: 2.7), Point(x: 44.1, y: 11.9), Point(x: 17.2, y: 46.4)]
        let area = (40.8 * 43.7 - 13.9 * 9.2) / 2
        func sum(_ map: [UInt8]) -> Double { map.reduce(0) { $0 + Double($1) } / 255 }
        #expect(abs(sum(Coverage.draw([.polygon(triangle)], size: size)) - area) < 0.1)
        // Twice the same is the same, and a star's middle is empty by the even-odd rule.
        #expect(Coverage.draw([.polygon(triangle), .polygon(triangle)], size: size) == Coverage.draw([.polygon(triangle)], size: size))
        let star = (0..<5).map { (corner: Int) -> Point in
            let angle = Double(corner) * 4 * Double.pi / 5
            return Point(x: 25 + 20 * sin(angle), y: 25 - 20 * cos(angle))
        }
        #expect(Coverage.draw([.polygon(star)], size: size)[25 * 50 + 25] == 0)
    }

    @Test func outlinesThatAreNoneDrawNothing() {
        let nothing: [Outline] = [
            .box(Box(left: 3, top: 3, right: 3, bottom: 9)), .box(Box(left: 9, top: 9, right: 5, bottom: 12)),
            .box(Box(left: .nan, top: 0, right: 5, bottom: 5)), .box(Box(left: 0, top: 0, right: .infinity, bottom: 5)),
            .polygon([]), .polygon([Point(x: 1, y: 1), Point(x: 5, y: 5)]), .box(Box(left: 100, top: 100, right: 120, bottom: 120)),
            .polygon([Point(x: 1, y: 1), Point(x: 5, y: 1), Point(x: 9, y: 1)]),
        ]
        #expect(Coverage.draw(nothing, size: PixelSize(width: 20, height: 20)).allSatisfy { $0 == 0 })
        // Far beyond the image in every direction.
        let huge = Box(left: -1e300, top: -1e300, right: 1e300, bottom: 1e300)
        #expect(Coverage.draw([.box(huge)], size: PixelSize(width: 4, height: 4)).allSatisfy { $0 == 255 })
    }
}
