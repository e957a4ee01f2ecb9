import Attacks
import Diagnostics

/// The sections with numbers.
extension EvaluationPage {
    func header(_ title: String) -> HTML {
        let data = description.data
        let facts =
            "\(result.clean.count) images (\(description.images.count > 60 ? "listed below" : description.images)) of \(data.name), \(data.split) split, "
            + "\(data.shape[1])×\(data.shape[0])×\(data.shape[2]), \(data.classNames.count) classes · "
            + "\(description.attack.isEmpty ? "no attack" : description.attack), \(description.norm == .linf ? "L∞" : "L2")"
        var parts = [HTML.tag("h1", [:], title), .tag("p", ["class": "facts"], facts)]
        if let checks {
            let bad = checks.checks.filter { $0.status == .failed || $0.status == .doubtful }
            let reasons = bad.isEmpty ? "nothing was found that speaks against these numbers" : bad.map(\.title).joined(separator: "; ")
            parts.append(
                .tag("p", ["class": "verdict \(checks.verdict.rawValue)"], [.tag("b", [:], "Self-checks: \(checks.verdict.rawValue)"), .text(" – \(reasons).")]))
        } else {
            parts.append(.tag("p", ["class": "warning"], "This evaluation was not checked: run sipat evaluate with --checks before quoting its numbers."))
        }
        return .tag("header", [:], parts)
    }

    var headline: HTML {
        let whole = result.chains.filter { $0.kind == .region && $0.region == .all }
        let names = whole.first?.attacks.map(\.name) ?? []
        let rows = statistics.radii.map { radius -> [HTML] in
            let chain = whole.first { $0.epsilon == radius.epsilon }
            return [.text(self.radius(radius.epsilon)), share(radius.accuracy)]
                + names.indices.map { place in
                    guard let chain, chain.attacks.indices.contains(place) else { return .text("") }
                    let row = chain.attacks[place]
                    return .text(percent(row.after.accuracy)) + .tag("small", [:], "\(row.fallen) of \(row.attacked) fell")
                }
        }
        var parts = [
            HTML.table(texts(["", "accuracy"] + names.map { "after \($0)" }), rows),
            paragraph(
                "Accuracy is the share of all images that are right as they are and withstand every attack tried, whatever part of the image it was given; "
                    + "below it Wilson's 95 % interval. Each attack is given what withstood those before it."),
        ]
        for row in result.headline {
            for weakness in row.weaknesses {
                parts.append(
                    .tag(
                        "p", ["class": "warning"],
                        "At ε = \(EvaluationTable.radius(row.epsilon)), \(weakness.foundBy) broke \(weakness.indices.count) images that the attacks on the whole image "
                            + "left standing. They count as fallen, and those attacks are too weak for this model."))
            }
        }
        if !result.deviations.isEmpty {
            parts.append(.tag("p", ["class": "warning"], "Not AutoAttack as published: \(result.deviations.joined(separator: "; "))."))
        }
        return section("results", "Accuracy", parts)
    }

    var chart: HTML? {
        guard statistics.radii.count > 1 else { return nil }
        var lines = [AccuracyChart.Line(name: "whole image", points: statistics.radii.map { ($0.epsilon, $0.accuracy) })]
        for region in description.regions where region != .all {
            lines.append(AccuracyChart.Line(name: regionName(region), points: statistics.regions.filter { $0.region == region }.map { ($0.epsilon, $0.accuracy) }))
        }
        return section("curve", "Accuracy over the radius", [.tag("figure", [:], [AccuracyChart(lines: lines).drawing]), paragraph("Bars are 95 % intervals.")])
    }

    private func regionName(_ region: EvaluationProtocol.Region) -> String {
        switch region {
        case .all: "whole image"
        case .salient: "salient part only"
        case .background: "background only"
        case .random: "random part of the same area"
        }
    }

    var regionMatrix: HTML? {
        guard description.regions.count > 1 else { return nil }
        let radii = statistics.radii.map(\.epsilon).filter { $0 > 0 }
        let rows = description.regions.map { region -> [HTML] in
            [.text(regionName(region))]
                + radii.map { epsilon in
                    guard let row = statistics.regions.first(where: { $0.region == region && $0.epsilon == epsilon }) else { return .text("–") }
                    return share(row.accuracy) + .tag("small", [:], "of \(row.accuracy.count)")
                }
        }
        var parts = [
            HTML.table(texts(["an attacker of"] + radii.map(radius)), rows),
            paragraph(
                "Only the whole image is a claim about an attacker: nobody who attacks respects a mask. Images without such a part are left out of a row."),
        ]
        if !statistics.ratios.isEmpty {
            let rows = statistics.ratios.map { row -> [HTML] in
                let ratio = row.ratio.map { decimal($0, 2) } ?? "–"
                let interval = row.interval.map { "\(decimal($0.low, 2))–\(decimal($0.high, 2))" } ?? ""
                return texts([radius(row.epsilon), "\(row.brokenSalient) of \(row.count)", "\(row.brokenRandom) of \(row.count)"]) + [.text(ratio) + .tag("small", [:], interval)]
            }
            parts += [
                HTML.table(texts(["", "broken through the salient part", "through a random part", "ratio"]), rows),
                paragraph(
                    "The ratio is what an attacker who knows about SIP-AT gains by aiming at the protected pixels: images broken through them for each image "
                        + "broken through as many pixels elsewhere, with a 95 % interval (bootstrap over images)."),
            ]
        }
        return section("regions", "Parts of the image", parts)
    }

