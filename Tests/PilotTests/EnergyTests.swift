import Foundation
import Pilot
import Testing

/// Counters as the kernel shows them, made up.
@Suite struct EnergyTests {
    private func set(_ counter: String, _ microjoules: Int, range: Int = 262_143_328_850) throws {
        try FileManager.default.createDirectory(atPath: counter, withIntermediateDirectories: true)
        try "\(microjoules)\n".write(toFile: counter + "/energy_uj", atomically: true, encoding: .utf8)
        try "\(range)\n".write(toFile: counter + "/max_energy_range_uj", atomically: true, encoding: .utf8)
    }

    @Test func packagesAreAddedUpAndCountersTurnOver() throws {
        let folder = try TemporaryFolder()
        let (first, second, part) = (folder.path + "/intel-rapl:0", folder.path + "/intel-rapl:1", folder.path + "/intel-rapl:0:0")
        try set(first, 1_000_000)
        try set(second, 9_000_000, range: 10_000_000)
        // A part of the first package is in it already.
        try set(part, 0)
        var energy = Energy(root: folder.path)
        let start = energy.read()
        #expect(energy.isKnown && start == 0)
        try set(first, 3_500_000)
        try set(second, 500_000, range: 10_000_000)
        try set(part, 90_000_000)
        let turned = energy.read()
        #expect(abs(try #require(turned) - (2.5 + 1.5)) < 1e-9)
        try set(second, 1_500_000, range: 10_000_000)
        let later = energy.read()
        #expect(abs(try #require(later) - 5) < 1e-9)
    }

    @Test func whereNobodyTellsNothingIsSaid() throws {
        let folder = try TemporaryFolder()
        var none = Energy(root: folder.path + "/none")
        let nothing = none.read()
        #expect(!none.isKnown && nothing == nil)
        try set(folder.path + "/intel-rapl:0", 1)
        var gone = Energy(root: folder.path)
        try FileManager.default.removeItem(atPath: folder.path + "/intel-rapl:0")
        let lost = gone.read()
        #expect(lost == nil)
    }
}
