import Diagnostics
import Evaluation
import Foundation
import Training

/// What `sipat evaluate --json` writes and `sipat compare` reads.
struct EvaluationFile: Codable {
    struct Row: Codable {
        let epsilon: Float
        let count: Int
        let correct: Int
        let accuracy: Double
        let top5: Double
        let loss: Double
    }
    let weights: String
    let model: String
    let data: String
    let split: String
    let attack: String
    let settings: EvaluationProtocol
    let results: [Row]
}

/// The results of `sipat evaluate` as a table and as files.
struct EvaluationOutput {
    let command: EvaluateCommand
    let setup: EvaluationSetup
    let report: EvaluationReport
    let seconds: Double

    var table: String {
        var text = "\(setup.modelName) on \(setup.indices.count) images of \(setup.dataset.name)"
        text += ", \(command.attack) \(setup.settings.norm.rawValue), \(setup.settings.steps) steps, region \(setup.settings.region.rawValue)"
        text += ", \(duration(seconds))\n"
        text += "| epsilon | accuracy | top-5 | loss |\n| ---: | ---: | ---: | ---: |"
        for row in report.rows {
            text += "\n| \(Self.text(row.epsilon)) | \(percent(row.accuracy)) | \(percent(row.top5)) | \(decimal(row.loss, 4)) |"
        }
        return text
    }

    /// A radius as the field writes it.
    static func text(_ epsilon: Float) -> String {
        let levels = (epsilon * 255).rounded()
        return epsilon > 0 && levels / 255 == epsilon ? "\(Int(levels))/255" : "\(epsilon == 0 ? "0" : "\(epsilon)")"
    }

    func write(to path: String) throws {
        let file = EvaluationFile(
            weights: setup.weightsPath, model: setup.modelName, data: setup.dataset.name, split: command.split, attack: command.attack,
            settings: setup.settings,
            results: report.rows.map {
                EvaluationFile.Row(epsilon: $0.epsilon, count: $0.count, correct: $0.correct, accuracy: $0.accuracy, top5: $0.top5, loss: $0.loss)
            })
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try writeAtomically(Array(encoder.encode(file)) + [UInt8(ascii: "\n")], to: path)
    }

    func write(_ records: [SampleRecord], to path: String) throws {
        struct Line: Encodable {
            let index: Int
            let epsilon: Float
            let label: Int
            let logits: [Float]
            let prediction: Int
            let loss: Float
            let linf: Float
            let l2: Float
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        var bytes: [UInt8] = []
        for record in records {
            bytes += try encoder.encode(
                Line(
                    index: record.index, epsilon: record.epsilon, label: record.label, logits: record.cleanLogits,
                    prediction: record.prediction, loss: record.loss, linf: record.linf, l2: record.l2))
            bytes.append(UInt8(ascii: "\n"))
        }
        try writeAtomically(bytes, to: path)
    }
}
