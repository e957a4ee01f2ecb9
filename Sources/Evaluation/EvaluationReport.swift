/// Accuracy of a model, clean and under attack.
package struct EvaluationReport: Sendable, Hashable, Codable {
    package struct Row: Sendable, Hashable, Codable {
        package var epsilon: Float
        package var count: Int
        package var correct: Int
        package var correctTop5: Int
        /// Mean cross-entropy.
        package var loss: Double

        package var accuracy: Double { count == 0 ? 0 : Double(correct) / Double(count) }
        package var top5: Double { count == 0 ? 0 : Double(correctTop5) / Double(count) }
    }

    package var rows: [Row]

    /// Sums over records in the order of their indices, so that the result is the same however they were computed.
    init(records: [SampleRecord], epsilons: [Float]) {
        rows = epsilons.map { epsilon in
            var row = Row(epsilon: epsilon, count: 0, correct: 0, correctTop5: 0, loss: 0)
            for record in records where record.epsilon == epsilon {
                row.count += 1
                row.correct += record.isCorrect ? 1 : 0
                row.correctTop5 += record.isInTop5 ? 1 : 0
                row.loss += Double(record.loss)
            }
            row.loss /= Double(max(row.count, 1))
            return row
        }
    }
}
