import Foundation
import Images
import Testing

private let noNumbers: TestNumbers? = nil

/// One line of resize.json.
struct PillowResize: Decodable, Sendable, CustomTestStringConvertible {
    let file: String
    let width: Int
    let height: Int
    let box: [Double]
    let grey: Bool
    var testDescription: String { file }

    static let all = try! JSONDecoder().decode([PillowResize].self, from: Data(contentsOf: URL(fileURLWithPath: fixture("resize.json"))))
}

@Suite("Geometry of images")
struct GeometryTests {
    @Test(arguments: PillowResize.all)
    func agreesWithPillow(_ wanted: PillowResize) throws {
        let channels: Channels = wanted.grey ? .grey : .colour
        let noise = try decode("noise.png", channels)
        let box = Box(left: wanted.box[0], top: wanted.box[1], right: wanted.box[2], bottom: wanted.box[3])
        let geometry = Geometry(source: noise.size, box: box, output: PixelSize(width: wanted.width, height: wanted.height))
        #expect(largestDifference(geometry.apply(to: noise), try decode(wanted.file, channels)) <= 1)
    }

    @Test func nothingChangesNothing() throws {
        let noise = try decode("noise.png")
        #expect(Geometry.identity(noise.size).apply(to: noise) == noise)
    }

    /// Against resizing first and cutting, padding and mirroring then, pixel by pixel.
    @Test(arguments: 0..<20)
    func windowsAreCutOutOfTheResizedImage(_ seed: UInt64) throws {
        let noise = try decode("noise.png")
        let numbers = TestNumbers(seed: seed)
        let resized = PixelSize(width: 20 + numbers.uniform(0, below: 60), height: 20 + numbers.uniform(1, below: 60))
        let output = PixelSize(width: 24, height: 18)
        let (dx, dy) = (numbers.uniform(2, below: 40) - 20, numbers.uniform(3, below: 40) - 20)
        for flipped in [false, true] {
            let whole = Geometry(source: noise.size, output: resized).apply(to: noise)
            let found = Geometry(
                source: noise.size, resized: resized, columnOffset: dx, rowOffset: dy, output: output, flipped: flipped
            ).apply(to: noise)
            for y in 0..<18 {
                for x in 0..<24 {
                    let (sx, sy) = ((flipped ? 23 - x : x) + dx, y + dy)
                    let inside = (0..<resized.width).contains(sx) && (0..<resized.height).contains(sy)
                    for c in 0..<3 {
                        let expected = inside ? whole.pixels[(sy * resized.width + sx) * 3 + c] : 0
                        #expect(found.pixels[(y * 24 + x) * 3 + c] == expected)
                    }
                }
            }
        }
    }

    @Test func centreCropIsTorchvisions() {
        // Resize(256) of 500×375 is 341×256 (341.33 rounded down); CenterCrop(224) begins at round(58.5) = 58 and 16.
        let geometry = GeometryRule.centreCrop(shortSide: 256).draw(
            source: PixelSize(width: 500, height: 375), output: PixelSize(width: 224, height: 224), crop: TestNumbers(seed: 0), flip: noNumbers)
        #expect(geometry.resized == PixelSize(width: 341, height: 256))
        #expect(geometry.columnOffset == 58 && geometry.rowOffset == 16 && !geometry.flipped)
    }

    @Test(arguments: [PixelSize(width: 500, height: 375), PixelSize(width: 60, height: 600), PixelSize(width: 1, height: 1)])
    func randomResizedCropsStayWithinTheirRanges(_ source: PixelSize) {
        var shares: [Double] = []
        var ratios: [Double] = []
        for seed in 0..<2000 {
            let geometry = GeometryRule.imageNet.draw(
                source: source, output: PixelSize(width: 8, height: 8), crop: TestNumbers(seed: UInt64(seed)), flip: noNumbers)
            let box = geometry.box
            #expect(box.left >= 0 && box.top >= 0 && box.right <= Double(source.width) && box.bottom <= Double(source.height))
            #expect(box.left == box.left.rounded() && box.width == box.width.rounded())
            shares.append(box.width * box.height / Double(source.pixels))
            ratios.append(box.width / box.height)
        }
        guard source.width == 500 else { return }
        // Half a pixel of rounding on each side.
        #expect(shares.allSatisfy { $0 > 0.079 && $0 <= 1.0 } && ratios.allSatisfy { $0 > 0.74 && $0 < 1.35 })
        // The same rule in Python, 200,000 times: a mean share of 0.433, and 57.7 % wider than high, as the image is.
        #expect(abs(shares.reduce(0, +) / 2000 - 0.435) < 0.02)
        #expect(abs(Double(ratios.filter { $0 > 1 }.count) / 2000 - 0.575) < 0.04)
    }

    @Test func padAndCropAndFlipReachEverything() {
        var seen = Set<[Int]>()
        for seed in 0..<4000 {
            let geometry = GeometryRule.padAndCrop(padding: 2).draw(
                source: PixelSize(width: 8, height: 8), output: PixelSize(width: 8, height: 8), crop: TestNumbers(seed: UInt64(2 * seed)),
                flip: TestNumbers(seed: UInt64(2 * seed + 1)))
            seen.insert([geometry.rowOffset, geometry.columnOffset, geometry.flipped ? 1 : 0])
        }
        #expect(seen.count == 50)
    }

    @Test func aDecoderMayReduceToWhatTheBoxNeeds() {
        let geometry = Geometry(
            source: PixelSize(width: 1000, height: 800), box: Box(left: 100, top: 0, right: 600, bottom: 400),
            output: PixelSize(width: 50, height: 50))
        #expect(geometry.sufficientSize == PixelSize(width: 100, height: 100))
    }
}
