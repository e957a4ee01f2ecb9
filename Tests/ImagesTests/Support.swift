import Diagnostics
import Foundation
import Images
import Testing

func fixture(_ name: String) -> String {
    Bundle.module.url(forResource: "Fixtures", withExtension: nil)!.path + "/" + name
}

func fixtureBytes(_ name: String) throws -> [UInt8] { try Array(Data(contentsOf: URL(fileURLWithPath: fixture(name)))) }

func decode(_ name: String, _ channels: Channels = .colour) throws -> Image {
    try Image.read(fixture(name), options: DecodingOptions(channels: channels)).image
}

func decode(_ bytes: [UInt8], name: String = "picture", options: DecodingOptions = DecodingOptions(channels: .colour)) throws -> DecodedImage {
    try bytes.withUnsafeBytes { try Image.decode($0, name: name, options: options) }
}

func largestDifference(_ a: Image, _ b: Image) -> Int {
    guard a.size == b.size, a.channels == b.channels else { return .max }
    return zip(a.pixels, b.pixels).map { abs(Int($0) - Int($1)) }.max() ?? 0
}

func meanDifference(_ a: Image, _ b: Image) -> Double {
    guard a.size == b.size, a.channels == b.channels else { return .infinity }
    return Double(zip(a.pixels, b.pixels).map { abs(Int($0) - Int($1)) }.reduce(0, +)) / Double(a.pixels.count)
}

/// Expects a `Failure` of bad data whose message begins with the file's name, holds all of `fragments`, and has a remedy.
func expectBadData(_ fragments: [String], name: String = "picture", sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void) {
    do {
        try body()
        Issue.record("nothing was thrown", sourceLocation: sourceLocation)
    } catch let failure as Failure {
        #expect(failure.kind == .badData, "\(failure)", sourceLocation: sourceLocation)
        #expect(failure.message.hasPrefix(name), "\(failure)", sourceLocation: sourceLocation)
        for fragment in fragments {
            #expect(failure.description.contains(fragment), "no \"\(fragment)\" in: \(failure)", sourceLocation: sourceLocation)
        }
        #expect(failure.remedy?.isEmpty == false, "no remedy: \(failure)", sourceLocation: sourceLocation)
    } catch {
        Issue.record("\(error)", sourceLocation: sourceLocation)
    }
}

/// Numbers that look random, the same on every run.
struct TestNumbers: UniformNumbers {
    let seed: UInt64

    private func word(_ index: Int) -> UInt64 {
        var z = seed &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(index + 1) &* 0xD1B5_4A32_D192_ED03
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    func uniform(_ index: Int, below bound: Int) -> Int { Int(word(index) % UInt64(bound)) }
    func uniform(_ index: Int) -> Float { Float(word(index) >> 40) / Float(1 << 24) }
}
