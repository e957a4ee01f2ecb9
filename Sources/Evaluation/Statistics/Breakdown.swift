/// Accuracy by class or by another attribute of the images.
package struct Breakdown: Sendable, Hashable, Codable {
    package struct Row: Sendable, Hashable, Codable {
        package var name: String
        package var count: Int
        package var correct: Int

        package var accuracy: Double { count == 0 ? 0 : Double(correct) / Double(count) }
        package var interval: BinomialInterval { .wilson(correct, of: count) }
    }

    /// What the rows are values of: `class`, or a manifest's column.
    package var attribute: String
    package var rows: [Row]

    /// - Parameters:
    ///   - names: in the order of the rows.
    ///   - group: of each image, an index into `names`; images with nil are left out.
    ///   - isCorrect: of each image.
    package init(attribute: String, names: [String], group: [Int?], isCorrect: [Bool]) {
        self.attribute = attribute
        rows = names.map { Row(name: $0, count: 0, correct: 0) }
        for (group, isCorrect) in zip(group, isCorrect) {
            guard let group, rows.indices.contains(group) else { continue }
            rows[group].count += 1
            if isCorrect { rows[group].correct += 1 }
        }
    }

    /// One row for each value that the images have, in alphabetical order, numbers by size.
    ///
    /// - Parameter limit: the most values; a column with more (a file name, a date) is no attribute to break down by.
    /// - Returns: nil for a column that says the same of all images, or says too many things.
    package init?(attribute: String, values: [String?], isCorrect: [Bool], limit: Int = 40) {
        let known = Set(values.compactMap { $0 })
        guard known.count > 1, known.count <= limit else { return nil }
        let names = known.sorted { a, b in
            if let a = Double(a), let b = Double(b), a != b { return a < b }
            return a < b
        }
        let places = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
        self.init(attribute: attribute, names: names, group: values.map { $0.flatMap { places[$0] } }, isCorrect: isCorrect)
    }

    /// The row with the lowest accuracy among those with images.
    package var worst: Row? { rows.filter { $0.count > 0 }.min { ($0.accuracy, $1.count) < ($1.accuracy, $0.count) } }
}

/// How often images of one class were taken for another.
package struct ConfusionMatrix: Sendable, Hashable, Codable {
    package var classNames: [String]
    /// [true class][predicted class].
    package var counts: [[Int]]

    package init(classNames: [String], labels: [Int], predictions: [Int]) {
        self.classNames = classNames
        counts = Array(repeating: Array(repeating: 0, count: classNames.count), count: classNames.count)
        for (label, prediction) in zip(labels, predictions) where classNames.indices.contains(label) && classNames.indices.contains(prediction) {
            counts[label][prediction] += 1
        }
    }

    /// The most frequent mistakes, largest first, ties in the order of classes.
    package func largestMistakes(_ limit: Int) -> [(label: Int, prediction: Int, count: Int)] {
        let mistakes = classNames.indices.flatMap { label in
            classNames.indices.filter { $0 != label && counts[label][$0] > 0 }.map { (label: label, prediction: $0, count: counts[label][$0]) }
        }
        return Array(mistakes.sorted { ($1.count, $0.label, $0.prediction) < ($0.count, $1.label, $1.prediction) }.prefix(limit))
    }
}
