import Diagnostics
import Digests
import Evaluation
import Foundation
import Salience

/// What of a pilot is done: `ledger.json`, replaced as a whole after each part.
package struct PilotLedger: Codable, Sendable, Hashable {
    package struct Entry: Codable, Sendable, Hashable {
        package var part: String
        /// Of what it was asked.
        package var hash: String
        /// SHA-256 of what came out: weights, the evaluation's description, the file.
        package var output: String
        /// Of an evaluation: SHA-256 of what it found, by file; nil in ledgers of versions that did not keep it.
        package var files: [String: String]?
    }

    /// What was asked when the pilot was first started, as far as a recommendation depends on it.
    package struct Start: Codable, Sendable, Hashable {
        package var methods: [String]
        package var controls: [String]
        package var seeds: [Int]
        package var radii: [Double]
        package var regions: [String]
        package var checked: [String]
        package var attack: String
        package var decision: Double
        package var acceptance: PilotPlan.Acceptance

        package init(_ plan: PilotPlan) {
            (methods, controls, seeds) = (plan.methods, plan.controls, plan.seeds)
            (radii, regions, checked) = (plan.evaluation.radii, plan.evaluation.regions, plan.evaluation.checked)
            (attack, decision, acceptance) = (plan.evaluation.attack, plan.evaluation.decision, plan.acceptance)
        }

        private var lists: [(key: String, names: [String])] {
            [
                ("methods", methods), ("controls", controls), ("seeds", seeds.map { "\($0)" }), ("evaluation.radii", radii.map(PlanSchema.text)),
                ("evaluation.regions", regions), ("evaluation.checked", checked),
                ("evaluation.attack", attack.split(separator: ",").map { $0.filter { $0 != " " } }),
            ]
        }

        /// What this asks for and `other` does not, key by key, such as `methods at, at-half`.
        package func lost(in other: Start) -> [String] {
            zip(lists, other.lists).compactMap { mine, theirs in
                let names = mine.names.filter { !theirs.names.contains($0) }
                return names.isEmpty ? nil : "\(mine.key) \(names.joined(separator: ", "))"
            }
        }
    }

    package var format = 1
    /// The version of this program.
    package var program: String
    package var plan: String
    /// Of the acceptance criteria, when the pilot was first started.
    package var criteria: String
    /// Nil in ledgers of versions that did not keep it.
    package var start: Start?
    package var done: [Entry] = []

    package func entry(_ part: PilotPart) -> Entry? { done.first { $0.part == part.name } }

    /// Refuses a plan without something that the pilot was started with, or that is done: otherwise what nobody likes to see could be
    /// left out of the report.
    ///
    /// - Parameters:
    ///   - path: the plan's file.
    ///   - kind: of the failure.
    package func requireWhole(_ plan: PilotPlan, path: String, kind: Failure.Kind) throws {
        var missing = start?.lost(in: Start(plan)) ?? []
        // The first seed is the one that is put to the self-checks.
        if let seed = start?.seeds.first, seed != plan.seeds.first, plan.seeds.contains(seed) { missing.append("seeds \(seed) in the first place") }
        let asked = Set(PilotPart.all(plan).map(\.name))
        let outside = done.map(\.part).filter { !asked.contains($0) }
        missing += outside.prefix(3).map { "\"\($0)\", which is done" }
        if outside.count > 3 { missing.append("\(outside.count - 3) more finished part\(outside.count == 4 ? "" : "s")") }
        guard missing.isEmpty else {
            throw Failure(
                kind, "\(path) no longer has all that the pilot was started with: \(missing.joined(separator: "; ")) is missing",
                remedy: "put it back, or plan a new pilot in another folder (sipat pilot plan)")
        }
    }

    /// SHA-256 of what an evaluation found, by file.
    ///
    /// Of its ledger the sorted lines count: they come in another order for each number of ranks.
    static func results(_ ledger: Ledger) throws -> [String: String] {
        let lines = try ledger.sortedLines().reduce(into: [UInt8]()) { $0 += try jsonBytes($1, .line) }
        var hashes = [EvaluationFolder.ledger: SHA256.hex(of: lines)]
        for name in [EvaluationFolder.result, EvaluationFolder.checks, EvaluationFolder.measures] where FileManager.default.fileExists(atPath: ledger.folder + "/" + name) {
            hashes[name] = try SHA256.hex(ofFile: ledger.folder + "/" + name)
        }
        return hashes
    }

    package static let fileName = "ledger.json"

    /// Nil where the pilot was not started.
    package static func read(_ folder: String) throws -> PilotLedger? { try readJSON(PilotLedger.self, folder + "/" + fileName) }
}

