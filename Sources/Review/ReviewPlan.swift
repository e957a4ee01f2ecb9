import Diagnostics
import Foundation
import Images
import Salience

/// `plan.json` of a review: what is reviewed, and by what rules. The log's chain begins at its hash.
package struct ReviewPlan: Codable, Hashable, Sendable {
    package static let currentFormat = 1

    /// How the images are found again, as flags of the command line.
    package struct Data: Codable, Hashable, Sendable {
        package var data: String
        package var dataDir: String?
        package var labelFrom = ""
        package var testShare = 0.2
        package var splitSeed = 0
        package var size = 0
        package var fit = "resize"
        /// Paths of files that are done without, as they cannot be used; nil for none.
        package var leftOut: [String]?
        /// Of the images that are reviewed.
        package var splits: [String] = []

        package init(data: String, dataDir: String?) {
            self.data = data
            self.dataDir = dataDir
        }
    }

    /// One split: which images, and which maps of them.
    package struct Part: Codable, Hashable, Sendable {
        package var dataset: SalienceProvenance.Dataset
        /// Fingerprints of the maps, those shown first.
        package var maps: [String]
        /// Of those known to be right; nil where there are none, and in older plans.
        package var trusted: String?
    }

    package var format = ReviewPlan.currentFormat
    package var when: String
    package var createdBy: String
    package var data: Data
    /// Files or folders of maps: those shown, then those compared with them.
    package var maps: [String]
    /// Maps known to be right; nil where there are none.
    package var trusted: String?
    package var settings: ReviewSettings
    package var parts: [Part]
    package var height: Int
    package var width: Int
    package var items: Int
    /// SHA-256 of `queue.jsonl`, `honeypots.json` and `policy.txt`.
    package var queueHash: String
    package var honeypotsHash: String
    package var policyHash: String
    /// What can be right or wrong without anybody having decided on purpose, such as where known right maps come from.
    package var notes: [String]
}

/// The rules of a review.
package struct ReviewSettings: Codable, Hashable, Sendable {
    package var seed: UInt64 = 0
    /// A pixel is shown as salient from this value on, in (0, 1].
    package var threshold = 0.5
    /// Share of the queue that is drawn at random from all images.
    package var audit = 0.1
    /// Images shown with a map of known quality, as a share of all images.
    package var honeypots = 0.04
    /// Images shown to two people.
    package var double = 0.1
    /// Images shown twice to one person.
    package var again = 0.03
    /// Images shown without the map first.
    package var blind = 0.05
    /// One class after the other.
    package var byClass = false
    /// The rest is good enough when no more than this share of it can be wrong.
    package var goodEnough = 0.02

    package init() {}

    /// The threshold in 256 steps.
    package var level: UInt8 { UInt8(max(1, min(255, (threshold * 255).rounded()))) }

    /// - Throws: `Failure.usage` naming the flag.
    package func check() throws {
        for (flag, value, limit) in [
            ("--audit", audit, 1.0), ("--honeypots", honeypots, 0.5), ("--double", double, 1), ("--again", again, 1), ("--blind", blind, 1),
        ] where !(value >= 0 && value <= limit) {
            throw Failure.usage("\(flag) is \(value), expected a share from 0 to \(limit)", remedy: "0.1 is a tenth")
        }
        guard threshold > 0, threshold <= 1 else { throw Failure.usage("--threshold is \(threshold), expected a number above 0 and at most 1") }
        guard goodEnough > 0, goodEnough < 1 else {
            throw Failure.usage("--good-enough is \(goodEnough), expected a share between 0 and 1", remedy: "0.02: at most 2 % of the rest may be wrong")
        }
    }
}

/// Where the files of a review are.
package struct ReviewFolder: Hashable, Sendable {
    package let path: String

    package init(_ path: String) { self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path }

    package var plan: String { path + "/plan.json" }
    package var queue: String { path + "/queue.jsonl" }
    package var honeypots: String { path + "/honeypots.json" }
    package var policy: String { path + "/policy.txt" }
    package var log: String { path + "/log.jsonl" }
    package var leases: String { path + "/leases.jsonl" }
    package var people: String { path + "/people.json" }
    package var keys: String { path + "/keys.json" }

    package static let again = "restore the folder, or plan the review again: sipat review plan"

    private var planFile: PlanFile { PlanFile(path: plan, noun: "review", command: "sipat review plan --data … --maps …", remedy: ReviewFolder.again) }

    /// The plan and its hash.
    ///
    /// - Throws: `Failure` when it is missing or is none.
    package func readPlan() throws -> (plan: ReviewPlan, hash: String) {
        let (read, hash) = try planFile.read(ReviewPlan.self)
        guard read.format == ReviewPlan.currentFormat, read.items > 0, (1...65_536).contains(read.width), (1...65_536).contains(read.height) else {
            throw Failure.badData("\(plan): format \(read.format), \(read.items) items of \(read.width)×\(read.height) mean nothing here", remedy: ReviewFolder.again)
        }
        try read.settings.check()
        return (read, hash)
    }

    /// Compares files with the hashes in the plan.
    package func checkFiles(_ plan: ReviewPlan) throws {
        for (file, hash) in [(queue, plan.queueHash), (honeypots, plan.honeypotsHash), (policy, plan.policyHash)] { try planFile.require(file, hash: hash) }
    }
}
