import Diagnostics
import Foundation

/// Where salience maps come from: on whose word which pixels count as meaningful. Travels with every file of maps, as
/// JSON beside it.
package struct SalienceProvenance: Codable, Hashable, Sendable {
    package enum Source: String, Codable, Sendable, CaseIterable {
        /// People marked the regions.
        case human
        /// Bounding boxes.
        case box
        /// Object masks that belong to the data set.
        case mask
        /// An algorithm guessed them.
        case estimator
    }

    package struct Estimator: Codable, Hashable, Sendable {
        package var name: String
        package var settings: [String: SalienceSetting]

        package init(name: String, settings: [String: SalienceSetting]) {
            self.name = name
            self.settings = settings
        }
    }

    /// The images that the maps belong to, in their order.
    package struct Dataset: Codable, Hashable, Sendable {
        package var name: String
        package var split: String
        package var count: Int
        /// A digest of the images, as the data set gives it; nil when unknown.
        package var fingerprint: String?

        package init(name: String, split: String, count: Int, fingerprint: String? = nil) {
            self.name = name
            self.split = split
            self.count = count
            self.fingerprint = fingerprint
        }
    }

    package var source: Source
    /// The estimator and its settings; nil unless `source` is `.estimator`.
    package var estimator: Estimator?
    package var dataset: Dataset
    /// The program and version that wrote the maps.
    package var createdBy: String
    /// Anything a reader should know, such as who annotated the images.
    package var note: String?

    package init(source: Source, estimator: Estimator? = nil, dataset: Dataset, createdBy: String, note: String? = nil) {
        self.source = source
        self.estimator = estimator
        self.dataset = dataset
        self.createdBy = createdBy
        self.note = note
    }

    /// One line for people: "spectral-residual (sigma 2.5, width 64), for cifar10 train".
    package var summary: String {
        var text = source.rawValue
        if let estimator {
            let settings = estimator.settings.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
            text = estimator.name + (settings.isEmpty ? "" : " (\(settings))")
        }
        return text + ", for \(dataset.name) \(dataset.split)"
    }
}

/// The value of an estimator's setting.
package enum SalienceSetting: Codable, Hashable, Sendable, CustomStringConvertible {
    case flag(Bool)
    case number(Double)
    case text(String)

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let flag = try? container.decode(Bool.self) {
            self = .flag(flag)
        } else if let number = try? container.decode(Double.self) {
            self = .number(number)
        } else {
            self = .text(try container.decode(String.self))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .flag(let flag): try container.encode(flag)
        case .number(let number): try container.encode(number)
        case .text(let text): try container.encode(text)
        }
    }

    package var description: String {
        switch self {
        case .flag(let flag): "\(flag)"
        case .number(let number): number == number.rounded() && abs(number) < 1e15 ? "\(Int(number))" : "\(number)"
        case .text(let text): text
        }
    }
}

extension SalienceProvenance {
    /// The JSON file that belongs to a file of maps: `maps.npy` has `maps.json`.
    package static func path(besides maps: String) -> String {
        (maps.hasSuffix(".npy") ? String(maps.dropLast(4)) : maps) + ".json"
    }

    /// Reads the JSON beside a file of maps.
    ///
    /// - Throws: `Failure.badData` when it is missing, with an example of what to write, or not understood.
    package init(besides maps: String) throws {
        let path = Self.path(besides: maps)
        guard FileManager.default.fileExists(atPath: path) else {
            throw Failure.badData(
                "\(maps): there is no \(path) that says where these maps come from",
                remedy: "write one, for instance:\n    \(Self.example)")
        }
        let text = try ReadableFile.contents(of: path, limit: 1 << 20)
        do {
            self = try decodedJSON(SalienceProvenance.self, from: text)
        } catch {
            throw Failure.badData("\(path): \(Self.explain(error))", remedy: "it should look like this:\n    \(Self.example)")
        }
        guard source != .estimator || estimator != nil else {
            throw Failure.badData(
                "\(path): source is estimator, but estimator is missing", remedy: "it should look like this:\n    \(Self.example)")
        }
    }

    /// Writes the JSON beside a file of maps, atomically.
    package func write(besides maps: String) throws {
        try writeJSON(self, to: Self.path(besides: maps))
    }

    private static let example =
        #"{"source": "human", "dataset": {"name": "cifar10", "split": "train", "count": 50000}, "createdBy": "our annotators"}"#

    private static func explain(_ error: any Error) -> String {
        if case DecodingError.dataCorrupted(let context) = error, context.codingPath.map(\.stringValue) == ["source"] {
            return "source is unknown, expected one of \(Source.allCases.map(\.rawValue).joined(separator: ", "))"
        }
        return jsonProblem(error)
    }
}
