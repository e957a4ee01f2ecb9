import Diagnostics
import Review

extension PilotReport {
    /// What a review's status says.
    package struct ReviewFacts: Codable, Sendable, Hashable {
        package struct Part: Codable, Sendable, Hashable {
            package var count: Int
            package var total: Int

            package init(_ proportion: Proportion) { (count, total) = (proportion.hits, proportion.trials) }
        }

        /// A share and its interval of 95 %.
        package struct Estimate: Codable, Sendable, Hashable {
            package var share: Double
            package var low: Double
            package var high: Double

            package init(_ interval: Interval) { (share, low, high) = (interval.estimate, interval.low, interval.high) }
        }

        package var images: Int
        /// Planted maps, and images shown again, are among them.
        package var decisions: Int
        package var people: Int
        package var personHours: Double
        /// Planted wrong maps that were changed, and planted right ones that were left alone.
        package var caught: Part
        package var passed: Part
        /// Images that two people decided on, in how many of them they differ, and how far they agree on whether the map is to be
        /// changed: the share of alike decisions, and Gwet's AC1.
        package var twoPeople: Int
        package var disputed: Int
        package var alike: Double?
        package var agreement: Double?
        /// Images that one person decided twice, and the share of alike decisions.
        package var again: Int
        package var againAlike: Double?
        /// The audit: maps drawn at random and looked at, how many of them were changed, and how many are left that nobody saw.
        package var audit: Part
        package var rest: Int
        /// Of those left, how many people would change …
        package var wouldChange: Estimate?
        /// … and how many are wrong, seen that people miss some and object to others.
        package var wrong: Estimate?
        package var policyHash: String
        package var planHash: String
        package var head: String
        /// The share of the rest that may be wrong, and whether by the audit no more are.
        package var goodEnough: Double
        package var isGoodEnough: Bool
        /// Whether the pilot's maps name this review as theirs.
        package var isOfTheseMaps: Bool

        /// - Parameter reviews: hashes of the plans of the reviews that the pilot's maps come from.
        package init(_ status: ReviewStatus, reviews: [String]) {
            (images, decisions, people, personHours) = (status.images, status.decided, status.people.count, status.personHours)
            (caught, passed) = (Part(status.caught), Part(status.passed))
            (twoPeople, disputed) = (status.twoPeople.changed.images, status.disputed)
            (alike, agreement) = (status.twoPeople.changed.raw, status.twoPeople.changed.ac1)
            (again, againAlike) = (status.samePerson.changed.images, status.samePerson.changed.raw)
            audit = Part(Proportion(hits: status.rest.errors, trials: status.rest.sample))
            rest = status.rest.rest
            (wouldChange, wrong) = (status.rest.share.map { Estimate($0) }, status.corrected.map { Estimate($0) })
            (policyHash, planHash, head) = (status.policyHash, status.planHash, status.head)
            (goodEnough, isGoodEnough) = (status.goodEnough, status.isGoodEnough)
            isOfTheseMaps = reviews.contains(status.planHash)
        }

        /// The status in a file.
        ///
        /// - Throws: `Failure.inputOutput` where there is none, `.badData` for another file.
        package static func status(_ path: String) throws -> ReviewStatus {
            let remedy = "write it: sipat review status FOLDER --json \(path), or leave review empty in \(PilotFolder.plan)"
            do {
                if let status = try readJSON(ReviewStatus.self, path) { return status }
            } catch let failure as Failure where failure.kind == .badData {
                throw Failure.badData("\(path): is no status of a review", remedy: remedy)
            }
            throw Failure.inputOutput("\(path): there is no such file", remedy: remedy)
        }
    }
}
