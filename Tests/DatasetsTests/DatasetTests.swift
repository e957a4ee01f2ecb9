import Datasets
import Diagnostics
import Kernels
import Testing

@Suite("Data sets and their salience")
struct DatasetTests {
    private let shape = ImageShape(height: 4, width: 3, channels: 1)

    private func dataset(name: String = "a", changing: (inout [UInt8], inout [Int32]) -> Void = { _, _ in }) -> ImageDataset {
        var pixels = pseudoRandomBytes(5 * shape.count, seed: 1)
        var labels: [Int32] = [0, 1, 2, 1, 0]
        changing(&pixels, &labels)
        return ImageDataset(name: name, imageShape: shape, classNames: ["x", "y", "z"], pixels: pixels, labels: labels)
    }

    @Test func fingerprintSeesEveryChange() {
        let original = dataset().fingerprint
        #expect(dataset().fingerprint == original)
        #expect(original.contains("5×4×3×1"))
        for i in 0..<60 { #expect(dataset { pixels, _ in pixels[i] ^= 1 }.fingerprint != original) }
        #expect(dataset { _, labels in labels.swapAt(0, 1) }.fingerprint != original)
        #expect(dataset { pixels, _ in pixels.swapAt(0, 59) }.fingerprint != original)
        #expect(dataset(name: "b").fingerprint != original)
    }

    @Test func attachesMaps() throws {
        let maps = (0..<60).map { Float($0) / 59 }
        let plain = dataset()
        let annotated = try plain.attachingSalience(maps: maps, annotated: [true, false, true, true, true], source: "maps.npy")
        #expect(annotated.ownSalience == maps && annotated.annotated == [true, false, true, true, true])
        #expect(annotated.fingerprint == plain.fingerprint && annotated.pixels == plain.pixels)
        let others = try plain.attachingSalience(maps: maps, source: "maps.npy")
        #expect(plain.salienceFingerprint == nil)
        #expect(others.salienceFingerprint != nil && others.salienceFingerprint != annotated.salienceFingerprint)
    }

    @Test func refusesMapsThatDoNotFit() {
        let maps = [Float](repeating: 0, count: 60)
        expectFailure(.badData, ["maps.npy", "48", "4 maps", "expected 60", "5 images"]) {
            _ = try dataset().attachingSalience(maps: [Float](repeating: 0, count: 48), source: "maps.npy")
        }
        expectFailure(.badData, ["maps.npy", "4 images", "expected 5"]) {
            _ = try dataset().attachingSalience(maps: maps, annotated: [true, true, true, true], source: "maps.npy")
        }
        for bad in [Float.nan, -0.01, 1.01, .infinity] {
            var maps = maps
            maps[2 * 12 + 1 * 3 + 2] = bad
            expectFailure(.badData, ["maps.npy", "map 2", "row 1", "column 2", "from 0 to 1"]) {
                _ = try dataset().attachingSalience(maps: maps, source: "maps.npy")
            }
        }
    }
}
