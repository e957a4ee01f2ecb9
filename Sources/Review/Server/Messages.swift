import Foundation

/// What the page and the server say to each other, as JSON.
package enum Messages {
    /// Answer to `POST /api/session`.
    package struct Session: Encodable {
        package var person: String
        package var width: Int
        package var height: Int
        /// In 256 steps.
        package var threshold: Int
        package var policy: String
        package var policyHash: String
        /// The plan's hash: what a tab still has to send belongs to one review.
        package var plan: String
        package var keys: [String: String]
        package var idleSeconds: Double
        package var progress: Progress
    }

    package struct Progress: Encodable {
        package var done: Int
        package var mine: Int
        package var total: Int
        /// Nil where nobody decided anything yet.
        package var secondsLeft: Double?
    }

    /// An image to be decided. It does not tell a honeypot from the audit.
    package struct Item: Encodable {
        package var item: Int
        package var name: String
        package var label: String
        package var reason: String
        package var blind: Bool
        /// Whether somebody or something has looked: unseen, empty, map.
        package var state: String
    }

    package struct Next: Encodable {
        package var items: [Item]
        package var progress: Progress
    }

    package struct Decision: Decodable {
        package var item: Int
        package var id: String
        package var action: ReviewAction
        package var runs: [Int]?
        package var own: [Int]?
        package var gestures: [Gesture]?
        package var activeMilliseconds: Int
        package var page: String?

        package init(item: Int, id: String, action: ReviewAction, runs: [Int]? = nil, activeMilliseconds: Int) {
            (self.item, self.id, self.action, self.runs, self.activeMilliseconds) = (item, id, action, runs, activeMilliseconds)
        }
    }

    package struct Saved: Encodable {
        /// The line of the log.
        package var line: Int
        package var progress: Progress
    }

    package struct UndoRequest: Decodable {
        package var id: String

        package init(id: String) { self.id = id }
    }

    package struct Undone: Encodable {
        package var item: Item
        package var action: ReviewAction?
        package var gestures: [Gesture]
        package var runs: [Int]?
        package var progress: Progress
    }

    package struct Problem: Encodable {
        package var error: String
    }
}

/// What the server answers instead of what was asked for.
package struct Refusal: Error {
    package var status: Int
    package var text: String
}
