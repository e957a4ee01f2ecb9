/// What is known of an image's salience. Unseen and empty images are trained on alike (attacked everywhere), and counted apart:
/// only one of them was looked at.
package enum SalienceState: String, Codable, Sendable, Hashable, CaseIterable {
    /// Nobody looked at it.
    case unseen
    /// Somebody looked, and found nothing salient.
    case empty
    /// It has a map.
    case map
}

/// Numbers of images in each state.
package struct SalienceCounts: Codable, Sendable, Hashable {
    package var unseen = 0
    package var empty = 0
    package var map = 0

    package init() {}

    package var all: Int { unseen + empty + map }

    package subscript(state: SalienceState) -> Int {
        get {
            switch state {
            case .unseen: unseen
            case .empty: empty
            case .map: map
            }
        }
        set {
            switch state {
            case .unseen: unseen = newValue
            case .empty: empty = newValue
            case .map: map = newValue
            }
        }
    }

    /// "1412 with a map, 20 confirmed empty, 8 unseen".
    package var summary: String { "\(map) with a map, \(empty) confirmed empty, \(unseen) unseen" }
}
