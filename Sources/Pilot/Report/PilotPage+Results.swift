import Diagnostics

/// Section 7: who does how well.
extension PilotPage {
    var results: HTML {
        var parts = [heading(words(.resultsOverall)), accuracies(choices, radii: radii), note(words(.tableNote))]
        parts.append(PilotChart(methods: choices.map { (name($0.method), $0.radii) }, words: words).drawing)
        parts += [heading(words(.pairedTitle)), paired(choices.map(\.method)), note(words(.pairedNote))]
        parts += clusterNotes.map { note($0) }
        parts += groupTables
        if let sip, let weakest = sip.classes.filter({ $0.count > 0 }).min(by: { $0.shares[place].accuracy < $1.shares[place].accuracy }) {
            parts.append(paragraph(words(.worstClass, words.radius(decision), weakest.name, words.percent(weakest.shares[place].accuracy))))
        }
        parts += [heading(words(.seedsTitle)), seeds]
        for method in [sip, rival].compactMap({ $0 }) {
            for confusion in method.confusion { parts += matrix(confusion, method) }
        }
        parts.append(note(words(.confusionNote)))
        return section(7, .section7, parts)
    }

    /// Of the decision's radius among the radii.
    var place: Int { radii.firstIndex(of: decision) ?? 0 }

    /// SIP-AT beside others, clean and at the decision's radius.
    func paired(_ others: [String]) -> HTML {
        let rows = others.filter { $0 != PilotMethod.sipAT.rawValue }.flatMap { other in
            [0, decision].compactMap { report.comparison(other, $0) }.map { comparison -> [HTML] in
                let tests = comparison.difference.seeds.map { "\($0.onlyFirst):\($0.onlySecond) (p \(words.probability($0.pValue)))" }.joined(separator: "; ")
                return [
                    .text(name(other)), .text(words.epsilon(comparison.difference.epsilon)), cell(comparison.difference), mark(comparison.verdict),
                    .tag("small", [:], tests),
                ]
            }
        }
        return HTML.table(texts([words(.colMethod), "", words(.colDifference), words(.colVerdict), "McNemar"]), rows, leading: 2)
    }

    private var groupTables: [HTML] {
        guard let sip, let rival else { return [] }
        // A table for clean images and one for attacked ones: both in one would be wider than a page.
        func table(_ attribute: String, _ place: Int, _ first: [PilotReport.Group], _ second: [PilotReport.Group], _ head: Phrase) -> HTML {
            let rows = zip(first, second).map { a, b -> [HTML] in
                let told = report.groups.first { $0.attribute == attribute && $0.name == a.name && $0.difference.epsilon == radii[place] }
                return [.text(a.name), .text(words.count(a.count)), cell(a.shares[place]), cell(b.shares[place])]
                    + [told.map { cell($0.difference) + mark($0.verdict) } ?? .text(words(.notAvailable))]
            }
            return HTML.table(texts([words(head), words(.colImages), name(sip.method), name(rival.method), words(.colDifference)]), rows)
        }
        var parts: [HTML] = []
        let shown = [0, place]
        for at in shown { parts += [heading(words(.perClass, words.attacked(radii[at]))), table("class", at, sip.classes, rival.classes, .colClass)] }
        for (first, second) in zip(sip.attributes, rival.attributes) {
            for at in shown {
                parts += [heading(words(.perAttribute, first.name, words.attacked(radii[at]))), table(first.name, at, first.groups, second.groups, .colValue)]
            }
        }
        parts.append(note(words(.gainNote)))
        if sip.attributes.isEmpty { parts.append(note(words(.noAttributes))) }
        return parts
    }

    private var seeds: HTML {
        let rows = choices.flatMap { method in
            plan.seeds.enumerated().map { place, seed in
                texts([name(method.method), "\(seed)"] + method.radii.map { words.percent($0.bySeed[place]) })
            }
        }
        return HTML.table(texts([words(.colMethod), words(.colSeed)] + radii.map(words.epsilon)), rows)
    }

    /// Of more classes than a matrix can show on a page.
    private func largest(_ confusion: PilotReport.Confusion, _ method: PilotReport.Method) -> [HTML] {
        let names = report.material.classNames
        var found: [(label: Int, prediction: Int, count: Int)] = []
        for (label, counts) in confusion.counts.enumerated() {
            for (prediction, count) in counts.enumerated() where prediction != label && count > 0 { found.append((label, prediction, count)) }
        }
        let shown = found.sorted { (-$0.count, $0.label, $0.prediction) < (-$1.count, $1.label, $1.prediction) }.prefix(15)
        let rows = shown.map { texts([names[$0.label], names[$0.prediction], words.count($0.count), words.count(confusion.counts[$0.label].reduce(0, +))]) }
        return [
            heading(words(.confusionTitle, name(method.method), words.attacked(confusion.epsilon))),
            note(words(.confusionLargest, words.count(names.count), words.count(shown.count), words.count(found.count))),
            HTML.table(texts([words(.colClass), words(.colTaken), words(.colImages), words(.colOfClass)]), rows, leading: 2),
        ]
    }

    private func matrix(_ confusion: PilotReport.Confusion, _ method: PilotReport.Method) -> [HTML] {
        let names = report.material.classNames
        guard names.count <= 20 else { return largest(confusion, method) }
        let head = HTML.tag("tr", [:], [.tag("th", ["class": "name"], words(.confusionHead))] + names.map { .tag("th", [:], [.tag("span", [:], $0)]) })
        let rows = confusion.counts.enumerated().map { label, counts -> HTML in
            let total = max(counts.reduce(0, +), 1)
            let cells = counts.enumerated().map { place, count -> HTML in
                let share = Double(count) / Double(total)
                let style = count == 0 ? "" : "background:rgba(\(place == label ? "21,112,58" : "179,38,30"),\(decimal(0.08 + 0.5 * share, 2)))"
                return .tag("td", count == 0 ? [:] : ["style": style], count == 0 ? "·" : "\(count)")
            }
            return .tag("tr", [:], [.tag("td", ["class": "name"], names[label])] + cells)
        }
        return [
            heading(words(.confusionTitle, name(method.method), words.attacked(confusion.epsilon))),
            .tag("div", ["class": "wide"], [.tag("table", ["class": "heat"], [.tag("thead", [:], [head]), .tag("tbody", [:], rows)])]),
        ]
    }
}
