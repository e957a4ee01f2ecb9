import Diagnostics

/// Section 12: what it took, and what more would take.
extension PilotPage {
    var costSection: HTML {
        guard let cost else { return section(12, .section12, [warning(words(.costNone))]) }
        let sums = CostSums(cost, report, plan)
        let rows = report.methods.map { method -> [HTML] in
            let one = sums.training[method.method] ?? 0
            let models = sums.models[method.method] ?? 0
            return texts([
                words.named(words(.costTraining), name(method.method)), words.count(models), words.hours(one), words.hours(sums.all[method.method] ?? 0),
                sums.natural.map { words.number(one / $0, 1) } ?? words(.notAvailable), full(one, sums),
            ])
        }
        func row(_ phrase: Phrase, _ value: Double) -> [HTML] { texts([words(phrase), "", "", words.hours(value), "", ""]) }
        let fullHead = words(.costFull, words.count(sums.fullImages), words.count(sums.fullEpochs))
        var parts = [
            paragraph(words(.costMeasured, cost.host, cost.processor)),
            HTML.table(
                texts([
                    words(.costPart), words(.costModels), words(.costCoreHours), words.list([words(.costCoreHours), words(.costTotal)]), words(.costRelative), fullHead,
                ]), rows + [row(.costEvaluation, sums.evaluation), row(.costRest, sums.rest), row(.costTotal, cost.coreHours)]),
        ]
        if cost.parts.contains(where: { !$0.isWhole }) { parts.append(note(words(.costInterrupted))) }
        parts += others(sums, fullHead)
        parts.append(paragraph(words(.costPeople, words.number(personHours, 1))))
        parts.append(energy(cost))
        parts.append(money(cost))
        if let finished = cost.finished { parts.append(paragraph(words(.costFinished, words.date(finished)))) }
        return section(12, .section12, parts)
    }

    /// Core-hours of one model on the full data, and what they cost at the price given.
    private func full(_ hours: Double, _ sums: CostSums) -> String {
        let all = hours * sums.scale
        guard plan.cost.perCoreHour > 0 else { return words.hours(all) }
        return words(.costPriced, words.hours(all), words.number(all * plan.cost.perCoreHour, 2), plan.cost.currency)
    }

    /// Methods that were not trained, reckoned from passes forward and back.
    private func others(_ sums: CostSums, _ fullHead: String) -> [HTML] {
        guard let natural = sums.natural, let iteration = sums.iteration else { return [note(words(.costNoOthers))] }
        let steps = Double(sums.steps)
        let rows: [(String, Double)] = [
            (words(.otherSingleStep), natural + iteration), (words(.otherSteps, "10"), natural + 10 * iteration), (words(.otherSteps, "20"), natural + 20 * iteration),
            // A loss on the images as they are, besides that on the adversarial ones.
            (words(.otherTRADES, "\(sums.steps)"), 2 * natural + steps * iteration),
        ]
        return [
            heading(words(.costOthers)), note(words(.costOthersNote, "\(sums.steps)")),
            HTML.table(
                texts([words(.colMethod), words(.costCoreHours), words(.costRelative), fullHead]),
                rows.map { texts([$0, words.hours($1), words.number($1 / natural, 1), full($1, sums)]) }),
        ]
    }

    private func energy(_ cost: PilotCost) -> HTML {
        let joules = cost.parts.compactMap(\.allJoules)
        guard !joules.isEmpty else { return paragraph(words(.costNoEnergy)) }
        return paragraph(words(.costEnergy, words.number(joules.reduce(0, +) / 3.6e6, 4), words.count(joules.count), words.count(cost.parts.count)))
    }

    /// At the user's prices; what was not measured is not counted as nothing.
    private func money(_ cost: PilotCost) -> HTML {
        let prices = plan.cost
        guard prices.perCoreHour + prices.perKilowattHour + prices.perPersonHour > 0 else { return note(words(.costNoMoney)) }
        let joules = cost.parts.compactMap(\.allJoules)
        let sums: [Double?] = [
            prices.perCoreHour > 0 ? cost.coreHours * prices.perCoreHour : nil,
            prices.perKilowattHour > 0 && !joules.isEmpty ? joules.reduce(0, +) / 3.6e6 * prices.perKilowattHour : nil,
            prices.perPersonHour > 0 ? personHours * prices.perPersonHour : nil,
        ]
        func told(_ sum: Double?) -> String { sum.map { words.number($0, 2) } ?? words(.costNotCounted) }
        return paragraph(words(.costMoney, told(sums[0]), told(sums[1]), told(sums[2]), words.number(sums.compactMap { $0 }.reduce(0, +), 2), prices.currency))
    }
}

/// Core-hours by what they were spent on.
struct CostSums {
    /// Of one model, by method, the mean of those whose whole time is known; of all models; and how many were trained.
    private(set) var training: [String: Double] = [:]
    private(set) var all: [String: Double] = [:]
    private(set) var models: [String: Int] = [:]
    let evaluation: Double
    let rest: Double
    let fullImages: Int
    let fullEpochs: Int
    /// Work on the full data as a multiple of the pilot's.
    let scale: Double
    /// Of the attack in training.
    let steps: Int

    init(_ cost: PilotCost, _ report: PilotReport, _ plan: PilotPlan) {
        func entries(_ prefix: String) -> [PilotCost.Entry] { cost.parts.filter { $0.part.hasPrefix(prefix) } }
        func hours(_ entries: [PilotCost.Entry]) -> Double { entries.reduce(0) { $0 + $1.coreSeconds } / 3600 }
        for method in report.methods {
            let own = entries("training \(method.method) ")
            models[method.method] = own.count
            all[method.method] = hours(own)
            // A start that was killed did not tell its time, which would make the model too cheap.
            let whole = own.filter(\.isWhole)
            let counted = whole.isEmpty ? own : whole
            training[method.method] = hours(counted) / Double(max(1, counted.count))
        }
        evaluation = hours(entries("evaluation "))
        rest = cost.coreHours - evaluation - hours(entries("training "))
        fullImages = plan.cost.fullImages == 0 ? report.material.trained : plan.cost.fullImages
        fullEpochs = plan.cost.fullEpochs == 0 ? report.epochs : plan.cost.fullEpochs
        scale = Double(fullImages) / Double(max(1, report.material.trained)) * Double(fullEpochs) / Double(max(1, report.epochs))
        steps = (try? plan.recipe(.sipAT, seed: plan.seeds.first ?? 0))?.attack.steps ?? 0
    }

    /// Of one natural model; nil where none was trained.
    var natural: Double? { training[PilotMethod.natural.rawValue].flatMap { $0 > 0 ? $0 : nil } }

    /// What a step of the attack adds to one model; nil where it cannot be told.
    var iteration: Double? {
        let adversarial = training.filter { $0.key != PilotMethod.natural.rawValue }.values
        guard let natural, steps > 0, !adversarial.isEmpty else { return nil }
        let more = adversarial.reduce(0, +) / Double(adversarial.count) - natural
        return more > 0 ? more / Double(steps) : nil
    }
}
