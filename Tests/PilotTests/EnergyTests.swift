import Diagnostics
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

/// What a part took over several starts.
@Suite struct PilotCostTests {
    @Test func startsThatWereStoppedAreCounted() throws {
        let part = try #require(PilotPart.all(PilotPlan()).first { $0.kind == .training })
        var cost = try decodedJSON(PilotCost.self, from: Array("{\"format\": 1, \"host\": \"h\", \"processor\": \"p\", \"parts\": []}".utf8))
        cost.begin(part, ranks: 2, threads: 1)
        cost.end(part, seconds: 100, joules: 7, isDone: false)
        #expect(cost.parts[0].isWhole && cost.parts[0].coreSeconds == 200 && cost.finished == nil)
        cost.begin(part, ranks: 3, threads: 2)
        #expect(cost.parts[0].coreSeconds == 200)
        cost.end(part, seconds: 10, joules: 5, isDone: false)
        cost.begin(part, ranks: 1, threads: 1)
        cost.end(part, seconds: 1, joules: 1, isDone: true)
        #expect(cost.parts.count == 1 && cost.parts[0].coreSeconds == 261 && cost.parts[0].allJoules == 13 && cost.parts[0].starts == 3 && cost.parts[0].isWhole)
        #expect(cost.finished != nil)
    }

    @Test func aStartThatWasKilledIsNotWhole() throws {
        let part = try #require(PilotPart.all(PilotPlan()).first { $0.kind == .training })
        var cost = try decodedJSON(PilotCost.self, from: Array("{\"format\": 1, \"host\": \"h\", \"processor\": \"p\", \"parts\": []}".utf8))
        cost.begin(part, ranks: 1, threads: 1)
        cost.end(part, seconds: 4, joules: nil, isDone: false)
        cost.begin(part, ranks: 1, threads: 1)
        // Killed here.
        cost.begin(part, ranks: 1, threads: 1)
        cost.end(part, seconds: 1, joules: nil, isDone: true)
        #expect(!cost.parts[0].isWhole && cost.parts[0].coreSeconds == 5 && cost.parts[0].allJoules == nil)
    }
}
