import Attacks
import Diagnostics

/// Evaluations image by image, as text.
extension EvaluationExport {
    /// The first line of `samples.jsonl`.
    private struct Header: Encodable {
        let evaluation: EvaluationDescription
        let verdict: SelfChecks.Verdict?
        let attacks: [String]
    }

    private struct Sample: Encodable {
        let index: Int
        let label: Int
        let cleanPrediction: Int
        /// By radius, as `8/255`.
        let robust: [String: Bool]
        let attacks: [Trial]
    }

    private struct Trial: Encodable {
        let attack: String
        let epsilon: Float
        let region: String
        let fooled: Bool
        let prediction: Int
        let linf: Float
        let l2: Float
        let loss: Float
        let queries: Int
        let iterations: Int
    }

    /// A line with what was asked, then one for each image with what each attack did to it.
    static func writeSamples(_ view: LedgerView, to path: String) throws {
        // By position: a line is some tens of bytes, but there may be many.
        var trials = [[Trial]](repeating: [], count: view.count)
        let positions = Dictionary(uniqueKeysWithValues: view.ledger.indices.enumerated().map { ($1, $0) })
        for line in try view.ledger.sortedLines() where line.attack != LedgerLine.clean {
            guard let position = positions[line.index] else { continue }
            trials[position].append(
                Trial(
                    attack: line.attack, epsilon: line.epsilon, region: line.region.rawValue, fooled: line.success, prediction: line.prediction,
                    linf: line.linf, l2: line.l2, loss: line.loss, queries: line.claim.queries, iterations: line.claim.iterations))
        }
        let robust = view.epsilons.map { (EvaluationTable.radius($0), view.robust($0)) }
        let header = Header(
            evaluation: view.description, verdict: try EvaluationFolder.checks(in: view.folder)?.verdict,
            attacks: view.ledger.plan.phases.dropFirst().map(\.name).reduce(into: []) { names, name in if !names.contains(name) { names.append(name) } })
        try writeAtomically(to: path) { sink in
            try jsonBytes(header, .line).withUnsafeBytes { try sink($0) }
            for (position, index) in view.ledger.indices.enumerated() {
                let sample = Sample(
                    index: index, label: view.labels[position], cleanPrediction: view.cleanPredictions[position],
                    robust: Dictionary(uniqueKeysWithValues: robust.map { ($0.0, $0.1[position]) }), attacks: trials[position])
                try jsonBytes(sample, .line).withUnsafeBytes { try sink($0) }
            }
        }
    }

    /// The ledger as comma-separated values: a row for each attack, radius, region and image, in order.
    static func writeRows(_ view: LedgerView, to path: String) throws {
        let names = view.description.data.classNames
        func name(_ label: Int) -> String { names.indices.contains(label) ? quoted(names[label]) : "\(label)" }
        let lines = try view.ledger.sortedLines()
        try writeAtomically(to: path) { sink in
            func write(_ text: String) throws {
                var text = text + "\n"
                try text.withUTF8 { try sink(UnsafeRawBufferPointer($0)) }
            }
            try write("index,label,class,attack,epsilon,region,fooled,prediction,predicted_class,rank,loss,linf,l2,forward_queries,gradient_queries,iterations")
            for line in lines {
                try write(
                    "\(line.index),\(line.label),\(name(line.label)),\(quoted(line.attack)),\(line.epsilon),\(line.region.rawValue),\(line.success),\(line.prediction),"
                        + "\(name(line.prediction)),\(line.rank),\(line.loss),\(line.linf),\(line.l2),\(line.claim.forwardQueries),\(line.claim.gradientQueries),\(line.claim.iterations)")
            }
        }
    }

    /// As RFC 4180 wants it. A value that a spreadsheet would take for a formula gets an apostrophe.
    private static func quoted(_ text: String) -> String {
        let text = text.first.map { "=+-@\t\r".contains($0) } == true ? "'" + text : text
        guard text.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return text }
        return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }
}
