import Datasets
import Diagnostics
import Foundation
import Images
import Kernels
import Review
import Salience

/// A folder that goes away with its owner.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "sipat-review-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }
}

func failure(_ body: () throws -> Void) -> Failure? {
    do {
        try body()
        return nil
    } catch { return error as? Failure }
}

/// Small images of two classes, each with a map that marks its left half; every seventh marks nothing.
struct Small {
    static let size = PixelSize(width: 8, height: 6)

    static func material(_ count: Int, trusted: Bool = false) throws -> ReviewMaterial {
        let shape = ImageShape(height: size.height, width: size.width, channels: 1)
        var stream: [UInt8] = []
        for index in 0..<count { for pixel in 0..<size.pixels { stream.append(UInt8(truncatingIfNeeded: index &* 31 &+ pixel &* 7)) } }
        let images = ImageDataset(
            name: "small", imageShape: shape, classNames: ["left", "right"], pixels: stream, labels: (0..<count).map { Int32($0 % 2) })
        let dataset = SalienceProvenance.Dataset(name: "small", split: "train", count: count, fingerprint: images.fingerprint)
        func maps(_ value: UInt8) -> SalienceMaps {
            var bytes: [UInt8] = []
            for index in 0..<count {
                for pixel in 0..<size.pixels { bytes.append(index % 7 == 6 ? 0 : (pixel % size.width < 3 + index % 3 ? value : UInt8(pixel))) }
            }
            return SalienceMaps(
                bytes: bytes, count: count, height: size.height, width: size.width,
                provenance: SalienceProvenance(source: .estimator, estimator: .init(name: "left-half", settings: [:]), dataset: dataset, createdBy: "tests"))
        }
        return try ReviewMaterial([.init(dataset: dataset, images: images, maps: [maps(200)], trusted: trusted ? maps(255) : nil)])
    }

    /// Plans a review of so many images.
    static func plan(_ count: Int, in folder: TemporaryFolder, trusted: Bool = false, _ change: (inout ReviewSettings) -> Void = { _ in }) throws -> ReviewMaterial {
        let material = try material(count, trusted: trusted)
        var settings = ReviewSettings()
        change(&settings)
        var data = ReviewPlan.Data(data: "small", dataDir: nil)
        data.splits = ["train"]
        _ = try ReviewPlanner(material, settings: settings).write(
            to: ReviewFolder(folder.file("review")), data: data, maps: ["maps"], trusted: trusted ? "trusted" : nil, policy: Array("Mark the left.\n".utf8),
            createdBy: "tests"
        ) { _, _ in }
        return material
    }
}

/// A decision that a line of the log holds, without its chain.
func decision(_ queue: ReviewQueue, _ item: Int, _ person: String, _ action: ReviewAction, changed: Bool, seconds: Double = 2) -> LogLine {
    var line = LogLine(
        kind: .decision, person: person, item: item, image: Int(queue.entries[item].image), id: "item-\(item)-\(person)")
    (line.action, line.changed, line.activeMilliseconds) = (action, changed, Int(seconds * 1000))
    return line
}
