import Foundation
import Images
import Testing
import TestSupport

private let archive: String = {
    let shared = ProcessInfo.processInfo.environment["SIPAT_SHARED"] ?? "../shared"
    return URL(fileURLWithPath: shared + "/data/exif-orientation.tar.xz").path
}()

@Suite("Orientation")
struct OrientationTests {
    /// Each was compressed after it was turned, so that the losses differ: about two grey levels in the mean.
    @Test(arguments: 0...9)
    func allOrientationsGiveOnePicture(_ value: Int) throws {
        let upright = try decode("orientation-1.jpg")
        let found = try Image.read(fixture("orientation-\(value).jpg"), options: DecodingOptions(channels: .colour))
        #expect(found.header.orientation.rawValue == ((2...8).contains(value) ? value : 1))
        #expect(found.image.size == upright.size)
        #expect(meanDifference(found.image, upright) < 2.5, "\(meanDifference(found.image, upright))")
    }

    @Test func storedPixelsCanBeHad() throws {
        let options = DecodingOptions(channels: .colour, appliesOrientation: false)
        let found = try Image.read(fixture("orientation-6.jpg"), options: options)
        #expect(found.image.size == PixelSize(width: 48, height: 66) && found.header.size == PixelSize(width: 66, height: 48))
        #expect(try found.image.upright(.quarterTurn) == decode("orientation-6.jpg"))
    }

    /// A pixel and the point at its middle go to the same place.
    @Test(arguments: Orientation.allCases)
    func pointsGoWherePixelsGo(_ orientation: Orientation) {
        let size = PixelSize(width: 5, height: 3)
        let image = Image(size: size, channels: .grey, pixels: (0..<15).map(UInt8.init)).upright(orientation)
        #expect(image.size == orientation.size(of: size))
        for y in 0..<3 {
            for x in 0..<5 {
                let point = orientation.upright(Point(x: Double(x) + 0.5, y: Double(y) + 0.5), stored: size)
                #expect(Int(image.pixels[Int(point.y) * image.size.width + Int(point.x)]) == y * 5 + x)
            }
        }
    }

    /// Their maker compressed each of them anew: mean differences are 0.4 to 3.7 grey levels, and Pillow finds the same. A
    /// wrong orientation gives more than 20.
    @Test(.enabled(if: FileManager.default.fileExists(atPath: archive), "needs exif-orientation.tar.xz: set SIPAT_SHARED"))
    func photographs() throws {
        let folder = NSTemporaryDirectory() + "sipat-images-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let unpacked = try ProgramRun.of("tar", ["-xJf", archive, "-C", folder])
        try #require(unpacked.status == 0, "\(unpacked)")
        for picture in ["Landscape", "Portrait"] {
            let images = try (0...8).map {
                try Image.read("\(folder)/exif-orientation/\(picture)_\($0).jpg", options: DecodingOptions(channels: .colour)).image
            }
            for (value, image) in images.enumerated() {
                #expect(image.size == images[1].size)
                let difference = meanDifference(image, images[1])
                #expect(difference < 4, "\(picture) \(value): \(difference)")
            }
        }
    }
}
