import Diagnostics
import Foundation
import Images

/// `salience.json` of a store.
///
/// A store is a folder that holds the maps of all splits of a data set, first those of the training images: `index.bin`, 16
/// bytes per image (`SalienceIndexEntry`); `maps.u8`, height × width bytes for each map that is kept as pixels;
/// `outlines.bin`, the maps that are kept as shapes (`OutlineCoding`); `records.jsonl`, a `SalienceRecord` per image; and this.
package struct SalienceHeader: Codable, Hashable, Sendable {
    package static let currentFormat = 1
    static let fileName = "salience.json"

    /// One split.
    package struct Part: Codable, Hashable, Sendable {
        /// The images that the maps belong to.
        package var dataset: SalienceProvenance.Dataset
        /// SHA-256 over the states and maps.
        package var digest: String
        package var counts: SalienceCounts
    }

    package var format = SalienceHeader.currentFormat
    /// Of fitted images, for which maps kept as pixels were made.
    package var height: Int
    package var width: Int
    package var fit: String
    package var parts: [Part]
    package var origins: [SalienceOrigin]
    /// SHA-256 of `records.jsonl`: whose word each map is.
    package var recordsHash: String
    /// The program and version that wrote the store.
    package var createdBy: String

    package var count: Int { parts.reduce(0) { $0 + $1.dataset.count } }
    package var size: PixelSize { PixelSize(width: width, height: height) }

    init(
        size: PixelSize, fit: FitRule, parts: [Part], origins: [SalienceOrigin], recordsHash: String, createdBy: String
    ) {
        (height, width) = (size.height, size.width)
        self.fit = fit.rawValue
        self.parts = parts
        self.origins = origins
        self.recordsHash = recordsHash
        self.createdBy = createdBy
    }

    /// - Throws: `Failure` naming file, field, what was found and what was expected.
    init(folder: String) throws {
        let path = folder + "/" + SalienceHeader.fileName
        let bytes = try ReadableFile.contents(of: path)
        do {
            self = try decodedJSON(SalienceHeader.self, from: bytes)
        } catch {
            throw Failure.badData("\(path): is not the description of salience maps (\(jsonProblem(error)))", remedy: SalienceStore.again)
        }
        func require(_ isRight: Bool, _ text: String) throws {
            guard !isRight else { return }
            throw Failure.badData("\(path): \(text)", remedy: SalienceStore.again)
        }
        try require(format == SalienceHeader.currentFormat, "format is \(format), expected \(SalienceHeader.currentFormat)")
        try require((1...65_536).contains(height) && (1...65_536).contains(width), "size is \(width)×\(height)")
        try require(FitRule(rawValue: fit) != nil, "fit is \"\(fit)\", expected resize or crop")
        try require(parts.count <= 16, "there are \(parts.count) splits, expected at most 16")
        try require(parts.allSatisfy { (0...1 << 40).contains($0.dataset.count) }, "a count is negative or too large")
        try require(count > 0, "there are no images")
        try require(Set(parts.map(\.dataset.split)).count == parts.count, "a split is there twice")
    }
}

/// Why JSON could not be decoded, in words.
func jsonProblem(_ error: any Error) -> String {
    func place(_ context: DecodingError.Context) -> String { context.codingPath.map(\.stringValue).joined(separator: ".") }
    switch error {
    case DecodingError.keyNotFound(let key, let context):
        let parent = place(context)
        return "\(parent.isEmpty ? "" : parent + ".")\(key.stringValue) is missing"
    case DecodingError.typeMismatch(let type, let context): return "\(place(context)) is not of type \(type)"
    case DecodingError.valueNotFound(_, let context): return "\(place(context)) has no value"
    case DecodingError.dataCorrupted(let context) where !context.codingPath.isEmpty: return "\(place(context)): \(context.debugDescription)"
    default: return "is not valid JSON"
    }
}