/// What a pilot took, as measured: `cost.json`. Kept apart from the report's numbers, which do not depend on the machine.
package struct PilotCost: Codable, Sendable, Hashable {
    package struct Entry: Codable, Sendable, Hashable {
        package var part: String
        /// Of the last start; nil while it goes on, and if it was killed.
        package var seconds: Double?
        package var ranks: Int
        package var threads: Int
        /// Energy of the processors of rank 0's host, where it tells.
        package var joules: Double?
        /// How often it was started.
        package var starts: Int
        /// Earlier starts that were stopped and so could tell their time: how many, their core-seconds with the ranks they had, and
        /// their energy.
        package var told: Int?
        package var earlierCoreSeconds: Double?
        package var earlierJoules: Double?

        package var coreSeconds: Double { (seconds ?? 0) * Double(ranks * threads) + (earlierCoreSeconds ?? 0) }
        /// Of all starts that told.
        package var allJoules: Double? { joules.map { $0 + (earlierJoules ?? 0) } }
        /// Whether no start was killed, whose time nobody knows.
        package var isWhole: Bool { starts <= (told ?? 0) + 1 }
    }

    package var format = 1
    package var host: String
    package var processor: String
    package var parts: [Entry] = []
    /// The day on which the last part was finished, such as 2026-11-29.
    package var finished: String?

    /// Of all parts, as far as they could tell.
    package var coreHours: Double { parts.reduce(0) { $0 + $1.coreSeconds } / 3600 }

    package static let fileName = "cost.json"

    package static func read(_ folder: String) throws -> PilotCost? { try readJSON(PilotCost.self, folder + "/" + fileName) }

    /// What an earlier start told stays counted.
    package mutating func begin(_ part: PilotPart, ranks: Int, threads: Int) {
        let last = parts.first { $0.part == part.name }
        parts.removeAll { $0.part == part.name }
        var entry = Entry(part: part.name, seconds: nil, ranks: ranks, threads: threads, joules: nil, starts: (last?.starts ?? 0) + 1)
        if let last, last.seconds != nil || last.told != nil {
            entry.told = (last.told ?? 0) + (last.seconds == nil ? 0 : 1)
            entry.earlierCoreSeconds = last.coreSeconds
            entry.earlierJoules = last.joules == nil ? last.earlierJoules : last.allJoules
        }
        parts.append(entry)
    }

    /// - Parameter isDone: false for a part that was asked to stop, and goes on with the next start.
    package mutating func end(_ part: PilotPart, seconds: Double, joules: Double?, isDone: Bool) {
        guard let place = parts.firstIndex(where: { $0.part == part.name }) else { return }
        parts[place].seconds = seconds
        parts[place].joules = joules
        if isDone { finished = String(SalienceOrigin.now().prefix(10)) }
    }
}

/// What a file of the pilot holds; nil where there is none.
///
/// - Throws: `Failure.badData` for a file that cannot be understood.
package func readJSON<Value: Decodable>(_ type: Value.Type, _ path: String) throws -> Value? {
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    let bytes = try ReadableFile.contents(of: path, limit: 1 << 30)
    do { return try decodedJSON(type, from: bytes) } catch {
        throw Failure.badData("\(path): cannot be understood: \(error)", remedy: "was it edited? put back what was there")
    }
}
