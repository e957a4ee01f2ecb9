import Images
import Review
import Testing

@Suite struct MaskTests {
    private let size = PixelSize(width: 4, height: 2)

    @Test func runsAreRowsFromTheTop() throws {
        let mask = RunMask(size: size, pixels: [1, 0, 0, 1, 1, 1, 0, 0])
        #expect(mask.runs == [0, 1, 2, 3, 2])
        #expect(RunMask(size: size, runs: mask.runs) == mask)
        #expect(RunMask(size: size, runs: [8])?.isEmpty == true)
        #expect(RunMask(size: size, runs: [0, 8])?.map == [UInt8](repeating: 255, count: 8))
    }

    @Test(arguments: [[], [7], [9], [3, 0, 5], [4, -1, 5], [0, 0, 8], [4, Int.max], [8, 1]])
    func runsThatDoNotFillTheImageAreNone(runs: [Int]) { #expect(RunMask(size: size, runs: runs) == nil) }

    @Test func overlaps() {
        let a = RunMask(size: size, pixels: [1, 1, 0, 0, 0, 0, 0, 0])
        let b = RunMask(size: size, pixels: [0, 1, 1, 1, 0, 0, 0, 0])
        let nothing = RunMask(size: size, pixels: [UInt8](repeating: 0, count: 8))
        #expect(a.intersectionOverUnion(b) == 0.25 && a.dice(b) == 0.4)
        #expect(nothing.intersectionOverUnion(nothing) == 1 && nothing.dice(a) == 0)
        #expect(RunMask(size: size, map: [0, 127, 128, 255, 0, 0, 0, 0], threshold: 128).runs == [2, 2, 4])
    }
}
