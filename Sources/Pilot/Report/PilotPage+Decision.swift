import Diagnostics

/// Sections 1 to 3: what is decided, for what, against whom.
extension PilotPage {
    var decisionPage: HTML {
        let recommendation = report.recommendation
        let hours = cost.map { words.hours($0.coreHours) } ?? words(.notMeasured)
        var parts: [HTML] = [
            .tag("h1", [:], question),
            note("\(dataName) · " + words(.onImages, words.count(report.images), words.count(plan.seeds.count), words.count(report.material.classNames.count))),
            .tag("h2", [:], words(.section1)),
            .tag("p", ["class": "verdict \(recommendation.outcome.rawValue)", "id": "recommendation"], words.outcome(recommendation)),
            heading(words(.theReasons)), bullets(recommendation.reasons.map { words.reason($0, plan) }),
            heading(words(.theNumbers)), accuracies(choices, radii: [0, decision]), note(words(.tableNote)),
            paragraph(words(.costLine, hours, words.number(personHours, 1))),
            heading(words(.notShown)),
            bullets([words(.notShown1, words.radius(radii.max() ?? 0)), words(.notShown2), words(.notShown3)] + clusterNotes),
            heading(words(.theRule)), report.criteriaChanged ? warning(words(.criteriaChanged)) : note(words(.ruleFixed)),
            note(words(.ruleIntro, words.number(plan.acceptance.smallestDifference, 1), words.radius(decision))),
            .tag(
                "ol", ["class": "facts"],
                [Phrase.rule1, .rule2, .rule3, .rule4, .rule5, .rule6, .rule7, .rule8, .rule9].map { .tag("li", [:], words($0)) }),
        ]
        if !report.added.isEmpty { parts.append(warning(words(.addedLater, report.added.joined(separator: "; ")))) }
        return .tag("section", ["id": "section-1"], parts + [heading(words(.signatures)), signatures])
    }

    /// What groups of test images mean for intervals.
    var clusterNotes: [String] {
        if let groups = report.testGroups {
            return groups < report.images ? [words(.groupsTogether, words.count(report.images), words.count(groups))] : []
        }
        // A version ran it that did not keep which image is in which group.
        guard let test = report.material.splits.last, let groups = test.groups, groups < test.counts.reduce(0, +) else { return [] }
        return [words(.groupsIndependent, words.count(groups))]
    }

    /// Hours that people gave to the maps.
    var personHours: Double { plan.cost.personHours > 0 ? plan.cost.personHours : report.review?.personHours ?? 0 }

    private var signatures: HTML {
        let head = HTML.tag("tr", [:], [Phrase.signName, .signDecision, .signDate, .signSignature].map { .tag("th", ["class": "name"], words($0)) })
        let row = HTML.tag("tr", [:], (0..<4).map { _ in .tag("td", [:], "") })
        return .tag("table", ["class": "sign"], [.tag("thead", [:], [head]), .tag("tbody", [:], [row, row])])
    }

    var scope: HTML {
        let rows = report.recommendation.criteria.map { criterion -> [HTML] in
            texts([words.criterion(criterion.name, decision), words.bound(criterion.bound, of: criterion.name), words.bound(criterion.value, of: criterion.name)])
                + [.tag("span", ["class": "mark \(criterion.isMet ? "met" : "missed")"], words(criterion.isMet ? .met : .missed))]
        }
        return section(
            2, .section2,
            [
                definitions([(words(.system), given(plan.system)), (words(.responsible), given(plan.responsible))]),
                paragraph(words(.intendedUse)),
                HTML.table(texts([words(.criterion), words(.bound), words(.found), ""]), rows),
                report.criteriaChanged ? warning(words(.criteriaChanged)) : paragraph(words(.criteriaFixed)),
            ] + changes + (plan.acceptance.isOpen ? [warning(words(.criteriaOpen))] : []))
    }

    /// Every criterion as it was at the first start and as it is, where one was changed.
    private var changes: [HTML] {
        guard report.criteriaChanged, let start = report.start else { return [] }
        func values(_ acceptance: PilotPlan.Acceptance, _ decision: Double) -> [String] {
            [
                words.bound(acceptance.cleanAtLeast, of: "clean"), words.bound(acceptance.robustAtLeast, of: "robust"), words.bound(acceptance.cleanLossAtMost, of: "clean-loss"),
                words(.points, PlanSchema.text(acceptance.smallestDifference)), words.count(acceptance.imagesAtLeast), words.count(acceptance.seedsAtLeast), words.epsilon(decision),
            ]
        }
        let names = [
            words.criterion("clean", decision), words.criterion("robust", decision), words.criterion("clean-loss", decision), words(.criterionSmallest), words(.criterionImages),
            words(.criterionSeeds), words(.criterionDecision),
        ]
        let (old, new) = (values(start.acceptance, start.decision), values(plan.acceptance, decision))
        let rows = names.indices.map { texts([names[$0], old[$0], new[$0]]) }
        return [HTML.table(texts([words(.criterion), words(.boundBefore), words(.bound)]), rows)]
    }

    var threat: HTML {
        var parts = [
            heading(words(.threatWho)), paragraph(words(.threatWhoText)), heading(words(.threatWhat)), paragraph(words(.threatWhatText)),
            paragraph(words(.threatPictures)),
        ]
        let shown = pictures.models.flatMap { model in model.pictures.prefix(4).map { (model, $0) } }
        if shown.isEmpty {
            parts.append(note(words(.noPictures)))
        } else {
            let names = report.material.classNames
            parts.append(
                .tag(
                    "div", ["class": "pictures"],
                    shown.map { model, picture in
                        let factor = "\(picture.factor)"
                        let epsilon = plan.evaluation.radii.first { Float($0 / 255) == picture.epsilon } ?? Double(picture.epsilon) * 255
                        let (method, index, radius) = (name(model.method), "\(picture.index)", words.radius(epsilon))
                        let caption =
                            picture.prediction == picture.label
                            ? words(.threatWithstood, method, index, names[picture.label], radius, factor)
                            : words(.threatCaption, method, index, names[picture.label], names[picture.prediction], radius, factor)
                        return .tag(
                            "figure", [:],
                            [
                                .tag(
                                    "div", ["class": "strip"],
                                    [
                                        drawing(picture.image, picture.width, picture.height, picture.outline, words(.pictureOriginal)),
                                        drawing(picture.perturbation, picture.width, picture.height, nil, words(.pictureAdded, factor)),
                                        drawing(picture.adversarial, picture.width, picture.height, nil, words(.pictureAdversarial)),
                                    ]), .tag("figcaption", [:], caption),
                            ])
                    }))
            parts.append(note(words(.outlineNote)))
        }
        return section(3, .section3, parts)
    }

    /// An image with an outline over it.
    func drawing(_ uri: String, _ width: Int, _ height: Int, _ outline: String?, _ label: String) -> HTML {
        var parts = [HTML.tag("image", ["href": uri, "width": "\(width)", "height": "\(height)"])]
        if let outline { parts += [.tag("path", ["d": outline, "class": "under"]), .tag("path", ["d": outline, "class": "over"])] }
        return .tag("svg", ["viewBox": "0 0 \(width) \(height)", "role": "img", "aria-label": label], [.tag("title", [:], label)] + parts)
    }
}
