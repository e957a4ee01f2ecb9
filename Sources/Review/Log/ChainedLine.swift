/// A line of a log that is only added to: each holds the hash of the one before.
package protocol ChainedLine: Codable, Sendable {
    /// From 0.
    var line: Int { get set }
    /// SHA-256 of the line before, without its newline; of `plan.json` for the first.
    var previous: String { get set }
    /// What such lines are in, in words.
    static var logName: String { get }
    /// The command that adds to it.
    static var server: String { get }
}
