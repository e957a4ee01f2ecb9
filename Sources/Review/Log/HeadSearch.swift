import Diagnostics

/// Looks in a log for a line that was there before: what was cut off at the end, and a change of the last line, only who kept its hash
/// can see.
struct HeadSearch {
    private let head: String?
    private var isFound: Bool

    /// - Parameters:
    ///   - head: the hash of a line that must be there; nil: none is known.
    ///   - root: the hash of `plan.json`.
    ///   - end: the log's.
    init(_ head: String?, root: String, end: LogEnd) {
        self.head = head
        isFound = head == nil || head == root || head == end.head
    }

    /// Takes in a line's hash of the one before.
    mutating func see(previous: String) { isFound = isFound || previous == head }

    /// - Throws: `Failure.badData` when no line with the hash was seen.
    func require(in path: String) throws {
        guard !isFound, let head else { return }
        throw Failure.badData("\(path): the line with the hash \(head) is not there any more: lines were cut off at the end, or replaced", remedy: LogEnd.remedy)
    }
}

extension LogEnd {
    static let remedy = "take the log from a backup"

    /// What is to be said of an unfinished line; empty where there is none.
    var tornText: String { torn > 0 ? "; an unfinished line of \(torn) bytes at the end, which nobody was told is saved" : "" }
}
