import Diagnostics
import Recipes

/// Sections 4 to 6: images, maps, method.
extension PilotPage {
    var data: HTML {
        let facts = report.material
        var parts = [
            definitions([
                (words(.dataSet), dataName), (words(.imageSize), "\(facts.shape[1])×\(facts.shape[0])×\(facts.shape[2])"), (words(.origin), given(plan.data.origin)),
                (words(.licence), given(plan.data.licence)),
            ]),
            HTML.table(
                texts([words(.colClass), words(.trainSplit), words(.testSplit)]),
                facts.classNames.indices.map { label in texts([facts.classNames[label]] + facts.splits.map { words.count($0.counts[label]) }) }
                    + [texts([words(.costTotal)] + facts.splits.map { words.count($0.counts.reduce(0, +)) })]),
            paragraph(words(.heldOut, words.count(facts.trained), words.count(facts.heldOut))),
        ]
        if let training = facts.splits[0].groups, let test = facts.splits[1].groups {
            parts.append(paragraph(words(.groupsSome, words.count(training), words.count(test))))
        } else {
            parts.append(paragraph(words(.groupsNone)))
        }
        parts.append(paragraph(words(.duplicates, words.count(facts.duplicates), words.count(facts.duplicatesAcross), words.count(facts.duplicatesContradicting))))
        if facts.duplicatesAcross > 0 { parts.append(warning(words(.duplicatesWarning))) }
        if facts.skipped.isEmpty {
            parts.append(paragraph(words(.skippedNone)))
        } else {
            parts += [paragraph(words(.skippedSome, words.count(facts.skipped.count))), bullets(facts.skipped.prefix(50).map { words.named($0.path, $0.reason) })]
        }
        parts.append(definitions(facts.splits.map { (words.list([words(.fingerprint), $0.split == "train" ? words(.trainSplit) : words(.testSplit)]), $0.fingerprint) }))
        return section(4, .section4, parts)
    }

    var salience: HTML {
        let facts = report.material.salience
        let all = max(1, facts.states.all)
        func share(_ count: Int) -> String { words.percent(Double(count) / Double(all)) }
        var parts = [
            HTML.table(
                texts([words(.whoseWord), "", words(.colImages)]),
                // What else is known of a review stands below.
                facts.words.map { texts([words.kind($0.kind), source($0), words.count($0.images)]) }, leading: 2),
            paragraph(words(.states, words.count(facts.states.map), words.count(facts.states.empty), words.count(facts.states.unseen))),
            paragraph(
                words(
                    .shares, share(facts.machine), share(facts.given), share(facts.confirmed), share(facts.corrected), share(facts.confirmedEmpty),
                    share(facts.states.unseen))),
            definitions([(words(.policy), facts.policy ?? words(.policyNone)), (words(.fingerprint), facts.fingerprint)]),
        ]
        if facts.isByName { parts.append(warning(words(.mapsByName))) }
        parts += [
            heading(words(.coverageTitle)),
            HTML.table(
                texts([words(.colClass), words(.withMap), words(.coverageTitle)]),
                facts.coverage.map { texts([$0.name, words.count($0.images), words.percent($0.share)]) }),
            heading(words(.examplesTitle)),
        ]
        let names = report.material.classNames
        parts.append(
            material.salience.examples.isEmpty
                ? note(words(.noImageExamples))
                : .tag(
                    "div", ["class": "pictures small"],
                    material.salience.examples.map { example in
                        .tag(
                            "figure", [:],
                            [
                                .tag("div", ["class": "strip"], [drawing(example.image, example.width, example.height, example.outline, names[example.label])]),
                                .tag("figcaption", [:], words(.exampleCaption, names[example.label], words.percent(example.share), words.word(example))),
                            ])
                    }))
        return section(5, .section5, parts + reviewed)
    }

    private func source(_ word: PilotMaterial.Word) -> String {
        switch word.kind {
        case "review": word.name
        case "own": word.name == report.material.name ? dataName : word.name
        default: words.source(word.summary, kind: word.kind)
        }
    }

