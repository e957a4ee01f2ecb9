import Foundation

/// What the page and the server say to each other, as JSON.
enum Messages {
    /// Answer to `POST /api/session`.
    struct Session: Encodable {
        var person: String
        var width: Int
        var height: Int
        /// In 256 steps.
        var threshold: Int
        var policy: String
        var policyHash: String
        var keys: [String: String]
        var idleSeconds: Double
        var progress: Progress
    }

    struct Progress: Encodable {
        var done: Int
        var mine: Int
        var total: Int
        /// Nil where nobody decided anything yet.
        var secondsLeft: Double?
    }

    /// An image to be decided. It does not tell a honeypot from the audit.
    struct Item: Encodable {
        var item: Int
        var name: String
        var label: String
        var reason: String
        var blind: Bool
        /// Whether somebody or something has looked: unseen, empty, map.
        var state: String
    }

    struct Next: Encodable {
        var items: [Item]
        var progress: Progress
    }

    struct Decision: Decodable {
        var item: Int
        var id: String
        var action: ReviewAction
        var runs: [Int]?
        var own: [Int]?
        var gestures: [Gesture]?
        var activeMilliseconds: Int
        var page: String?
    }

    struct Saved: Encodable {
        /// The line of the log.
        var line: Int
        var progress: Progress
    }

    struct UndoRequest: Decodable {
        var id: String
    }

    struct Undone: Encodable {
        var item: Item
        var action: ReviewAction?
        var gestures: [Gesture]
        var runs: [Int]?
        var progress: Progress
    }

    struct Problem: Encodable {
        var error: String
    }
}

/// What the server answers instead of what was asked for.
struct Refusal: Error {
    var status: Int
    var text: String
}
