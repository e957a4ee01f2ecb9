import Diagnostics
import Foundation

/// A result as `sipat compare` sees it: accuracy per radius, and the conditions under which it was found.
package struct ComparisonColumn: Sendable {
    package let epsilons: [Float]
    package let accuracies: [Double]
    /// Which images were right and stood, by radius and then by place, and the images' indices; nil for a file of sums.
    package let flags: (indices: [Int], robust: [Float: [Bool]])?
    /// What must be the same for two results to stand side by side, with its value here; nil where it is not known.
    let conditions: [(name: String, value: String?)]

    /// - Parameter path: a file of `sipat evaluate --json`, or a folder of `--output`.
    /// - Throws: `Failure` if it is neither, or not finished.
    package init(contentsOf path: String) throws {
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
            _ = try EvaluationFolder.description(in: path)
            let file = path + "/" + EvaluationFolder.result
            guard FileManager.default.fileExists(atPath: file) else {
                throw Failure.badData("\(path): the evaluation is not finished", remedy: "go on with it: sipat evaluate --output \(path) --resume")
            }
            let view = try LedgerView(path)
            let robust = Dictionary(uniqueKeysWithValues: ([0] + view.epsilons).map { ($0, view.robust($0)) })
            self.init(try Self.result(file), flags: (view.ledger.indices, robust))
        } else if let result = try? Self.result(path) {
            self.init(result)
        } else {
            self.init(try EvaluationFile(contentsOf: path))
        }
    }

    private static func result(_ path: String) throws -> EvaluationResult {
        let bytes = try ReadableFile.contents(of: path)
        do { return try decodedJSON(EvaluationResult.self, from: bytes) } catch {
            throw Failure.badData("\(path): is no result of sipat evaluate", remedy: "evaluate anew")
        }
    }

    package init(_ file: EvaluationFile) {
        epsilons = file.results.map(\.epsilon)
        accuracies = file.results.map(\.accuracy)
        conditions = file.conditions
        flags = nil
    }

    package init(_ result: EvaluationResult, flags: (indices: [Int], robust: [Float: [Bool]])? = nil) {
        self.flags = flags
        let description = result.description
        epsilons = [0] + result.headline.map(\.epsilon)
        accuracies = [result.clean.accuracy] + result.headline.map(\.robust.accuracy)
        let attacks = description.chains.first?.attacks ?? []
        let settings = attacks.map { attack in
            "\(attack.name)(" + attack.settings.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ") + ")"
        }
        conditions = [
            ("data set", description.data.name), ("data", description.data.fingerprint), ("split", description.data.split),
            ("images", description.images), ("attack", description.attack), ("norm", description.norm.rawValue),
            ("attack settings", settings.joined(separator: ", ")),
            ("regions", description.regions.map(\.rawValue).joined(separator: ", ")),
            ("earlier images", description.against.map { "\($0.name) \($0.model.prefix(12))" }.joined(separator: ", ")),
            ("transfer from", description.transferFrom.map { "\($0.sha256.prefix(12))" } ?? "none"),
            ("salience threshold", description.regions == [.all] ? "" : "\(description.salienceThreshold)"),
            ("radii", epsilons.map { "\($0)" }.joined(separator: ", ")),
        ]
    }

    /// How the other result's conditions differ from these, in words; empty if the two can be compared.
    package func differences(from other: ComparisonColumn) -> [String] {
        guard conditions.map(\.name) == other.conditions.map(\.name) else {
            let attack = { (column: ComparisonColumn) in column.conditions.first { $0.name == "attack" }?.value ?? "" }
            return ["the one is a file of sipat evaluate --json (\(attack(self))), the other was made with a ledger (\(attack(other)))"]
        }
        return zip(conditions, other.conditions).compactMap { own, other in
            guard let value = own.value, let expected = other.value, value != expected else { return nil }
            return "\(own.name): \(value), not \(expected)"
        }
    }
}
