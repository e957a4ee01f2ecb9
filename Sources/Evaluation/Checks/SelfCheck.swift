/// One question that an evaluation is put to, and what was found.
package struct SelfCheck: Sendable, Hashable, Codable {
    package enum Status: String, Sendable, Hashable, Codable {
        case passed
        /// Worth a look before the numbers are quoted.
        case doubtful
        /// The numbers mean something else than they say.
        case failed
        /// There was nothing to find out with, for a reason that `note` gives.
        case skipped
    }

    /// As it stays from version to version, such as `zero-gradients`.
    package var name: String
    /// What is expected of a sound evaluation, in words.
    package var title: String
    /// What was measured; nil where nothing was.
    package var figure: Double?
    /// What the figure may be.
    package var bound: String
    package var status: Status
    /// The figure in words, with what it was counted on.
    package var note: String

    package init(_ name: String, _ title: String, figure: Double?, bound: String, status: Status, note: String) {
        self.name = name
        self.title = title
        self.figure = figure
        self.bound = bound
        self.status = status
        self.note = note
    }

    static func skipped(_ name: String, _ title: String, bound: String, because note: String) -> SelfCheck {
        SelfCheck(name, title, figure: nil, bound: bound, status: .skipped, note: note)
    }
}

/// Whether to believe an evaluation: `checks.json`.
package struct SelfChecks: Sendable, Hashable, Codable {
    package enum Verdict: String, Sendable, Hashable, Codable {
        /// Nothing was found that speaks against the numbers.
        case trusted
        case doubtful
        /// They cannot be believed: the model hides its gradients or draws random numbers, or an attack is broken or too weak.
        case invalid
    }

    package var format = 1
    /// What was checked: the hash of an evaluation's description; nil for a model by itself.
    package var evaluation: String?
    package var settings: CheckSettings
    /// The images that were checked, by index in the data set, and how many of them are classified rightly as they are.
    package var indices: [Int]
    package var right: Int
    package var checks: [SelfCheck]
    package var verdict: Verdict

    package init(settings: CheckSettings, indices: [Int], right: Int, checks: [SelfCheck]) {
        self.settings = settings
        self.indices = indices
        self.right = right
        self.checks = checks
        verdict =
            checks.contains { $0.status == .failed } ? .invalid : checks.contains { $0.status == .doubtful } ? .doubtful : .trusted
    }

    /// The verdict with what led to it, and every check, as a table to read.
    package var text: String {
        func mark(_ status: SelfCheck.Status) -> String { status.rawValue }
        var text = "verdict: \(verdict.rawValue)"
        let bad = checks.filter { $0.status == .failed || $0.status == .doubtful }
        if !bad.isEmpty { text += " (\(bad.map(\.name).joined(separator: ", ")))" }
        text += "\n| check | status | found | bound |\n| :--- | :--- | :--- | :--- |"
        for check in checks { text += "\n| \(check.name) | \(mark(check.status)) | \(check.note) | \(check.bound) |" }
        return text
    }
}
