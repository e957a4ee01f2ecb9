import Diagnostics
import Foundation

/// A page's keys, as a file changes them: what each does.
enum PageKeys {
    /// What can be done on a review's page, and on a study's: as in app.js and study.js.
    static let review = [
        "accept", "nothing", "wrong", "unsure", "undo", "reset", "larger", "smaller", "remove", "hide", "cursor", "blob", "corner", "reveal", "own", "status",
        "policy", "help", "language",
    ]
    static let study = ["left", "right", "help", "language"]

    /// The keys in a file; none where there is no file.
    ///
    /// - Throws: `Failure.badData` where it lists no keys, or something that cannot be done.
    static func read(_ path: String, actions: [String], example: String) throws -> [String: String] {
        guard FileManager.default.fileExists(atPath: path) else { return [:] }
        let bytes = try ReadableFile.contents(of: path, limit: 1 << 20)
        let keys: [String: String]
        do { keys = try decodedJSON([String: String].self, from: bytes) } catch {
            throw Failure.badData("\(path): does not list keys", remedy: "write \(example), or remove it")
        }
        for (key, action) in keys.sorted(by: { $0.key < $1.key }) where !actions.contains(action) {
            throw Failure.badData("\(path): the key \"\(key)\" does \"\(action)\", expected one of \(actions.joined(separator: ", "))", remedy: "write \(example)")
        }
        return keys
    }
}
