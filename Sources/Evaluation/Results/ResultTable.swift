import Diagnostics

extension EvaluationTable {
    /// The result of an evaluation by its ledger.
    ///
    /// - Parameter heading: what was evaluated, and how.
    package static func text(_ result: EvaluationResult, heading: String) -> String {
        ([heading, attacks(result)] + [regions(result)].compactMap { $0 } + remarks(result)).joined(separator: "\n")
    }

    /// A row per radius: the headline, and accuracy after each attack on the whole image.
    private static func attacks(_ result: EvaluationResult) -> String {
        let whole = result.chains.filter { $0.kind == .region && $0.region == .all }
        let names = whole.first?.attacks.map(\.name) ?? []
        var text = "| epsilon | accuracy |" + names.map { " after \($0) |" }.joined() + "\n| ---: | ---: |" + names.map { _ in " ---: |" }.joined()
        text += "\n| 0 | \(percent(result.clean.accuracy)) |" + names.map { _ in " |" }.joined()
        for (row, headline) in zip(whole, result.headline) {
            text += "\n| \(radius(row.epsilon)) | \(percent(headline.robust.accuracy)) |"
            text += row.attacks.map { " \(percent($0.after.accuracy)) |" }.joined()
        }
        return text
    }

    /// Attackers of parts of the image, and those who know other models; nil without them.
    private static func regions(_ result: EvaluationResult) -> String? {
        let others = result.chains.filter { $0.kind != .region || $0.region != .all }
        guard !others.isEmpty else { return nil }
        let radii = result.headline.map(\.epsilon)
        func name(_ row: EvaluationResult.ChainRow) -> String { row.kind == .region ? row.region.rawValue : row.kind.rawValue }
        var text = "| attacker of |" + radii.map { " ε = \(radius($0)) |" }.joined() + "\n| :--- |" + radii.map { _ in " ---: |" }.joined()
        var shown: [String] = []
        for row in result.chains where !shown.contains(name(row)) {
            shown.append(name(row))
            let rows = result.chains.filter { name($0) == name(row) }
            text += "\n| \(name(row)) |"
            for epsilon in radii {
                guard let row = rows.first(where: { $0.epsilon == epsilon }), row.robust.count > 0 else {
                    text += " |"
                    continue
                }
                text += " \(percent(row.robust.accuracy))\(row.leftOut > 0 ? " of \(row.robust.count)" : "") |"
            }
        }
        return text
    }

    private static func remarks(_ result: EvaluationResult) -> [String] {
        var lines: [String] = []
        for row in result.headline {
            for weakness in row.weaknesses {
                lines.append(
                    "warning: at \(radius(row.epsilon)), \(weakness.foundBy) broke \(count(weakness.indices.count, "image")) that the attacks on the whole image left "
                        + "standing (\(list(weakness.indices))): they count as fallen, and those attacks are too weak for this model")
            }
        }
        for row in result.chains {
            let what = "\(row.kind == .region ? row.region.rawValue : row.kind.rawValue), \(radius(row.epsilon))"
            for attack in row.attacks where attack.zeroGradients > 0 {
                lines.append(
                    "warning: \(attack.name) (\(what)): \(attack.zeroGradients) of \(attack.attacked) images had no gradient where the attack started: "
                        + "that hides weaknesses from gradient attacks and is no sign of robustness")
            }
            for attack in row.attacks where attack.unconfirmed > 0 {
                lines.append("warning: \(attack.name) (\(what)): for \(count(attack.unconfirmed, "image")) a second look at the model contradicted the attack")
            }
        }
        for row in result.chains where row.kind == .transfer {
            for attack in row.attacks where attack.untouched > 0 {
                lines.append(
                    "\(attack.name) at \(radius(row.epsilon)): \(count(attack.untouched, "image")) of \(attack.attacked) "
                        + "the other model gets wrong as they are, and no attack was made on them")
            }
        }
        if !result.deviations.isEmpty { lines.append("not AutoAttack as published: \(result.deviations.joined(separator: "; "))") }
        if let kept = result.keptImages {
            let total = kept.files.reduce(0) { $0 + $1.images }
            lines.append("adversarial images kept: \(total), each read again, inside its ball and misclassified")
        }
        for release in result.releases ?? [] {
            lines.append(
                "beside \(release.name) (\(release.model.prefix(12))) at \(radius(release.epsilon)), of \(release.compared) images: "
                    + "\(release.weaker.count) weaker\(parenthesis(release.weaker)), \(release.stronger.count) stronger\(parenthesis(release.stronger))")
        }
        return lines
    }

    private static func count(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

    private static func parenthesis(_ indices: [Int]) -> String { indices.isEmpty ? "" : " (\(list(indices)))" }

    private static func list(_ indices: [Int]) -> String {
        indices.prefix(10).map { "\($0)" }.joined(separator: ", ") + (indices.count > 10 ? ", …" : "")
    }
}
