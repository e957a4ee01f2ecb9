import Diagnostics
import Evaluation
import Foundation
import Testing

func logistic(_ f: Double) -> Double { log1p(exp(-f)) }
func sine(_ x: Double) -> Double { sin(8 * .pi * x) }

@Suite struct ComparisonTests {
    private func result(
        _ settings: EvaluationProtocol, split: String = "test", attack: String = "pgd", data: String = "cifar10", count: Int = 100
    ) throws -> ComparisonColumn {
        let row = #"{"epsilon": 0, "count": \#(count), "correct": 50, "accuracy": 0.5, "loss": 1}"#
        let text = """
            {"weights": "w", "model": "cnn", "data": "\(data)", "split": "\(split)", "attack": "\(attack)",
             "settings": \(String(decoding: try JSONEncoder().encode(settings), as: UTF8.self)), "results": [\(row)]}
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
}
