import Foundation

/// What a person did to reach a decision, in order: enough to show it again.
package struct Gesture: Codable, Hashable, Sendable {
    /// box, blob, threshold, reveal.
    package var kind: String
    /// Of a box or a blob: whether pixels were added or removed.
    package var adds: Bool?
    /// Corners of a box, the place of a click; in pixels.
    package var x: Double?
    package var y: Double?
    package var x2: Double?
    package var y2: Double?
    /// The new threshold, 1 to 255.
    package var value: Int?

    package init(kind: String, adds: Bool? = nil, x: Double? = nil, y: Double? = nil, x2: Double? = nil, y2: Double? = nil, value: Int? = nil) {
        self.kind = kind
        self.adds = adds
        self.x = x
        self.y = y
        self.x2 = x2
        self.y2 = y2
        self.value = value
    }
}

/// What can be decided about an image.
package enum ReviewAction: String, Codable, Sendable, CaseIterable {
    /// The map is right as it is.
    case accept
    /// Nothing in the image is salient.
    case nothing
    /// The map is wrong, and was not corrected: the image counts as unseen.
    case wrong
    /// The map is now what the person drew.
    case corrected
    /// The person cannot tell: the map stays as it was, on its maker's word.
    case unsure
}

/// One line of `log.jsonl`. Lines are only ever added.
package struct LogLine: ChainedLine, Hashable {
    package static let logName = "a review's log"
    package static let server = "sipat review serve"

    package enum Kind: String, Codable, Sendable {
        case decision
        /// Takes back line `undoes`.
        case undo
    }

    /// From 0.
    package var line: Int
    /// SHA-256 of the line before, without its newline; of `plan.json` for the first.
    package var previous: String
    /// UTC, with milliseconds.
    package var time: String
    package var kind: Kind
    package var person: String
    package var item: Int
    /// Counted over all splits.
    package var image: Int
    /// The number that the page gave its message: the same message twice is one decision.
    package var id: String
    package var undoes: Int?
    package var action: ReviewAction?
    /// SHA-256 of the image's pixels.
    package var imageHash: String?
    /// SHA-256 of the map that was shown, in 256 steps, and of the map that holds now; nil: none holds.
    package var before: String?
    package var after: String?
    /// Whether the region is now another than the one that was shown.
    package var changed: Bool?
    /// What made the map that was shown.
    package var origin: String?
    /// `corrected`: the region, see `RunMask`.
    package var runs: [Int]?
    /// What the person had marked before the map was revealed.
    package var own: [Int]?
    package var gestures: [Gesture]?
    /// From the image's appearance to the decision, without pauses.
    package var activeMilliseconds: Int?
    /// Whether the map was to be seen from the beginning.
    package var mapShown: Bool?
    package var policy: String?
    package var page: String?

    /// The line's number and the hash before it are the log's to fill in.
    package init(time: String = logTime(), kind: Kind, person: String, item: Int, image: Int, id: String, undoes: Int? = nil) {
        (line, previous) = (0, "")
        self.time = time
        self.kind = kind
        self.person = person
        self.item = item
        self.image = image
        self.id = id
        self.undoes = undoes
    }
}

/// Now, as the log writes it.
package func logTime(_ date: Date = Date()) -> String { date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)) }
