import Diagnostics
import Digests
import Foundation
import Kernels

/// The result of an evaluation as a file: what `sipat evaluate --json` writes and `sipat compare` reads.
package struct EvaluationFile: Codable, Sendable {
    package struct Row: Codable, Sendable {
        package let epsilon: Float
        package let count: Int
        package let correct: Int
        package let accuracy: Double
        package let top5: Double?
        package let loss: Double
        package let emptyRegions: Int?
        package let zeroGradients: Int?
    }
    /// The weights' file.
    package let weights: String
    package let model: String
    package let data: String
    package let split: String
    package let attack: String
    package let settings: EvaluationProtocol
    /// SHA-256 of the images' indices in the data set, and how exact the attack's products were; nil in older files.
    package let images: String?
    package let attackPrecision: ProductPrecision?
    package let results: [Row]

    package init(
        weights: String, model: String, data: String, split: String, attack: String, settings: EvaluationProtocol,
        indices: [Int], attackPrecision: ProductPrecision, report: EvaluationReport
    ) {
        self.weights = weights
        self.model = model
        self.data = data
        self.split = split
        self.attack = attack
        self.settings = settings
        images = SHA256.hex(of: Array(IndexList.text(indices.sorted()).utf8))
        self.attackPrecision = attackPrecision
        results = report.rows.map {
            Row(
                epsilon: $0.epsilon, count: $0.count, correct: $0.correct, accuracy: $0.accuracy, top5: $0.top5, loss: $0.loss,
                emptyRegions: $0.emptyRegions, zeroGradients: $0.zeroGradients)
        }
    }

    /// - Throws: `Failure` if the file is missing or is no such result.
    package init(contentsOf path: String) throws {
        let bytes = try ReadableFile.contents(of: path)
        do {
            self = try decodedJSON(EvaluationFile.self, from: bytes)
        } catch {
            throw Failure.badData(
                "\(path): is no result of sipat evaluate --json", remedy: "make one: sipat evaluate --weights RUN --json \(path)")
        }
        guard !results.isEmpty else { throw Failure.badData("\(path): holds no results", remedy: "evaluate again, with --json \(path)") }
    }

    /// What must be the same for two results to stand side by side, with its value here; nil where the file does not say it.
    var conditions: [(name: String, value: String?)] {
        [
            ("data set", data), ("split", split), ("images", "\(results[0].count + (results[0].emptyRegions ?? 0))"), ("attack", attack),
            ("norm", settings.norm.rawValue), ("steps", "\(settings.steps)"),
            ("step size", settings.stepSize.map { "\($0)" } ?? "\(settings.relativeStepSize)·ε/steps"),
            ("restarts", "\(settings.restarts)"), ("region", settings.region.rawValue),
            ("salience threshold", settings.region == .all ? "" : "\(settings.salienceThreshold)"),
            ("salience coverage", settings.region == .all ? "" : settings.salienceCoverage.map { "\($0)" } ?? "none"),
            ("indices of the images (SHA-256)", images.map { "\($0.prefix(12))" }), ("attack precision", attackPrecision?.rawValue),
            ("radii", results.map { "\($0.epsilon)" }.joined(separator: ", ")),
        ]
    }
}
