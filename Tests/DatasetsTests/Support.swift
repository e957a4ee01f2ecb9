import Datasets
import Diagnostics
import Foundation
import Kernels
import Testing

/// A folder for one test, removed with its owner.
final class TemporaryFolder {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "sipat-datasets-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ bytes: [UInt8], to name: String) throws {
        let file = path + "/" + name
        try FileManager.default.createDirectory(
            atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try Data(bytes).write(to: URL(fileURLWithPath: file))
    }
}

/// Bytes that look random, the same on every run.
func pseudoRandomBytes(_ count: Int, seed: UInt64) -> [UInt8] {
    var state = seed &* 2 &+ 1
    return (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 56)
    }
}

/// Expects `body` to throw a `Failure` of this kind whose message holds all of `fragments`, with a remedy.
func expectFailure(
    _ kind: Failure.Kind, _ fragments: [String], sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) {
    do {
        try body()
        Issue.record("nothing was thrown", sourceLocation: sourceLocation)
    } catch let failure as Failure {
        #expect(failure.kind == kind, "\(failure)", sourceLocation: sourceLocation)
        for fragment in fragments {
            #expect(failure.message.contains(fragment), "no \"\(fragment)\" in: \(failure.message)", sourceLocation: sourceLocation)
        }
        #expect(failure.remedy?.isEmpty == false, "no remedy: \(failure)", sourceLocation: sourceLocation)
    } catch {
        Issue.record("\(error)", sourceLocation: sourceLocation)
    }
}

/// A small data set of pseudo-random pixels, with salience equal to the first channel / 255.
func makeDataset(count: Int, shape: ImageShape, classes: Int = 3, salience: Bool = true) -> ImageDataset {
    let pixels = pseudoRandomBytes(count * shape.count, seed: UInt64(count))
    let maps = (0..<count * shape.pixels).map { Float(pixels[$0 * shape.channels]) / 255 }
    return ImageDataset(
        name: "test", imageShape: shape, classNames: (0..<classes).map { "class \($0)" }, pixels: pixels,
        labels: (0..<count).map { Int32(($0 * 7 + $0 / 3) % classes) }, salience: salience ? maps : nil)
}

/// What a batch holds, copied out of its memory.
struct BatchContents: Equatable {
    var images: [Float]
    var labels: [Int32]
    var salience: [Float]
    var annotated: [Bool]
    var indices: [Int]

    init(_ batch: Batch, samples: Range<Int>? = nil) {
        let samples = samples ?? 0..<batch.count
        let shape = batch.imageShape
        images = (samples.lowerBound * shape.count..<samples.upperBound * shape.count).map { batch.images[$0] }
        salience = (samples.lowerBound * shape.pixels..<samples.upperBound * shape.pixels).map { batch.salience[$0] }
        labels = samples.map { batch.labels[$0] }
        annotated = samples.map { batch.annotated[$0] }
        indices = samples.map { batch.sampleIndices[$0] }
    }
}