    /// What a review's status says: planted maps, agreement, audit, time.
    private var reviewed: [HTML] {
        guard let review = report.review else {
            return [heading(words(.reviewTitle)), report.material.salience.reviews.isEmpty ? warning(words(.reviewNone)) : note(words(.reviewNoStatus))]
        }
        typealias Facts = PilotReport.ReviewFacts
        func part(_ part: Facts.Part) -> String { "\(words.count(part.count))/\(words.count(part.total))" }
        func given(_ share: Double?) -> String { share.map { words.percent($0) } ?? words(.notAvailable) }
        func told(_ phrase: Phrase, _ estimate: Facts.Estimate) -> HTML {
            paragraph(words(phrase, words.percent(estimate.share), words.percent(estimate.low), words.percent(estimate.high)))
        }
        var parts = [heading(words(.reviewTitle))]
        if !review.isOfTheseMaps { parts.append(warning(words(.reviewOther))) }
        parts += [
            paragraph(words(.reviewSome, words.count(review.decisions), words.count(review.images), words.count(review.people), words.number(review.personHours, 2))),
            paragraph(words(.reviewHoneypots, part(review.caught), part(review.passed))),
        ]
        if review.twoPeople > 0 {
            let agreement = review.agreement.map { words.number($0, 2) } ?? words(.notAvailable)
            parts.append(paragraph(words(.reviewAgreement, words.count(review.twoPeople), given(review.alike), agreement, words.count(review.disputed))))
        } else {
            parts.append(note(words(.reviewNoPairs)))
        }
        if review.again > 0 { parts.append(paragraph(words(.reviewAgain, words.count(review.again), given(review.againAlike)))) }
        parts.append(paragraph(review.rest == 0 ? words(.reviewWhole) : words(.reviewAudit, part(review.audit), words.count(review.rest))))
        if let changed = review.wouldChange { parts.append(told(.reviewChange, changed)) }
        if let wrong = review.wrong { parts.append(told(.reviewWrong, wrong)) }
        if review.rest > 0 { parts.append(paragraph(words(review.isGoodEnough ? .reviewEnough : .reviewNotEnough, words.percent(review.goodEnough)))) }
        parts.append(definitions([(words(.policyHash), review.policyHash), (words(.reviewLog), review.head)]))
        return parts
    }

    var method: HTML {
        let recipe = try? plan.recipe(.sipAT, seed: plan.seeds[0])
        var facts = [(words(.network), words.list([recipe?.model.name ?? "?", words(.parameters, words.count(report.parameters))]))]
        if let recipe { facts += [(words(.objective), objective(recipe.objective)), (words(.attackInTraining), learnt(recipe.attack))] }
        facts += [(words(.attackInTest), tested), (words(.colSeed), words.list(plan.seeds.map { "\($0)" }))]
        return section(
            6, .section6,
            [paragraph(words(.whatIsSIP)), paragraph(budget), definitions(facts), bullets(report.methods.map { name($0.method) })]
                + checkpoint(recipe).map { paragraph($0) })
    }

    /// What all models had alike; with early stopping, not how long they were trained.
    private var budget: String {
        let planned = (epochs: words.count(report.epochs), steps: words.count(report.stepsPerModel))
        let steps = report.methods.flatMap { $0.lengths ?? [] }.map(\.steps)
        guard let least = steps.min(), let most = steps.max(), least < report.stepsPerModel else { return words(.equalBudget, planned.epochs, planned.steps) }
        return words(.equalBudgetStopped, planned.epochs, planned.steps, words.count(least), words.count(most))
    }

    private func objective(_ objective: Recipe.Objective) -> String {
        switch objective.name {
        case .crossEntropy: words(.crossEntropy)
        case .trades, .mart: words(.objectiveBeta, objective.name.rawValue.uppercased(), PlanSchema.text(objective.beta))
        }
    }

    private func learnt(_ attack: Recipe.Attack) -> String {
        let name: String
        let length: String
        switch attack.name {
        case .pgd: (name, length) = ("PGD", steps(attack.steps))
        case .fgsmRS: (name, length) = ("FGSM-RS", steps(1))
        case .nFGSM: (name, length) = ("N-FGSM", steps(1))
        case .free: (name, length) = ("Free", words(.replays, "\(attack.replays)"))
        }
        return words.list([name, norm(attack.norm.rawValue), length])
    }

    private func steps(_ count: Int) -> String { count == 1 ? words(.oneStep) : words(.stepsText, words.count(count)) }
    private func norm(_ name: String) -> String { name == "linf" ? "L∞" : name.uppercased() }

    private var tested: String {
        let attacks = (report.testAttacks ?? plan.attacks.map { PilotReport.TestAttack(name: $0, steps: nil, restarts: nil) }).map { attack -> String in
            guard let count = attack.steps else { return attack.name }
            let starts = attack.restarts ?? 1
            return words(.named, attack.name, starts > 1 ? words.list([steps(count), words(.starts, "\(starts)")]) : steps(count))
        }
        return words(.testText, words.list(attacks), norm(report.norm ?? "linf"), words.list(plan.evaluation.radii.sorted().map(words.radius)))
    }

    /// Which checkpoint was evaluated.
    private func checkpoint(_ recipe: Recipe?) -> [String] {
        guard let recipe else { return [] }
        guard report.material.heldOut > 0 else { return [words(.checkpointLast)] }
        let steps = steps(recipe.validation.steps)
        let text: String
        switch recipe.validation.metric {
        case .clean: text = words(.checkpointText)
        case .robust: text = words(.checkpointRobust, steps)
        case .automatic: text = words(.checkpointAutomatic, steps)
        }
        return [text] + (recipe.validation.patience > 0 ? [words(.patience, words.count(recipe.validation.patience))] : [])
    }
}
