import Diagnostics
import Foundation

/// Sections 12 to 14: cost, limits, where the numbers come from.
extension PilotPage {
    var costSection: HTML {
        guard let cost else { return section(12, .section12, [warning(words(.costNone))]) }
        func hours(_ entries: [PilotCost.Entry]) -> Double { entries.reduce(0) { $0 + $1.coreSeconds } / 3600 }
        func entries(_ prefix: String) -> [PilotCost.Entry] { cost.parts.filter { $0.part.hasPrefix(prefix) } }
        let full = (images: plan.cost.fullImages == 0 ? report.material.trained : plan.cost.fullImages, epochs: plan.cost.fullEpochs == 0 ? report.epochs : plan.cost.fullEpochs)
        let scale = Double(full.images) / Double(max(1, report.material.trained)) * Double(full.epochs) / Double(max(1, report.epochs))
        let natural = hours(entries("training natural "))
        let rows = report.methods.map { method -> [HTML] in
            let own = entries("training \(method.method) ")
            let one = hours(own) / Double(max(1, own.count))
            return texts([
                "\(words(.costTraining)): \(name(method.method))", words.count(own.count), words.hours(one), words.hours(hours(own)),
                natural > 0 ? words.number(one * Double(plan.seeds.count) / natural, 1) : words(.notAvailable), words.hours(one * scale),
            ])
        }
        let (evaluation, total) = (hours(entries("evaluation ")), hours(cost.parts))
        func row(_ phrase: Phrase, _ value: Double) -> [HTML] { texts([words(phrase), "", "", words.hours(value), "", ""]) }
        let rest = total - evaluation - hours(entries("training "))
        var parts = [
            paragraph(words(.costMeasured, cost.host, cost.processor)),
            HTML.table(
                texts([
                    words(.costPart), words(.costModels), words(.costCoreHours), "\(words(.costCoreHours)), \(words(.costTotal))", words(.costRelative),
                    words(.costFull, words.count(full.images), words.count(full.epochs)),
                ]), rows + [row(.costEvaluation, evaluation), row(.costRest, rest), row(.costTotal, total)]),
        ]
        if cost.parts.contains(where: { $0.starts > 1 }) { parts.append(note(words(.costInterrupted))) }
        parts.append(paragraph(words(.costPeople, words.number(personHours, 1))))
        let joules = cost.parts.compactMap(\.joules)
        let energy = joules.isEmpty ? nil : joules.reduce(0, +) / 3.6e6
        parts.append(paragraph(energy.map { words(.costEnergy, words.number($0, 4)) } ?? words(.costNoEnergy)))
        let prices = plan.cost
        if prices.perCoreHour + prices.perKilowattHour + prices.perPersonHour > 0 {
            let money = [total * prices.perCoreHour, (energy ?? 0) * prices.perKilowattHour, personHours * prices.perPersonHour]
            parts.append(
                paragraph(words(.costMoney, words.number(money[0], 2), words.number(money[1], 2), words.number(money[2], 2), words.number(money.reduce(0, +), 2), prices.currency)))
        } else {
            parts.append(note(words(.costNoMoney)))
        }
        if let finished = cost.finished { parts.append(paragraph(words(.costFinished, words.date(finished)))) }
        return section(12, .section12, parts)
    }

    var limits: HTML {
        section(
            13, .section13,
            [
                bullets([words(.limits1, words.count(report.images)), words(.limits2, words.count(report.epochs)), words(.limits3)]), heading(words(.monitoring)),
                paragraph(words(.monitoringText)), heading(words(.nextStep)), paragraph(nextStep),
            ])
    }

    private var nextStep: String {
        switch report.recommendation.outcome {
        case .adopt, .adoptForClasses: return words(.nextAdopt)
        case .notYet: return words(.nextNotYet)
        case .noDifference: return words(.nextNoDifference)
        case .cannotTell:
            guard report.recommendation.reasons.first?.code == .unclear, let rival,
                let widest = [0, decision].compactMap({ report.comparison(rival.method, $0)?.difference }).map({ ($0.high - $0.low) / 2 }).max()
            else { return words(.nextCannotTellPlain) }
            // The interval narrows with the root of the number of images.
            let smallest = max(plan.acceptance.smallestDifference / 100, 0.001)
            let needed = Double(report.images) * (widest / smallest) * (widest / smallest)
            let rounded = Int((max(needed, Double(report.images)) / 100).rounded(.up)) * 100
            return words(.nextCannotTell, words.count(rounded), words.number(plan.acceptance.smallestDifference, 1))
        }
    }

    var annex: HTML {
        func short(_ hash: String) -> HTML { .tag("code", [:], String(hash.prefix(12))) }
        let rows = report.traces.map { trace -> [HTML] in
            [.text(name(trace.method)), .text("\(trace.seed)"), short(trace.weights), short(trace.evaluation), short(trace.lines)]
        }
        let mapping: [(Phrase, String)] = [
            (.mapModelCard, "2, 4, 5, 6, 7, 13"), (.mapNIST25, "6, 7, 10, 13"), (.mapNIST27, "3, 8, 9, 11"), (.mapArt15, "7, 8, 9, 10"), (.mapAnnexIV, "1, 4, 7, 14"),
        ]
        return section(
            14, .section14,
            [
                heading(words(.meeting)), bullets(sentences), heading(words(.mapping)), paragraph(words(.mappingNote)),
                HTML.table(texts([words(.frameworkCol), words(.sectionsCol)]), mapping.map { texts([words($0), $1]) }),
                heading(words(.versions)), definitions([(words(.programVersion, report.program), "report.json \(report.format)"), (words(.planHash), report.planHash)]),
                HTML.table(
                    texts([words(.colMethod), words(.colSeed), words(.weightsCol), words(.evaluationCol), words(.linesCol)]), rows, leading: 5),
                note(words(.hashesNote)), heading(words(.commands)), note(words(.commandsNote)),
                .tag("pre", [:], report.traces.filter { $0.seed == plan.seeds[0] }.map(\.command).joined(separator: "\n")), heading(words(.recipeTitle)),
                .tag("pre", ["class": "recipe"], report.recipe),
            ])
    }

    /// What one can say in a meeting.
    private var sentences: [String] {
        guard let sip else { return [] }
        func accuracy(_ method: PilotReport.Method?, _ epsilon: Double) -> String {
            method?.radii.first { $0.epsilon == epsilon }.map { words.percent($0.accuracy.accuracy) } ?? words(.notAvailable)
        }
        let natural = report.method(.natural)
        var result = [words(.meeting1, words.count(report.images), accuracy(sip, 0), accuracy(natural, 0))]
        if let rival {
            result.append(words(.meeting2, words.radius(decision), accuracy(sip, decision), accuracy(natural, decision), name(rival.method), accuracy(rival, decision)))
        }
        if let shuffled = report.method(.shuffled) { result.append(words(.meeting3, accuracy(shuffled, decision), accuracy(sip, decision))) }
        if let cost { result.append(words(.meeting4, words.hours(cost.parts.reduce(0) { $0 + $1.coreSeconds } / 3600))) }
        return result + [words(.meeting5)]
    }
}
