/// Where a review stands and what it is worth.
package struct ReviewStatus: Codable, Sendable {
    /// One person's decisions.
    package struct Person: Codable, Sendable {
        package var name: String
        package var decisions = 0
        package var activeSeconds = 0.0
        package var medianSeconds: Double?
        /// Planted wrong maps that were changed, and right ones that were left alone.
        package var caught = Proportion()
        package var passed = Proportion()
        /// Images shown again that were decided alike.
        package var consistent = Proportion()
    }

    /// A stretch of decisions, one after the other.
    package struct Stretch: Codable, Sendable {
        package var decisions: Int
        package var medianSeconds: Double
        package var caught: Proportion
        package var passed: Proportion
        package var changed: Proportion
    }

    package struct Pairs: Codable, Sendable {
        /// Left alone or changed.
        package var changed: Agreement
        /// Accept, nothing, wrong, corrected.
        package var actions: Agreement
        package var intersectionOverUnion: Overlap
        package var dice: Overlap
        package var caution = Agreement.caution
    }

    /// Whether people are led by the map: how near what they had marked before they saw it is to what they left, beside the map.
    package struct Blind: Codable, Sendable {
        package var images: Int
        package var ownWithFinal: Overlap
        package var mapWithFinal: Overlap
        /// How often the map was changed, where it was hidden first and where it was not.
        package var changedBlind: Proportion
        package var changedShown: Proportion
    }

    /// From so many honeypots of each kind on they tell what people miss.
    static let leastHoneypots = 5

    /// What the figures mean for going on.
    package struct Words: Codable, Sendable {
        package var verdict: String
        /// What a reader of the figures must know.
        package var remarks: [String]
    }

    package var images: Int
    package var items: Int
    package var decided: Int
    package var left: Int
    package var personHours: Double
    /// Seconds for one person, or for all who take part at once.
    package var secondsLeft: Double?
    package var actions: [String: Int] = [:]
    package var people: [Person]
    /// For each reason, how often the map was changed.
    package var changedByReason: [String: Proportion] = [:]
    package var caught: Proportion
    package var passed: Proportion
    /// What the random share says of images nobody looked at: how many of them people would change …
    package var rest: RestEstimate
    package var restUnsure: Int
    /// Of the images not reached in turn, those that the queue will still draw at random; nil in older files.
    package var randomLeft: Int?
    /// … and how many are wrong, seen that people miss some and object to others.
    package var corrected: Interval?
    /// Images before the last one in its turn that are still in somebody's hands.
    package var inHand: Int
    package var twoPeople: Pairs
    package var samePerson: Pairs
    /// Images on which two people differ.
    package var disputed: Int
    package var blind: Blind
    package var overTime: [Stretch]
    package var policyHash: String
    package var planHash: String
    package var head: String
    package var lines: Int
    /// The share of the rest that may be wrong.
    package var goodEnough: Double
    /// Whether the rest may be left alone.
    package var isGoodEnough: Bool
    package var notes: [String]
    /// By language, `en` and `ja`.
    package var words: [String: Words] = [:]
}