    var classes: HTML {
        section("classes", "Accuracy by class", [breakdown(statistics.radii.map(\.classes))] + worst)
    }

    private var worst: [HTML] {
        guard let last = statistics.radii.last, let row = last.classes.worst else { return [] }
        return [paragraph("Worst at \(radius(last.epsilon)): \(row.name), \(percent(row.accuracy)) of \(row.count).")]
    }

    var attributes: HTML? {
        let names = statistics.radii.first?.attributes.map(\.attribute) ?? []
        guard !names.isEmpty else { return nil }
        let parts = names.indices.flatMap { place -> [HTML] in
            [.tag("h3", [:], names[place]), breakdown(statistics.radii.compactMap { $0.attributes.indices.contains(place) ? $0.attributes[place] : nil })]
        }
        return section("attributes", "Accuracy by attribute", parts)
    }

    private func breakdown(_ columns: [Breakdown]) -> HTML {
        guard let first = columns.first else { return .text("") }
        let rows = first.rows.indices.map { place in
            texts([first.rows[place].name, "\(first.rows[place].count)"])
                + columns.map { cell($0.rows[place].accuracy, $0.rows[place].interval, count: $0.rows[place].count) }
        }
        return HTML.table(texts([first.attribute, "images"] + statistics.radii.map { radius($0.epsilon) }), rows)
    }

    var confusion: HTML {
        var shown = [statistics.radii[0]]
        if let last = statistics.radii.last, last.epsilon > 0 { shown.append(last) }
        return section("confusion", "What was taken for what", shown.flatMap { [.tag("h3", [:], radius($0.epsilon)), matrix($0.confusion)] })
    }

    /// Beyond this many classes a matrix is no longer readable.
    private static let largestMatrix = 20

    private func matrix(_ confusion: ConfusionMatrix) -> HTML {
        guard confusion.classNames.count <= Self.largestMatrix else {
            let rows = confusion.largestMistakes(20).map { texts([confusion.classNames[$0.label], confusion.classNames[$0.prediction], "\($0.count)"]) }
            return HTML.table(texts(["class", "taken for", "images"]), rows, leading: 2)
        }
        let head = HTML.tag("tr", [:], [.tag("th", ["class": "name"], "class ↓ taken for →")] + confusion.classNames.map { .tag("th", [:], [.tag("span", [:], $0)]) })
        let rows = confusion.counts.enumerated().map { label, counts -> HTML in
            let total = max(counts.reduce(0, +), 1)
            let cells = counts.enumerated().map { place, count -> HTML in
                let share = Double(count) / Double(total)
                let style = count == 0 ? "" : "background:rgba(\(place == label ? "21,112,58" : "179,38,30"),\(decimal(0.08 + 0.5 * share, 2)))"
                return .tag("td", count == 0 ? [:] : ["style": style], count == 0 ? "·" : "\(count)")
            }
            return .tag("tr", [:], [.tag("td", ["class": "name"], confusion.classNames[label])] + cells)
        }
        return .tag("div", ["class": "wide"], [.tag("table", ["class": "heat"], [.tag("thead", [:], [head]), .tag("tbody", [:], rows)])])
    }

    var topRanks: HTML? {
        guard let top = measures?.top, !top.isEmpty else { return nil }
        let ks = Array(Set(top.map(\.k))).sorted()
        func row(_ name: String, _ value: (Measures.Top) -> Int, _ epsilon: Float) -> [HTML] {
            [.text(name)] + ks.map { k in top.first { $0.k == k && $0.epsilon == epsilon }.map { share(.init(value($0), of: $0.count)) } ?? .text("–") }
        }
        let radii = Array(Set(top.map(\.epsilon))).sorted()
        let rows = [row("clean", \.clean, radii[0])] + radii.map { row(radius($0), \.robust, $0) }
        return section(
            "top", "Among the likeliest classes",
            [
                HTML.table(texts([""] + ks.map { "top-\($0)" }), rows),
                paragraph(
                    "Worst cases of their own: for each k an attack (APGD, \(measures?.iterations ?? 0) iterations) pushes k other classes above the true one. What an attack "
                        + "on the likeliest class leaves behind would say nothing about it."),
            ])
    }

    var faults: HTML? {
        guard let faults = measures?.faults, !faults.isEmpty else { return nil }
        let clean = statistics.radii[0].accuracy
        let rows =
            [[HTML.text("none"), share(clean), .text("")]]
            + faults.map { fault in
                [.text(fault.corruption.title), share(.init(fault.correct, of: fault.count)), .text(EvaluationTable.points(fault.accuracy - clean.accuracy))]
            }
        return section(
            "faults", "Faults without an attacker",
            [HTML.table(texts(["images with", "accuracy", "points"]), rows), paragraph("σ of noise and brightness are shares of white; images are stored with 8 bits after each fault.")])
    }
}
