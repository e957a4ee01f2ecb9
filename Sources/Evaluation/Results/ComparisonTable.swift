import Diagnostics

extension EvaluationTable {
    /// Several results side by side, a row each; with intervals and paired tests where the images are known one by one.
    ///
    /// - Throws: `Failure.usage` naming what differs if they were not made under the same conditions.
    package static func comparison(_ columns: [(name: String, result: ComparisonColumn)]) throws -> String {
        let first = columns[0]
        for column in columns.dropFirst() {
            let differences = column.result.differences(from: first.result)
            guard differences.isEmpty else {
                throw Failure.usage(
                    "\(column.name) cannot be compared with \(first.name): \(differences.joined(separator: "; "))",
                    remedy: "evaluate both with the same flags")
            }
        }
        let epsilons = first.result.epsilons
        var text = "| training | " + epsilons.map { $0 == 0 ? "clean" : "ε = \(radius($0))" }.joined(separator: " | ") + " |\n"
        text += "| :--- |" + epsilons.map { _ in " ---: |" }.joined()
        for column in columns {
            let cells = zip(epsilons, column.result.accuracies).map { percent($1) + interval(column.result, $0) }
            text += "\n| \(column.name) | " + cells.joined(separator: " | ") + " |"
        }
        let pairs = pairs(columns, epsilons)
        guard !pairs.isEmpty else { return text }
        text += "\nIn brackets Wilson's 95 % intervals. Pairs, on the same images: the difference with its 95 % interval (Bonett and Price), the images that "
        text += "only one of the two gets right, and McNemar's exact test."
        text += "\n| second − first | radius | difference | only first, only second | p |\n| :--- | ---: | ---: | ---: | ---: |\n" + pairs.joined(separator: "\n")
        if pairs.count > 1 { text += "\n\(pairs.count) tests were made: by chance one in twenty has p below 0.05; compare p with \(probability(0.05 / Double(pairs.count))) to be sure of all (Bonferroni)." }
        return text
    }

    /// Wilson's interval, where there are counts; empty otherwise.
    private static func interval(_ result: ComparisonColumn, _ epsilon: Float) -> String {
        guard let flags = result.flags?.robust[epsilon] else { return "" }
        let interval = BinomialInterval.wilson(flags.count { $0 }, of: flags.count)
        return " (\(decimal(100 * interval.low, 1))–\(decimal(100 * interval.high, 1)))"
    }

    private static func pairs(_ columns: [(name: String, result: ComparisonColumn)], _ epsilons: [Float]) -> [String] {
        var rows: [String] = []
        for (place, second) in columns.enumerated() {
            for first in columns[..<place] {
                guard let a = first.result.flags, let b = second.result.flags, a.indices == b.indices else { continue }
                for epsilon in epsilons {
                    guard let one = a.robust[epsilon], let other = b.robust[epsilon], one.count == other.count else { continue }
                    let pair = PairedComparison(one, other)
                    let interval = pair.interval()
                    rows.append(
                        "| \(second.name) − \(first.name) | \(epsilon == 0 ? "clean" : radius(epsilon)) | \(points(pair.difference)) "
                            + "(\(points(interval.low)) to \(points(interval.high))) | \(pair.onlyFirst), \(pair.onlySecond) | \(probability(pair.pValue)) |")
                }
            }
        }
        return rows
    }

    /// A difference of shares in points, with its sign.
    static func points(_ share: Double) -> String { (share < 0 ? "−" : "+") + decimal(abs(100 * share), 2) }

    private static func probability(_ p: Double) -> String { p < 0.0001 ? "< 0.0001" : decimal(p, 4) }
}
