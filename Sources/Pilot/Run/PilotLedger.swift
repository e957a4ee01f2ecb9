import Diagnostics
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
    }

    package var format = 1
    /// The version of this program.
    package var program: String
    package var plan: String
    /// Of the acceptance criteria, when the pilot was first started.
    package var criteria: String
    package var done: [Entry] = []

    package func entry(_ part: PilotPart) -> Entry? { done.first { $0.part == part.name } }

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
