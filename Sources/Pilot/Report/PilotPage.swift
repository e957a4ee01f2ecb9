import Datasets
import Diagnostics
import Evaluation

/// A pilot's report as one HTML file, without scripts and without anything from elsewhere: a function of the numbers.
package struct PilotPage {
    let report: PilotReport
    let cost: PilotCost?
    /// With its pictures.
    let material: PilotMaterial
    /// Nil where their file is gone.
    let pictures: PilotPictures
    let words: PilotWords

    package init(report: PilotReport, cost: PilotCost?, material: PilotMaterial, pictures: PilotPictures, language: PilotLanguage) {
        self.report = report
        self.cost = cost
        self.material = material
        self.pictures = pictures
        words = PilotWords(language)
    }

    var plan: PilotPlan { report.plan }
    /// The user's, or the usual one in the report's language.
    var question: String { plan.question == PilotPlan().question ? words(.theQuestion) : plan.question }
    /// People's own images are called as their folder or packed set is.
    var dataName: String {
        let name = pathName((try? plan.baseRecipe())?.data.directory ?? "")
        return report.material.name == DatasetLoader.Name.images.rawValue && !name.isEmpty ? name : report.material.name
    }
    var decision: Double { plan.evaluation.decision }
    var radii: [Double] { [0] + plan.evaluation.radii.sorted() }
    /// What people choose between, and then the controls.
    var choices: [PilotReport.Method] { report.methods.filter { PilotMethod(rawValue: $0.method)?.isControl == false } }
    var controls: [PilotReport.Method] { report.methods.filter { PilotMethod(rawValue: $0.method)?.isControl == true } }
    var sip: PilotReport.Method? { report.method(.sipAT) }
    var rival: PilotReport.Method? { report.recommendation.rival.flatMap { name in report.methods.first { $0.method == name } } }

    package var document: String {
        let sections = [
            decisionPage, scope, threat, data, salience, method, results, attacks, strength, faults, controlSection, costSection, limits, annex,
        ]
        let body = HTML.tag("main", [:], [.tag("header", [:], [.tag("p", ["class": "facts"], words(.subtitle))])] + sections)
        return HTML.document(title: words.named(words(.title), question), style: Self.style, body: [body], language: words.language.rawValue)
    }

    // MARK: Parts that sections share

    func section(_ number: Int, _ title: Phrase, _ content: [HTML]) -> HTML {
        .tag("section", ["id": "section-\(number)"], [.tag("h2", [:], words(title))] + content)
    }

    func heading(_ text: String) -> HTML { .tag("h3", [:], text) }
    func paragraph(_ text: String) -> HTML { .tag("p", [:], text) }
    func note(_ text: String) -> HTML { .tag("p", ["class": "facts"], text) }
    func warning(_ text: String) -> HTML { .tag("p", ["class": "warning"], text) }
    func texts(_ texts: [String]) -> [HTML] { texts.map { .text($0) } }
    func bullets(_ items: [String]) -> HTML { .tag("ul", [:], items.map { .tag("li", [:], $0) }) }
    func name(_ method: String) -> String { words.method(method, plan.epsilon) }

    /// A share with its interval, and how far seeds lie apart.
    func cell(_ share: PilotShare?) -> HTML {
        guard let share, share.count > 0 else { return .text(words(.notAvailable)) }
        return .text(words.percent(share.accuracy))
            + .tag("small", [:], "\(words.range(share.low, share.high)) (\(words.range(share.lowest, share.highest)))")
    }

    func cell(_ difference: PilotDifference) -> HTML {
        .text(words.signed(difference.difference)) + .tag("small", [:], words.range(difference))
    }

    func mark(_ verdict: PilotVerdict) -> HTML { .tag("span", ["class": "mark \(verdict.rawValue)"], words.verdict(verdict)) }

    /// Methods by radii.
    func accuracies(_ methods: [PilotReport.Method], radii: [Double]) -> HTML {
        HTML.table(
            texts([words(.colMethod)] + radii.map(words.epsilon)),
            methods.map { method in [.text(name(method.method))] + radii.map { epsilon in cell(method.radii.first { $0.epsilon == epsilon }?.accuracy) } })
    }

    func definitions(_ rows: [(String, String)]) -> HTML {
        .tag("dl", [:], rows.flatMap { [.tag("dt", [:], $0), .tag("dd", [:], $1)] })
    }

    func given(_ text: String) -> String { text.isEmpty ? words(.notGiven) : text }

    private static let style: StaticString = """
        :root{--ink:#1c2330;--soft:#545e6e;--line:#d5dae2;--fill:#f4f6f9;--good:#15703a;--warn:#8a5000;--bad:#b3261e}
        *{box-sizing:border-box}
        body{margin:0;background:#fff;color:var(--ink);font:15px/1.55 system-ui,"Segoe UI",Roboto,"Helvetica Neue",Arial,"Hiragino Sans","Yu Gothic","Noto Sans CJK JP","Noto Sans JP",sans-serif}
        main{max-width:62rem;margin:0 auto;padding:1.5rem 1.25rem 4rem}
        h1{font-size:1.6rem;line-height:1.25;margin:.2rem 0 .4rem}h2{font-size:1.2rem;margin:2.4rem 0 .6rem;border-bottom:1px solid var(--line);padding-bottom:.25rem;break-after:avoid}
        h3{font-size:1rem;margin:1.2rem 0 .4rem;break-after:avoid}p{margin:.4rem 0;max-width:54rem}ul,ol{margin:.4rem 0;padding-left:1.4rem;max-width:54rem}
        .facts{color:var(--soft)}small{display:block;color:var(--soft);font-size:.78em;white-space:nowrap}
        .wide{overflow-x:auto}table{border-collapse:collapse;margin:.6rem 0;font-variant-numeric:tabular-nums}
        th,td{padding:.3rem .65rem;text-align:right;border-bottom:1px solid var(--line);vertical-align:top}tr{break-inside:avoid}
        th{font-weight:600;color:var(--soft);vertical-align:bottom}.name{text-align:left}
        .mark{display:inline-block;padding:0 .5rem;border-radius:.6rem;border:1px solid currentColor;font-weight:600;font-size:.85em;white-space:nowrap}
        .better,.passed,.trusted,.met{color:var(--good)}.doubtful,.unclear{color:var(--warn)}.worse,.failed,.invalid,.missed{color:var(--bad)}.same,.skipped{color:var(--soft)}
        .verdict{font-size:1.15rem;font-weight:600;padding:.7rem .9rem;background:var(--fill);border-left:5px solid currentColor;max-width:none}
        .adopt,.adopt-for-classes{color:var(--good)}.not-yet{color:var(--bad)}.no-difference,.maps-bought-nothing{color:var(--soft)}.cannot-tell{color:var(--warn)}
        .warning{border-left:4px solid var(--warn);padding:.4rem .8rem;background:var(--fill)}
        .chart{width:100%;max-width:46rem;height:auto}.chart text{fill:var(--soft);font-size:12px}.grid{stroke:var(--line)}.axis{stroke:var(--soft)}
        .legend{list-style:none;display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;padding:0;margin:.2rem 0;color:var(--soft)}.legend svg{margin-right:.4rem}
        .heat td{text-align:center;min-width:2rem;padding:.2rem .4rem}.heat .name{text-align:left;white-space:nowrap}.heat th span{writing-mode:vertical-rl;transform:rotate(180deg);max-height:12rem;font-weight:400}
        .pictures{display:grid;grid-template-columns:repeat(auto-fill,minmax(19rem,1fr));gap:1rem}.small{grid-template-columns:repeat(auto-fill,minmax(8rem,1fr))}
        figure{margin:0;break-inside:avoid}.strip{display:flex;gap:.4rem}.strip svg{width:6rem;height:auto;background:var(--fill)}
        .strip image{image-rendering:pixelated}.under{fill:none;stroke:#000;stroke-width:3;vector-effect:non-scaling-stroke}.over{fill:none;stroke:#ffe14d;stroke-width:1.4;vector-effect:non-scaling-stroke}
        figcaption{font-size:.85em;color:var(--soft);margin-top:.3rem;overflow-wrap:anywhere}
        code,pre{font:12px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}pre{white-space:pre-wrap;background:var(--fill);padding:.6rem .8rem;margin:.4rem 0}
        dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem;margin:.6rem 0}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
        .recipe{columns:2 18rem}.sign{width:100%;max-width:54rem}.sign td{height:2.6rem;text-align:left;min-width:8rem}
        @media print{@page{size:A4;margin:16mm 14mm}body{font-size:10pt;-webkit-print-color-adjust:exact;print-color-adjust:exact}main{max-width:none;padding:0}
        #section-2,#section-7,#section-14{break-before:page}.wide{overflow:visible}th,td{padding:.2rem .4rem}table{max-width:100%}small{white-space:normal}.heat td{min-width:0;padding:.1rem .2rem}
        p,li{orphans:3;widows:3}.sign,.strip,.chart,.legend,.verdict,.warning{break-inside:avoid}
        #section-1{font-size:9pt;line-height:1.4}#section-1 h3{margin:.7rem 0 .2rem}#section-1 .sign td{height:1.8rem}}
        """
}
