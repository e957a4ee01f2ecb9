import Diagnostics

/// The sections that let others judge: pictures, checks, where everything comes from.
extension EvaluationPage {
    var hardest: HTML? {
        guard !pictures.isEmpty else { return nil }
        let names = description.data.classNames
        func name(_ label: Int) -> String { names.indices.contains(label) ? names[label] : "\(label)" }
        let figures = pictures.map { picture -> HTML in
            let caption =
                "image \(picture.index)\(titles[picture.index].map { " (\($0))" } ?? ""): \(name(picture.label)) taken for \(name(picture.prediction)) "
                + "by \(picture.attack) at ε = \(EvaluationTable.radius(picture.epsilon)); loss \(decimal(Double(picture.loss), 2)), "
                + "L∞ \(decimal(Double(picture.linf) * 255, 2))/255, L2 \(decimal(Double(picture.l2), 3)); perturbation ×\(picture.factor)"
            return .tag(
                "figure", [:],
                [
                    .tag(
                        "div", ["class": "strip"],
                        [
                            frame(picture.image, picture, outlined: true, "as it was"), frame(picture.perturbation, picture, outlined: true, "what was added, ×\(picture.factor)"),
                            frame(picture.adversarial, picture, outlined: false, "what came of it"),
                        ]), .tag("figcaption", [:], caption),
                ])
        }
        return section(
            "hardest", "The hardest images",
            [
                paragraph(
                    "Right as they are, and most wrong (largest loss) at the smallest radius that broke any. From left to right: the image, "
                        + "what was added to it (grey where nothing was, amplified by the factor that is stated), and what came of it."
                        + (pictures.contains { $0.outline != nil } ? " The protected part, which SIP-AT does not attack, is outlined." : "")),
                .tag("div", ["class": "pictures"], figures),
            ])
    }

    private func frame(_ uri: String, _ picture: ReportPicture, outlined: Bool, _ title: String) -> HTML {
        var parts = [
            HTML.tag("title", [:], title),
            .tag("image", ["href": uri, "width": "\(picture.width)", "height": "\(picture.height)", "preserveAspectRatio": "none"]),
        ]
        if outlined, let path = picture.outline, !path.isEmpty {
            parts += [.tag("path", ["d": path, "class": "under"]), .tag("path", ["d": path, "class": "over"])]
        }
        return .tag("svg", ["viewBox": "0 0 \(picture.width) \(picture.height)", "role": "img"], parts)
    }

    var checksSection: HTML {
        guard let checks else {
            return section("checks", "Self-checks", [paragraph("None were made. sipat evaluate --output FOLDER --resume --checks adds them to a finished evaluation.")])
        }
        let rows = checks.checks.map { check -> [HTML] in
            [.text(check.title), .tag("span", ["class": "mark \(check.status.rawValue)"], check.status.rawValue), .text(check.note), .text(check.bound)]
        }
        return section(
            "checks", "Self-checks",
            [
                .tag("p", ["class": "verdict \(checks.verdict.rawValue)"], [.tag("b", [:], "Verdict: \(checks.verdict.rawValue)")]),
                paragraph(
                    "Made on \(checks.indices.count) images, \(checks.right) of them right as they are, at ε = \(EvaluationTable.radius(checks.settings.epsilon)) unless a line says otherwise."),
                HTML.table(texts(["what a sound evaluation does", "status", "found", "bound"]), rows, leading: 4),
            ])
    }

    var provenance: HTML {
        let data = description.data
        var facts = [
            ("program", "sipat \(description.program)"),
            ("model", "\(description.model.name): " + description.model.settings.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")),
            ("weights", description.model.weights), ("weights SHA-256", description.model.sha256), ("data", data.fingerprint),
            ("salience maps", data.salienceFingerprint ?? "none used"), ("images", description.images), ("seed", "\(description.seed)"),
            ("evaluation SHA-256", description.hash),
        ]
        if let other = description.transferFrom { facts.append(("transfer from", "\(other.weights) (\(other.sha256))")) }
        for member in description.against { facts.append(("against", "\(member.name) (model \(member.model))")) }
        if let kept = result.keptImages {
            facts.append(("adversarial images", "\(kept.files.reduce(0) { $0 + $1.images }) kept, each read again, inside its ball and misclassified"))
        }
        let list = HTML.tag("dl", [:], facts.flatMap { [.tag("dt", [:], $0.0), .tag("dd", [:], [.tag("code", [:], $0.1)])] })
        let attacks = (description.chains.first?.attacks ?? []).map { attack in
            [HTML.text(attack.name), .text(attack.settings.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "))]
        }
        var parts = [list]
        if !attacks.isEmpty { parts.append(HTML.table(texts(["attack", "settings"]), attacks, leading: 2)) }
        parts += [.tag("h3", [:], "Commands")] + commands.map { .tag("pre", [:], $0) }
        parts.append(paragraph("Every number can be traced to lines of ledger.jsonl beside this file, one for each attack, radius, part and image; statistics.json holds the same numbers."))
        return section("provenance", "Where this comes from", parts)
    }
}
