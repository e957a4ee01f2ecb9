import Foundation

/// On whose word pixels count as meaningful: a person, a program's guess, a file of annotations, a review. A store lists its
/// origins once; each image's record names one.
package struct SalienceOrigin: Codable, Hashable, Sendable {
    package enum Kind: String, Codable, Sendable, CaseIterable {
        /// People marked the regions, and handed the maps over as they are.
        case person
        /// An algorithm guessed them.
        case estimator
        /// People marked the regions in another program, whose files were read.
        case `import`
        /// People looked at maps here, confirmed and corrected them.
        case review
        /// Nobody's word: maps changed or replaced by a rule for an experiment, see `SalienceRule`.
        case rule
    }

    /// Weights of a model that took part.
    package struct Weights: Codable, Hashable, Sendable {
        /// As they were named on the command line.
        package var path: String
        /// SHA-256 of the weights.
        package var hash: String

        package init(path: String, hash: String) {
            self.path = path
            self.hash = hash
        }
    }

    package var kind: Kind
    /// The person, the estimator, or the format of the files.
    package var name: String
    /// When, in UTC: 2026-03-01T12:00:00Z; nil where nobody said.
    package var when: String?
    /// The file or folder that was read, as it was named on the command line.
    package var path: String?
    /// SHA-256 of it, where it is one file; else each record has the hash of its own.
    package var fileHash: String?
    /// How the estimator was set, or how the files were read (labels, pixel convention).
    package var settings: [String: SalienceSetting]?
    package var weights: Weights?
    /// The program and version that wrote the maps.
    package var createdBy: String
    /// Anything a reader should know, such as who drew the shapes.
    package var note: String?

    package init(
        kind: Kind, name: String, when: String? = SalienceOrigin.now(), path: String? = nil, fileHash: String? = nil,
        settings: [String: SalienceSetting]? = nil, weights: Weights? = nil, createdBy: String, note: String? = nil
    ) {
        self.kind = kind
        self.name = name
        self.when = when
        self.path = path
        self.fileHash = fileHash
        self.settings = settings
        self.weights = weights
        self.createdBy = createdBy
        self.note = note
    }

    /// Of an estimator.
    package init(_ estimator: SalienceProvenance.Estimator, when: String? = SalienceOrigin.now(), weights: Weights? = nil, createdBy: String) {
        self.init(
            kind: .estimator, name: estimator.name, when: when, settings: estimator.settings.isEmpty ? nil : estimator.settings,
            weights: weights, createdBy: createdBy)
    }

    /// Now, as `when` is written.
    package static func now() -> String { ISO8601DateFormatter().string(from: Date()) }

    /// One line for people: "import voc (labels all), steel/ANNOTATIONS, 2026-03-01T12:00:00Z, by sipat 0.1".
    package var summary: String {
        var text = "\(kind.rawValue) \(name)"
        if let settings, !settings.isEmpty {
            text += " (\(settings.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")))"
        }
        if let weights { text += ", weights \(weights.path) \(weights.hash.prefix(12))" }
        if let path { text += ", from \(path)" }
        if let fileHash { text += " \(fileHash.prefix(12))" }
        if let when { text += ", \(when)" }
        text += ", by \(createdBy)"
        return note.map { "\(text): \($0)" } ?? text
    }
}

/// What is known of one image's map.
package struct SalienceRecord: Codable, Hashable, Sendable {
    /// A map that was there before.
    package struct Replaced: Codable, Hashable, Sendable {
        package var state: SalienceState
        /// Index into the store's origins.
        package var origin: Int?
        package var map: String?

        package init(state: SalienceState, origin: Int?, map: String?) {
            self.state = state
            self.origin = origin
            self.map = map
        }
    }

    /// Which image: its path in the data set, or its number.
    package var image: String
    package var split: String
    package var state: SalienceState
    /// 64-bit hash of the image's file in hexadecimal digits, as packed sets keep it: whether the image found under this name is the one
    /// that the map was made for. Nil where it is not known.
    package var imageHash: String?
    /// Index into the store's origins; nil where nobody looked.
    package var origin: Int?
    /// The annotation file, below the origin's path, where each image has its own.
    package var file: String?
    /// SHA-256 of that file.
    package var fileHash: String?
    /// SHA-256 of the map as it is stored; nil where there is none.
    package var map: String?
    /// What was there before, newest first.
    package var replaced: [Replaced]?
    /// What was clipped, left out or otherwise done to it.
    package var remarks: [String]?

    package init(
        image: String, split: String, state: SalienceState, imageHash: String? = nil, origin: Int? = nil, file: String? = nil, fileHash: String? = nil,
        map: String? = nil, replaced: [Replaced]? = nil, remarks: [String]? = nil
    ) {
        self.image = image
        self.split = split
        self.state = state
        self.imageHash = imageHash
        self.origin = origin
        self.file = file
        self.fileHash = fileHash
        self.map = map
        self.replaced = replaced
        self.remarks = remarks
    }

    /// This record's map, as what a new one replaces.
    package var asReplaced: [Replaced] {
        (state == .unseen ? [] : [Replaced(state: state, origin: origin, map: map)]) + (replaced ?? [])
    }
}
