import Diagnostics
import Foundation

/// Sections 13 and 14: limits, where the numbers come from.
extension PilotPage {
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
        case .mapsBoughtNothing: return words(.nextMapsBoughtNothing)
        case .noDifference: return words(.nextNoDifference)
        case .cannotTell:
            guard let code = report.recommendation.reasons.first?.code, [.unclear, .partly, .controlAsGood].contains(code), let rival,
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
            (.mapDetails, "6, 14"), (.mapUse, "2, 3"), (.mapFactors, "4, 7"), (.mapMetrics, "1, 2, 7"), (.mapTest, "4"), (.mapTraining, "4, 5, 6"),
            (.mapAnalyses, "7, 8, 10, 11"), (.mapEthics, "5, 7"), (.mapCaveats, "1, 9, 13"), (.mapNIST25, "4, 6, 7, 10, 13"), (.mapNIST27, "3, 8, 9, 11, 13"),
            (.mapArt15, "7, 8, 9, 10"), (.mapAnnexIV, "1, 4, 6, 7, 14"),
        ]
        return section(
            14, .section14,
            [
                heading(words(.meeting)), bullets(sentences), heading(words(.mapping)), paragraph(words(.mappingNote)),
                HTML.table(texts([words(.frameworkCol), words(.sectionsCol)]), mapping.map { texts([words($0), $1]) }),
                heading(words(.versions)), definitions([(words(.programVersion, report.program), "report.json \(report.format)"), (words(.planHash), report.planHash)]),
                HTML.table(
                    texts([words(.colMethod), words(.colSeed), words(.weightsCol), words(.evaluationCol), words(.linesCol)]), rows, leading: 5),
                note(words(.hashesNote)) + (report.isSealed == false ? warning(words(.notSealed)) : .text("")), heading(words(.commands)), note(words(.commandsNote)),
                .tag("pre", [:], report.traces.filter { $0.seed == plan.seeds[0] }.map(\.command).joined(separator: "\n")), heading(words(.recipeTitle)),
                .tag("pre", ["class": "recipe"], report.recipe),
            ])
    }
}
