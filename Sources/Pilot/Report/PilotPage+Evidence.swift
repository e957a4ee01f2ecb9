import Diagnostics

/// Sections 8 to 11: attacks, whether they were strong enough, other faults, controls.
extension PilotPage {
    var attacks: HTML {
        let chosen = [sip, rival].compactMap { $0 }
        let rows = chosen.flatMap { method in
            method.attacks.map { texts([name(method.method), words.epsilon($0.epsilon), $0.name, words.count($0.attacked), words.count($0.fallen)]) }
        }
        var parts = [
            heading(words(.attacksWhole)), paragraph(words(.attacksWholeNote)), accuracies(report.methods, radii: radii),
            HTML.table(texts([words(.colMethod), "", words(.attackCol), words(.attackedCol), words(.fallenCol)]), rows, leading: 3),
            note(words(.attacksSeed, "\(plan.seeds[0])")), heading(words(.regionsTitle)),
        ]
        let names =
            sip.map { method in
                method.regions.map(\.region).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
            } ?? []
        guard names.count > 1, let sip else { return section(8, .section8, parts + [note(words(.regionsNone))]) }
        let regionRows = chosen.flatMap { method in
            names.map { region -> [HTML] in
                [.text(name(method.method)), .text(words.region(region))]
                    + radii.dropFirst().map { epsilon in cell(method.regions.first { $0.region == region && $0.epsilon == epsilon }?.accuracy) }
            }
        }
        parts.append(HTML.table(texts([words(.colMethod), ""] + radii.dropFirst().map(words.epsilon)), regionRows, leading: 2))
        func broken(_ region: String) -> Double? { sip.regions.first { $0.region == region && $0.epsilon == decision }?.broken }
        if let salient = broken("salient"), let random = broken("random") {
            parts += [
                heading(words(.adaptive)), paragraph(words(.adaptiveText, words.radius(decision), words.percent(salient), words.percent(random))),
            ]
            if let difference = sip.adaptive {
                let (points, interval) = (words.points(difference.difference), words.range(difference))
                parts.append(difference.low > 0 ? warning(words(.adaptiveMore, points, interval)) : paragraph(words(.adaptiveEqual, points, interval)))
            }
        }
        return section(8, .section8, parts)
    }

    var strength: HTML {
        let checked = report.methods.filter { $0.checks != nil }
        guard !checked.isEmpty else { return section(9, .section9, [warning(words(.checksNone))]) }
        let largest = report.methods.map(\.largest).max() ?? 0
        let questions = checked.compactMap { $0.checks?.checks.count }.max() ?? 0
        let looked = checked.compactMap { $0.checks?.indices.count }.max() ?? 0
        var parts = [note(words(.checksNote, words.number(largest, 4), words.count(questions), words.count(looked)))]
        for method in checked {
            guard let checks = method.checks else { continue }
            parts.append(
                .tag("p", ["class": "verdict \(checks.verdict.rawValue)"], words(.checkVerdict, name(method.method), words.verdict(checks.verdict))))
            parts.append(
                HTML.table(
                    texts([words(.checkCol), words(.statusCol), words(.foundCol)]),
                    checks.checks.map { check in
                        [.text(words.check(check)), .tag("span", ["class": "mark \(check.status.rawValue)"], words.status(check.status)), .text(check.note)]
                    }, leading: 3))
        }
        return section(9, .section9, parts)
    }

    var faults: HTML {
        let methods = choices.filter { !$0.faults.isEmpty }
        guard let first = methods.first else { return section(10, .section10, [note(words(.notMeasured))]) }
        let whole: [HTML] = [.text(words(.faultNone))] + methods.map { .text(words.percent($0.radii[0].accuracy.accuracy)) }
        let rows = first.faults.indices.map { place in
            texts([words.fault(first.faults[place].corruption)] + methods.map { words.percent($0.faults[place].accuracy) })
        }
        return section(10, .section10, [note(words(.faultsNote)), HTML.table(texts([""] + methods.map { name($0.method) }), [whole] + rows)])
    }

    var controlSection: HTML {
        guard !controls.isEmpty else { return section(11, .section11, [warning(words(.controlsNone))]) }
        var parts = [
            paragraph(words(.controlsNote)), accuracies([sip].compactMap { $0 } + controls, radii: radii), heading(words(.pairedTitle)), paired(controls.map(\.method)),
            note(words(.pairedNote)),
        ]
        for control in controls {
            parts.append(isBeaten(control) ? paragraph(words(.controlBeaten, name(control.method))) : warning(words(.controlNotBeaten, name(control.method))))
        }
        return section(11, .section11, parts)
    }
}
