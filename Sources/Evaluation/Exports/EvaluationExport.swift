import Attacks
import Diagnostics
import Foundation
import Interchange

/// A finished evaluation in the forms that other programs read.
package enum EvaluationExport {
    package enum Format: String, CaseIterable, Sendable {
        case robustbench
        case jsonl
        case csv
        case tensorboard
        case npy
    }

    /// Writes the folder's evaluation in a format.
    ///
    /// - Parameters:
    ///   - output: the file, or for `tensorboard` and `npy` the folder; nil for the usual place in the evaluation's folder.
    ///   - epsilon: the radius, where a format has one only; nil if the evaluation has only one.
    /// - Returns: what was written.
    /// - Throws: `Failure` if the folder holds no finished evaluation, or none that the format can say.
    package static func write(_ format: Format, of folder: String, to output: String?, epsilon: Float?, time: Double) throws -> [String] {
        let view = try LedgerView(folder)
        let place = output ?? folder + "/" + usualName(format)
        switch format {
        case .robustbench: try writeAtomically(Array(try robustBench(view, epsilon: epsilon).utf8), to: place)
        case .jsonl: try writeSamples(view, to: place)
        case .csv: try writeRows(view, to: place)
        case .tensorboard:
            try makeFolders(place)
            let path = "\(place)/events.out.tfevents.\(Int(time)).sipat"
            try writeAtomically(try events(view, time: time).bytes, to: path)
            return [path]
        case .npy:
            try makeFolders(place)
            return try ArrayExport(view, place).write()
        }
        return [place]
    }

    private static func usualName(_ format: Format) -> String {
        switch format {
        case .robustbench: "robustbench.json"
        case .jsonl: "samples.jsonl"
        case .csv: "ledger.csv"
        case .tensorboard: "tensorboard"
        case .npy: "npy"
        }
    }

    // MARK: RobustBench

    /// The entry of a model in RobustBench's `model_info/<dataset>/<threat>/<ID>.json`: its keys, in its order. What an evaluation
    /// cannot know (paper, authors, venue, whether more data was trained on) is null, for a person to fill in.
    static func robustBench(_ view: LedgerView, epsilon: Float?) throws -> String {
        let description = view.description
        guard description.isStandard else {
            let why = description.deviations.isEmpty ? "its attack is \(description.attack.isEmpty ? "none" : description.attack)" : description.deviations.joined(separator: "; ")
            throw Failure.usage(
                "\(view.folder): RobustBench takes AutoAttack as published, and this is something else: \(why)", remedy: "evaluate with --attack autoattack")
        }
        let radii = view.epsilons
        guard let epsilon = epsilon ?? (radii.count == 1 ? radii[0] : nil) else {
            throw Failure.usage("\(view.folder) has the radii \(radii.map(EvaluationTable.radius).joined(separator: ", ")), and RobustBench takes one", remedy: "name it: --epsilon 8/255")
        }
        guard radii.contains(epsilon) else {
            throw Failure.usage(
                "\(view.folder) was not evaluated at \(EvaluationTable.radius(epsilon)), but at \(radii.map(EvaluationTable.radius).joined(separator: ", "))",
                remedy: "name one of these")
        }
        func text(_ text: String) throws -> String { String(decoding: try jsonBytes(text, .line).dropLast(), as: UTF8.self) }
        func accuracy(_ flags: [Bool]) -> String { decimal(100 * Double(flags.count { $0 }) / Double(max(flags.count, 1)), 2) }
        let (clean, robust) = (accuracy(view.robust(0)), accuracy(view.robust(epsilon)))
        let note = "\(view.count) images of the \(description.data.split) split (\(description.images)), evaluated by sipat \(description.program), weights \(description.model.sha256.prefix(12))"
        let pairs: [(String, String)] = [
            ("link", "null"), ("name", "null"), ("authors", "null"), ("additional_data", "null"), ("number_forward_passes", "1"),
            ("dataset", try text(description.data.name)), ("venue", "null"), ("architecture", try text(description.model.name)),
            ("eps", try text(EvaluationTable.radius(epsilon))), ("clean_acc", try text(clean)), ("reported", try text(robust)),
            ("autoattack_acc", try text(robust)), ("footnote", try text(note)),
        ]
        return "{\n" + pairs.map { "  \"\($0)\": \($1)" }.joined(separator: ",\n") + "\n}\n"
    }

    // MARK: TensorBoard

    /// Accuracy over the radius (steps are 255ths, or thousandths where a radius is none), and the checks as a text.
    static func events(_ view: LedgerView, time: Double) throws -> EventFile {
        var file = EventFile(time: time)
        let inLevels = view.epsilons.allSatisfy { abs($0 * 255 - ($0 * 255).rounded()) < 1e-3 }
        func step(_ epsilon: Float) -> Int { Int((Double(epsilon) * (inLevels ? 255 : 1000)).rounded()) }
        func share(_ count: Int, _ total: Int) -> Double { total == 0 ? 0 : Double(count) / Double(total) }
        for epsilon in [0] + view.epsilons {
            let robust = view.robust(epsilon)
            file.addScalar("accuracy", step: step(epsilon), share(robust.count { $0 }, robust.count))
        }
        for (index, chain) in view.ledger.plan.chains.enumerated() {
            let members = view.members(index)
            let standing = members.count { view.isRight[$0] && !view.hasFallen(index, $0) }
            file.addScalar("attacker/\(chain.name)", step: step(chain.epsilon), share(standing, members.count))
            guard chain.kind == .region, chain.region == .all else { continue }
            var fallen = 0
            for phase in chain.phases {
                fallen += members.count { view.phase(index, $0) == phase }
                let right = members.count { view.isRight[$0] }
                file.addScalar("after/\(view.ledger.plan.phases[phase].name)", step: step(chain.epsilon), share(right - fallen, members.count))
            }
        }
        file.addText("evaluation", "steps are \(inLevels ? "255ths" : "thousandths") of the pixel range, \(view.description.norm.rawValue); \(view.count) images of \(view.description.data.name)")
        if let checks = try EvaluationFolder.checks(in: view.folder) { file.addText("checks", checks.text) }
        return file
    }
}
