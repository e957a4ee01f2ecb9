import Datasets
import Foundation
import Images
import TestSupport
import Testing

private let archive: String = {
    let shared = ProcessInfo.processInfo.environment["SIPAT_SHARED"] ?? "../shared"
    return URL(fileURLWithPath: shared + "/data/neu-det.tar.xz").path
}()

/// NEU-DET: 1,800 photographs of steel with boxes that people drew (Song and Yan 2013; He et al., IEEE TIM 2020).
@Suite("NEU-DET", .enabled(if: FileManager.default.fileExists(atPath: archive), "needs neu-det.tar.xz: set SIPAT_SHARED"))
struct SteelTests {
    private func unpacked() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        let run = try ProgramRun.of("tar", ["-xJf", archive, "-C", folder.path])
        try #require(run.status == 0, "\(run)")
        return folder
    }

    @Test func imagesClassesAndDuplicates() throws {
        let folder = try unpacked()
        let found = try ImageCollection(at: folder.path + "/neu-det", options: CollectionOptions(labelFrom: "^(.*)_[0-9]+"))
        #expect(found.entries.count == 1800)
        #expect(found.classNames == ["crazing", "inclusion", "patches", "pitted_surface", "rolled-in_scale", "scratches"])
        for label in 0..<6 {
            #expect(found.entries.count { $0.label == Int32(label) && $0.split == .train } == 240)
            #expect(found.entries.count { $0.label == Int32(label) && $0.split == .test } == 60)
        }
        let report = try CollectionReport(found)
        #expect(report.problems.isEmpty && report.formats == ["JPEG colour": 1800])
        #expect(report.sizes.count == 1 && report.sizes[0].size == PixelSize(width: 200, height: 200))
        #expect(report.exactDuplicates.map(\.paths) == [["IMAGES/patches_101.jpg", "IMAGES/patches_105.jpg"]])
        // Another program's reduction finds 35; a bit more or less is a matter of rounding.
        #expect((25...45).contains(report.nearPairs.count + 1))
    }

    /// The share of the image inside boxes, at the photographs' size and at the size of training.
    @Test func boxesCoverWhatTheyShould() throws {
        let folder = try unpacked()
        let found = try ImageCollection(at: folder.path + "/neu-det", options: CollectionOptions(labelFrom: "^(.*)_[0-9]+"))
        let expected = ["scratches": 0.19, "inclusion": 0.22, "rolled-in_scale": 0.31, "patches": 0.37, "crazing": 0.51, "pitted_surface": 0.82]
        for (side, tolerance) in [(200, 0.01), (64, 0.02)] {
            let geometry = Geometry(source: PixelSize(width: 200, height: 200), output: PixelSize(width: side, height: side))
            var sums = [Double](repeating: 0, count: 6)
            for entry in found.entries {
                let map = geometry.draw(try boxes(folder.path + "/neu-det/" + entry.path))
                #expect(!map.vanished)
                sums[Int(entry.label)] += map.values.reduce(0) { $0 + Double($1) } / 255 / Double(map.values.count)
            }
            for (name, sum) in zip(found.classNames, sums) {
                #expect(abs(sum / 300 - expected[name]!) < tolerance, "\(name) at \(side)²: \(sum / 300)")
            }
        }
    }

    /// The boxes of the XML file that belongs to an image: 1-based, both ends included.
    private func boxes(_ image: String) throws -> [Outline] {
        let path = image.replacingOccurrences(of: "/IMAGES/", with: "/ANNOTATIONS/")
            .replacingOccurrences(of: "/Validation_Images/", with: "/Validation_Annotations/").replacingOccurrences(of: ".jpg", with: ".xml")
        let text = try String(contentsOfFile: path, encoding: .utf8)
        func numbers(_ tag: String) -> [Double] {
            text.components(separatedBy: "<\(tag)>").dropFirst().map { Double($0.prefix { $0 != "<" })! }
        }
        let (left, top, right, bottom) = (numbers("xmin"), numbers("ymin"), numbers("xmax"), numbers("ymax"))
        return left.indices.map { .box(Box(left: left[$0] - 1, top: top[$0] - 1, right: right[$0], bottom: bottom[$0])) }
    }
}
