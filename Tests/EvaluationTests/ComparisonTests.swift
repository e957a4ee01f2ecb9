import Diagnostics
import Evaluation
import Foundation
import Kernels
import Testing

func logistic(_ f: Double) -> Double { log1p(exp(-f)) }
func sine(_ x: Double) -> Double { sin(8 * .pi * x) }

@Suite struct ComparisonTests {
    private func result(
        _ settings: EvaluationProtocol, split: String = "test", attack: String = "pgd", data: String = "cifar10", count: Int = 100, more: String = ""
    ) throws -> ComparisonColumn {
        let row = #"{"epsilon": 0, "count": \#(count), "correct": 50, "accuracy": 0.5, "loss": 1}"#
        let text = """
            {"weights": "w", "model": "cnn", "data": "\(data)", "split": "\(split)", "attack": "\(attack)",
             "settings": \(String(decoding: try JSONEncoder().encode(settings), as: UTF8.self)), \(more) "results": [\(row)]}
            """
        return ComparisonColumn(try JSONDecoder().decode(EvaluationFile.self, from: Data(text.utf8)))
    }

    @Test func resultsOfOtherConditionsAreNotPutSideBySide() throws {
        let usual = try result(.init(epsilons: [0]))
        let table = try EvaluationTable.comparison([("a", usual), ("b", try result(.init(epsilons: [0], seed: 3)))])
        #expect(table.contains("| b | 50.00 % |"))
        for (other, word) in [
            (try result(.init(norm: .l2, epsilons: [0])), "norm: l2, not linf"),
            (try result(.init(epsilons: [0], steps: 5)), "steps: 5, not 20"),
            (try result(.init(epsilons: [0], restarts: 2)), "restarts: 2"),
            (try result(.init(epsilons: [0], region: .salient)), "region: salient"),
            (try result(.init(epsilons: [0]), split: "train"), "split: train"),
            (try result(.init(epsilons: [0]), attack: "fgsm"), "attack: fgsm"),
            (try result(.init(epsilons: [0]), data: "mnist"), "data set: mnist"),
            (try result(.init(epsilons: [0]), count: 99), "images: 99, not 100"),
        ] {
            let failure = #expect(throws: Failure.self) { try EvaluationTable.comparison([("usual", usual), ("other", other)]) }
            #expect(failure?.message.contains(word) == true, "\(String(describing: failure))")
        }
    }

    /// As many images, but not the same ones, or attacked less exactly. Older files do not say it.
    @Test func otherImagesOfTheSameNumberAreNotPutSideBySide() throws {
        let settings = EvaluationProtocol(epsilons: [0])
        let report = try JSONDecoder().decode(EvaluationReport.self, from: Data(#"{"rows": []}"#.utf8))
        func file(_ indices: [Int], _ precision: ProductPrecision = .float32) throws -> ComparisonColumn {
            let written = EvaluationFile(
                weights: "w", model: "cnn", data: "cifar10", split: "test", attack: "pgd", settings: settings, indices: indices, attackPrecision: precision, report: report)
            return try result(settings, more: #""images": "\#(written.images ?? "")", "attackPrecision": "\#(written.attackPrecision?.rawValue ?? "")","#)
        }
        let (usual, old) = (try file([0, 1, 2]), try result(settings))
        for same in [try file([2, 1, 0]), old] {
            _ = try EvaluationTable.comparison([("usual", usual), ("same", same)])
            _ = try EvaluationTable.comparison([("same", same), ("usual", usual)])
        }
        for (other, word) in [(try file([20, 21, 22]), "indices of the images"), (try file([0, 1, 2], .bfloat16), "attack precision: bfloat16, not float32")] {
            let failure = #expect(throws: Failure.self) { try EvaluationTable.comparison([("usual", usual), ("other", other)]) }
            #expect(failure?.message.contains(word) == true, "\(String(describing: failure))")
        }
    }
}
