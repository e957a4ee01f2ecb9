/// Accuracy of a model, clean and under attack.
package struct EvaluationReport: Sendable, Hashable, Codable {
    package struct Row: Sendable, Hashable, Codable {
        package var epsilon: Float
        /// Images with something to attack: all of them, but for a region that some images do not have.
        package var count: Int
        /// Those of them that are right as they are and under every perturbation tried.
        package var correct: Int
        /// Images whose label is among the five largest logits; nil under attack, for an attack that stops when the
        /// prediction is wrong says nothing of the ranks below.
        package var correctTop5: Int?
        /// Mean cross-entropy, at the strongest perturbation found for each image.
        package var loss: Double
        /// Images left out because the region holds none of their pixels.
        package var emptyRegions: Int
        /// Attacked images whose loss had no gradient where an attack started.
        package var zeroGradients: Int

        package var accuracy: Double { count == 0 ? 0 : Double(correct) / Double(count) }
        package var top5: Double? { correctTop5.map { count == 0 ? 0 : Double($0) / Double(count) } }
    }

    package var rows: [Row]

    /// Sums over records in the order given, so that the result is the same however they were computed.
    init(records: [SampleRecord], epsilons: [Float]) {
        rows = epsilons.map { epsilon in
            var row = Row(
                epsilon: epsilon, count: 0, correct: 0, correctTop5: epsilon == 0 ? 0 : nil, loss: 0, emptyRegions: 0,
                zeroGradients: 0)
            for record in records where record.epsilon == epsilon {
                guard !record.hasEmptyRegion else {
                    row.emptyRegions += 1
                    continue
                }
                row.count += 1
                row.correct += record.isRobust ? 1 : 0
                row.correctTop5 = row.correctTop5.map { $0 + (Self.isInTop5(record) ? 1 : 0) }
                row.loss += Double(record.loss)
                row.zeroGradients += record.hadZeroGradient ? 1 : 0
            }
            row.loss /= Double(max(row.count, 1))
            return row
        }
    }

    /// Of equal logits, the first counts as larger.
    private static func isInTop5(_ record: SampleRecord) -> Bool {
        let own = record.cleanLogits[record.label]
        let above = record.cleanLogits.enumerated().count { $1 > own || $1 == own && $0 < record.label }
        return above < 5
    }
}
